"""Counting in two bytes: what upstream's filters give, and what a filter may get wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError
from monolith.core.fids import make_fid
from monolith.table.admission.hash_filter import HashFilter, SlidingHashFilter
from tests.upstream import by_name

VECTORS = by_name("hash_filter")
MANY = np.random.default_rng(7).integers(-(2**63), 2**63 - 1, 1_000_000)
Filter = HashFilter | SlidingHashFilter


def ask(counter: Filter, fids: list[int], threshold: int) -> list[int]:
    """Which occurrences are admitted, one after another."""
    one, limit = np.ones(1, np.int64), np.array([threshold])
    return [int(counter.admits(np.array([fid]), one, limit, 0)[0]) for fid in fids]


def ones(fids: np.ndarray, count: int = 1) -> np.ndarray:
    return np.full(len(fids), count)


@pytest.mark.parametrize("filter_of", [lambda c: HashFilter(c), lambda c: HashFilter(c, cell_bits=8)])
def test_counts_saturate(filter_of):
    case = VECTORS["add_returns_old_count_and_saturates_at_15"]
    for capacity in case["given"]["capacities"]:
        counter, key, before, after = filter_of(capacity), np.array([12345]), [], []
        for _ in range(case["given"]["adds_of_1"]):
            before.append(int(counter.add(key, ones(key))[0]))
            after.append(int(counter.get(key)[0]))
        assert (before, after) == (case["expect"]["add_returns"], case["expect"]["get_after_each"])


def test_sliding_counts_saturate():
    case = VECTORS["sliding_add_returns_old_count"]
    for capacity in case["given"]["capacities"]:
        counter, key = SlidingHashFilter(capacity, case["given"]["split_num"]), np.array([12345])
        told = [int(counter.add(key, ones(key))[0]) for _ in range(case["given"]["adds_of_1"])]
        assert told == case["expect"]["add_returns"]


@pytest.mark.parametrize("name", ["element_count", "sliding_element_count"])
def test_elements_are_counted(name):
    given_, expect = VECTORS[name]["given"], VECTORS[name]["expect"]
    sliding = "split_num" in given_
    capacity = given_["capacity"]
    counter = SlidingHashFilter(capacity, given_["split_num"]) if sliding else HashFilter(capacity)
    keys = MANY[: given_["distinct_keys"]]
    for _ in range(2):
        counter.add(keys, ones(keys))
    assert counter.elements == expect["estimated_total_element"]


def test_no_threshold_is_neither_filtered_nor_counted():
    case = VECTORS["zero_threshold_never_filtered_nor_counted"]["expect"]
    counter = HashFilter(1000)
    assert ask(counter, list(range(5)), 0) == [int(not case["threshold_0_filtered"])] * 5
    assert counter.elements == 0
    assert (
        ask(counter, [2 * i for i in range(5)], 1) == [int(not case["threshold_1_first_time_filtered"])] * 5
    )
    assert counter.elements == case["estimated_total_element"]


@pytest.mark.parametrize("counter", [HashFilter(1000), SlidingHashFilter(1000)], ids=["hash", "sliding"])
def test_the_fourth_occurrence_of_three(counter):
    case = VECTORS["gradient_mask_threshold_3"]
    given_ = case["given"]
    rounds = [ask(counter, given_["ids"], given_["threshold"]) for _ in range(given_["rounds"])]
    assert rounds == case["expect"]["gradient_multiplier_per_round"]


def test_saved_and_restored_it_counts_on():
    case = VECTORS["save_restore_keeps_counts"]
    given_, expect = case["given"], case["expect"]

    def fresh() -> SlidingHashFilter:
        return SlidingHashFilter(given_["capacity"], given_["split_num"])

    first, then = fresh(), fresh()
    rounds = [ask(first, given_["ids"], given_["threshold"]) for _ in range(2)]
    state = first.state()
    assert sum(name.startswith("split") for name in state) == expect["files_per_checkpoint"]
    then.restore(state)
    rounds += [ask(then, given_["ids"], given_["threshold"]) for _ in range(2)]
    assert rounds == expect["gradient_multiplier_per_round"]


def test_full_splits_make_room():
    case = VECTORS["many_splits_meta_after_two_rounds"]
    given_, expect = case["given"], case["expect"]
    counter = SlidingHashFilter(given_["capacity"], given_["split_num"])
    rounds = [ask(counter, given_["ids"], given_["threshold"]) for _ in range(given_["rounds"])]
    assert rounds == expect["gradient_multiplier_per_round"]
    assert counter.elements_by_split[:4] == [expect["first_4_splits_num_elements"]] * 4
    assert set(counter.elements_by_split[4:]) == {expect["other_splits_num_elements"]}
    assert (counter.head, counter.moves) == (expect["head"], expect["head_increment"])
    again = SlidingHashFilter(given_["capacity"], given_["split_num"])
    again.restore(counter.state())
    rounds = [ask(again, given_["ids"], given_["threshold"]) for _ in range(given_["rounds"])]
    restored = VECTORS["many_splits_after_restore"]["expect"]
    assert rounds == restored["gradient_multiplier_per_round"]


def test_few_bits_are_seldom_wrong():
    case = VECTORS["conflict_rate_8bit_fill4"]
    given_, expect = case["given"], case["expect"]
    counter = HashFilter(given_["keys"], cell_bits=given_["cell_bits"], fill=given_["fill_rate"])
    counter.add(MANY, ones(MANY, given_["add"]))
    low, high = (factor * expect["error_rate"] for factor in expect["accepted_factor"])
    assert low < (counter.get(MANY) != given_["add"]).mean() < high
    assert counter.failures == expect["failures"]


def test_who_is_not_seen_for_long_is_forgotten():
    case = VECTORS["sliding_conflict_rate_at_twice_capacity"]
    given_, expect = case["given"], case["expect"]
    counter = SlidingHashFilter(given_["capacity"], given_["split_num"])
    counter.add(MANY, ones(MANY, given_["add"]))
    wrong = (counter.get(MANY) != given_["add"]).mean()
    assert wrong == pytest.approx(expect["error_rate"], rel=expect["relative_tolerance"])


def test_who_finds_no_cell_has_one_in_the_next_split():
    """Without it one fid in thirty would be let in at its first occurrence, and never be counted."""
    counter, fids = SlidingHashFilter(100_000), MANY[:300_000]
    before = counter.add(fids, ones(fids, 2))
    assert counter.failures == 0
    assert (before > 0).mean() < 0.01
    for some in np.array_split(fids[-50_000:], 50):  # these stand in older splits, and are taken along
        counts = [counter.add(some, ones(some)) for _ in range(2)]
        assert (counts[1] == 3).mean() > 0.97
    assert counter.failures == 0


@pytest.mark.parametrize("kind", [HashFilter, SlidingHashFilter])
@pytest.mark.parametrize("slots", [1, 100])
def test_small_integers_are_told_apart(kind, slots):
    """An integer is its own value, and most data counts its ids from 0."""
    counter = kind(100_000)
    fids = np.concatenate([make_fid(slot, np.arange(100_000 // slots)) for slot in range(slots)])
    assert (counter.add(fids, ones(fids)) > 0).mean() < 0.01


def test_a_filter_that_is_full_admits():
    counter = HashFilter(10)
    fids = MANY[:1000]
    admitted = counter.admits(fids, ones(fids), ones(fids, 3), 0)
    assert admitted.sum() == counter.failures > 0


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (HashFilter(10), HashFilter(11)),
        (HashFilter(10), HashFilter(10, cell_bits=8)),
        (SlidingHashFilter(300, 5), SlidingHashFilter(300, 6)),
        (SlidingHashFilter(300, 5), SlidingHashFilter(400, 5)),
    ],
)
def test_another_shape_is_refused_and_changes_nothing(here: Filter, there: Filter):
    key = np.array([5])
    here.add(key, ones(key))
    before = here.get(key)
    with pytest.raises(ConfigError, match="the filter has"):
        here.restore(there.state())
    assert here.get(key) == before


@pytest.mark.parametrize("counter", [HashFilter(10), SlidingHashFilter(300, 5)], ids=["hash", "sliding"])
def test_half_a_state_is_refused(counter: Filter):
    assert VECTORS["restore_missing_files_raises"]["expect"]["raises"]
    whole = counter.state()
    for name in whole:
        with pytest.raises(ConfigError):
            counter.restore({n: array for n, array in whole.items() if n != name})


@pytest.mark.parametrize("kind", [HashFilter, SlidingHashFilter])
def test_a_filter_for_nobody_is_refused(kind):
    with pytest.raises(ConfigError, match="capacity=0: must be > 0"):
        kind(0)


BATCHES = st.lists(st.dictionaries(st.integers(0, 20), st.integers(1, 4), min_size=1), max_size=6)


@given(BATCHES, st.sampled_from([lambda: HashFilter(1000), lambda: SlidingHashFilter(10_000)]))
def test_with_room_it_counts_as_a_dict_does(batches, make):
    counter, model = make(), {}
    for batch in batches:
        fids, counts = np.array(list(batch)), np.array(list(batch.values()))
        assert counter.add(fids, counts).tolist() == [model.get(fid, 0) for fid in batch]
        model |= {fid: min(15, model.get(fid, 0) + count) for fid, count in batch.items()}
    assert counter.elements == len(model)
