"""Admission by chance, the same in every run."""

import numpy as np
import pytest

from monolith.table.admission.probabilistic import ProbabilisticFilter
from tests.upstream import by_name

VECTORS = by_name("probabilistic_filter")
FIDS = np.arange(10_000) * 7919


@pytest.mark.parametrize(
    ("name", "equal"), [("equal_probability", True), ("unequal_probability", False)], ids=["equal", "unequal"]
)
def test_as_many_get_in_as_upstream_lets_in(name, equal):
    given_, expect = VECTORS[name]["given"], VECTORS[name]["expect"]
    thresholds = np.full(given_["trials"], given_["threshold"])
    for i, count in enumerate(given_["counts"]):
        chance = ProbabilisticFilter(equal_probability=equal)
        admitted = chance.admits(FIDS[: given_["trials"]], np.full(given_["trials"], count), thresholds, i)
        assert admitted.sum() == pytest.approx(expect["inserted"][i], abs=expect["absolute_tolerance"][i])


def test_what_is_drawn_depends_on_seed_fid_and_step():
    one, seven = np.ones(len(FIDS), np.int64), np.full(len(FIDS), 7)

    def drawn(seed: int, step: int) -> bytes:
        return ProbabilisticFilter(seed=seed).admits(FIDS, one, seven, step).tobytes()

    assert drawn(1, 2) == drawn(1, 2)
    assert len({drawn(1, 2), drawn(1, 3), drawn(2, 2), drawn(2, 1)}) == 4


def test_no_threshold_admits():
    one = np.ones(len(FIDS), np.int64)
    assert ProbabilisticFilter().admits(FIDS, one, 0 * one, 0).all()


def test_many_occurrences_admit_nearly_all():
    many = np.full(len(FIDS), 7)
    assert ProbabilisticFilter().admits(FIDS, many, many, 0).mean() == pytest.approx(0.95, abs=0.01)
