"""Names of dump files, as upstream has them."""

from __future__ import annotations

import pytest

from monolith.checkpoint.dump_names import base_of, count_shards, meta_name
from monolith.core.errors import CheckpointNotFound


def test_counts_stand_beside_their_part() -> None:
    assert meta_name("multi", 1, 2) == "multi.meta-00001-of-00002"


def test_unfinished_files_are_not_there() -> None:
    with pytest.raises(CheckpointNotFound, match="there is no a-00000-of-00001"):
        count_shards("a", ["a-00000-of-00001-tmp-77", "a-tmp-77-00000-of-00001"])


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("a-b-00003-of-00004", "a-b"),
        ("a.meta-00000-of-00001", "a.meta"),
        ("a-tmp-1-00000-of-00001", None),
        ("a", None),
    ],
)
def test_the_base_of_a_name(name: str, base: str | None) -> None:
    assert base_of(name) == base
