"""Who reads which partition."""

from hypothesis import given
from hypothesis import strategies as st

from monolith.data.streams.log import Partition, as_text, share
from monolith.data.streams.memory import MemoryLog

counts = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def shares(counts, workers):
    topics = {f"t{i}": count for i, count in enumerate(counts)}
    return [share(MemoryLog(topics), list(topics), worker, workers) for worker in range(workers)]


@given(counts, st.integers(1, 6))
def test_every_partition_has_one_reader(counts, workers):
    given_ = [one for mine in shares(counts, workers) for one in mine]
    assert sorted(given_) == [Partition(f"t{i}", n) for i, count in enumerate(counts) for n in range(count)]


@given(st.integers(1, 9), st.integers(1, 6))
def test_a_topic_is_shared_evenly(count, workers):
    sizes = [len(mine) for mine in shares([count], workers)]
    assert max(sizes) - min(sizes) <= 1


@given(counts, st.integers(1, 6), st.integers(0, 3), st.integers(1, 5))
def test_a_growing_topic_moves_nothing(counts, workers, which, more):
    grown = [count + more * (i == which) for i, count in enumerate(counts)]
    for before, after in zip(shares(counts, workers), shares(grown, workers), strict=True):
        assert set(before) <= set(after)


def test_offsets_are_told_as_text():
    assert as_text({Partition("a-b.c", 3): 7}.items()) == {"a-b.c/3": 7}
