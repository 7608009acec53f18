"""Several filters as one: nobody is counted wrong, and where there is no room the newest are kept."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.errors import ConfigError
from monolith.table.admission.base import CountingFilter
from monolith.table.admission.exact import ExactCounter
from monolith.table.admission.hash_filter import HashFilter, SlidingHashFilter
from monolith.table.admission.joining import joined
from monolith.table.config import FilterConfig, FilterType

CAPACITY, SOURCES = 6_000, 3
MAKERS = {
    FilterType.EXACT_COUNTER: ExactCounter,
    FilterType.HASH_FILTER: HashFilter,
    FilterType.SLIDING_HASH_FILTER: SlidingHashFilter,
}
FORGETTING = [FilterType.EXACT_COUNTER, FilterType.SLIDING_HASH_FILTER]
FIDS = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, 200_000)
UNSEEN = FIDS[-5_000:]


def everybody(fids: np.ndarray) -> np.ndarray:
    return np.ones(len(fids), np.bool_)


def new(kind: FilterType, capacity: int = CAPACITY) -> CountingFilter:
    return MAKERS[kind](capacity)


def counted(kind: FilterType, count: int) -> tuple[CountingFilter, list[CountingFilter], list[np.ndarray]]:
    """One filter made of several that counted their shares of the first `count` of FIDS, 1 to 5 times."""
    shares, sources = np.array_split(FIDS[:count], SOURCES), []
    for share in shares:
        sources.append(new(kind))
        for batch in np.array_split(share, 50):
            sources[-1].add(batch, times(batch))
    whole = new(kind)
    whole.restore(joined(FilterConfig(kind, CAPACITY), [source.state() for source in sources], everybody))
    return whole, sources, shares


def times(fids: np.ndarray) -> np.ndarray:
    return 1 + fids % 5


def right(counter: CountingFilter, fids: np.ndarray) -> float:
    """The share of `fids` whose count is what it was; hash filters err now and then."""
    return float((counter.get(fids) == times(fids)).mean())


@pytest.mark.parametrize("kind", MAKERS)
def test_all_counts_are_kept_while_there_is_room(kind: FilterType) -> None:
    whole, sources, shares = counted(kind, CAPACITY // 2)
    for source, share in zip(sources, shares, strict=True):
        assert right(whole, share) > right(source, share) - 0.01
    assert (whole.get(UNSEEN) > 0).mean() < 0.01


@pytest.mark.parametrize("kind", FORGETTING)
def test_the_newest_are_kept_when_there_is_none(kind: FilterType) -> None:
    """Of each source, what would be newest if all sources had as much."""
    whole, sources, shares = counted(kind, 10 * CAPACITY)
    for source, share in zip(sources, shares, strict=True):
        newest = share[-CAPACITY // (8 * SOURCES) :]
        assert right(whole, newest) > right(source, newest) - 0.01
        assert (whole.get(share[:100]) == 0).mean() > 0.95


@pytest.mark.parametrize("kind", MAKERS)
def test_a_joined_filter_is_no_larger_than_one(kind: FilterType) -> None:
    whole, _, _ = counted(kind, 3 * CAPACITY)
    assert CAPACITY * 0.8 < whole.elements <= 2 * CAPACITY
    assert whole.memory_bytes <= new(kind).most_bytes
    assert (whole.get(UNSEEN) > 0).mean() < 0.05


@pytest.mark.parametrize("kind", MAKERS)
def test_a_joined_filter_counts_on(kind: FilterType) -> None:
    """As one would that had counted everything by itself."""
    (whole, _, shares), alone = counted(kind, CAPACITY // 2), new(kind)
    for share in shares:
        alone.add(share, times(share))
    for counter in (whole, alone):
        for _ in range(3):
            counter.add(UNSEEN, np.ones(len(UNSEEN), np.int64))
    known = [(counter.get(UNSEEN[-500:]) == 3).mean() for counter in (whole, alone)]
    assert known[0] == pytest.approx(known[1], abs=0.02)


def test_only_owned_fids_are_counted_exactly() -> None:
    source = ExactCounter(CAPACITY)
    source.add(FIDS[:100], np.ones(100, np.int64))
    config = FilterConfig(FilterType.EXACT_COUNTER, CAPACITY)
    state = joined(config, [source.state()], lambda fids: fids % 3 == 1)
    assert state["young"][0].tolist() == sorted(fid for fid in FIDS[:100].tolist() if fid % 3 == 1)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_filter_of_another_shape_is_not_joined(kind: FilterType) -> None:
    shapes = [new(other).state() for other in MAKERS if other is not kind]
    if kind is not FilterType.EXACT_COUNTER:
        shapes.append(new(kind, 2 * CAPACITY).state())
    for shape in shapes:
        with pytest.raises(ConfigError):
            joined(FilterConfig(kind, CAPACITY), [new(kind).state(), shape], everybody)
