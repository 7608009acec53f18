"""What upstream calls the files of its dumps. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monolith.core.errors import CheckpointIncomplete, CheckpointNotFound, CheckpointUnreadable

TABLE = "MonolithHashTable_"  # what a table's name stands behind
_TEMPORARY = re.compile(r".*-tmp-.*")
_SHARD = re.compile(r"-(\d{5,})-of-(\d{5,})")


def shard_name(base: str, shard: int, shards: int) -> str:
    """The file of part `shard` of `shards`."""
    return f"{base}-{shard:05d}-of-{shards:05d}"


def meta_name(base: str, shard: int, shards: int) -> str:
    """The file that tells which tables are in a part, and how many entries of each."""
    return shard_name(f"{base}.meta", shard, shards)


def count_shards(base: str, names: Iterable[str]) -> int:
    """In how many parts `base` was written, if `names`, all that begin with it, are just those.

    Files that were not finished count as not there.

    Raises:
        CheckpointNotFound: there are none.
        CheckpointUnreadable: one is no part, or they are parts of different dumps.
        CheckpointIncomplete: a part is missing.
    """
    parts = [_part(base, name) for name in names if not _TEMPORARY.fullmatch(name)]
    if not parts:
        raise CheckpointNotFound(f"there is no {shard_name(base, 0, 1)}, nor one of more parts")
    counts = sorted({count for _, count in parts})
    if len(counts) > 1:
        raise CheckpointUnreadable(f"there are files of {base} in {counts[0]} and in {counts[1]} parts")
    missing = sorted(set(range(counts[0])) - {shard for shard, _ in parts})
    if missing:
        raise CheckpointIncomplete(f"{shard_name(base, missing[0], counts[0])} is missing")
    return counts[0]


def base_of(name: str) -> str | None:
    """What a part is a part of; None for any other name."""
    found = re.fullmatch(f"(.+){_SHARD.pattern}", name)
    return found[1] if found and not _TEMPORARY.fullmatch(name) else None


def _part(base: str, name: str) -> tuple[int, int]:
    found = _SHARD.fullmatch(name.removeprefix(base)) if name.startswith(base) else None
    if found is None or int(found[1]) >= int(found[2]):
        raise CheckpointUnreadable(f"{name} is not the name of a part of {base}")
    return int(found[1]), int(found[2])
