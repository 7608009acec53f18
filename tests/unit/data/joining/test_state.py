"""One transaction, one owner, and nothing that was sent is kept."""

import contextlib

import pytest

from monolith.core.errors import StreamError
from monolith.data.joining.entries import Entry, State
from monolith.data.joining.joiner import Fate
from monolith.data.joining.state import JoinState, Leaving, Reached
from monolith.data.streams.log import Partition

HERE = {Partition("shown", 0): Reached(7, 123), Partition("done", 1): Reached(0, None)}
GONE = [Leaving(b"a", 1, b"x"), Leaving(b"b", 2, b"y")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "state"


def opened(path, **how):
    return JoinState(path, how, memory_bytes=1 << 20)


def test_what_was_committed_is_there(path):
    with opened(path) as state:
        state.entries.put(b"k", Entry(State.WAITING, 5, 4, b"value", (1, -2)))
        state.counts[Fate.LATE] += 3
        state.commit(HERE, 99, GONE)
    with opened(path) as state:
        state.entries.load([b"k"])
        assert state.entries.get(b"k") == Entry(State.WAITING, 5, 4, b"value", (1, -2))
        assert (state.reached, state.watermark, state.counts) == (HERE, 99, {Fate.LATE: 3})
        assert state.unsent() == GONE


def test_what_was_not_is_not(path):
    with contextlib.suppress(KeyError), opened(path) as state:
        state.entries.put(b"k", Entry(State.WAITING, 5, 4))
        raise KeyError
    with opened(path) as state:
        assert (len(state.entries), state.reached) == (0, {})


@pytest.mark.parametrize("more", [[], [Leaving(b"c", 3, b"z")]])
def test_what_was_sent_is_forgotten(path, more):
    with opened(path) as state:
        state.commit(HERE, 1, GONE)
        state.sent()
        if more:
            state.commit(HERE, 2, more)
    with opened(path) as state:
        assert state.unsent() == more


def test_a_commit_is_whole(path):
    """Something in it cannot be stored: nothing is."""
    with opened(path) as state:
        state.commit(HERE, 1, GONE)
        state.sent()
        with pytest.raises(StreamError, match="cannot be kept"):
            state.commit(HERE, 2, [Leaving(b"d", 4, object())])
    with opened(path) as state:
        assert (state.watermark, state.unsent()) == (1, [])


def test_one_joiner_at_a_time(path):
    with opened(path), pytest.raises(StreamError, match="another joiner has it open"):
        opened(path)


def test_another_file_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"something else " * 100)
    with pytest.raises(StreamError, match=r"state: .* cannot be kept: file is not a database"):
        opened(path)


def test_a_folder_that_cannot_be(path):
    path.parent.write_text("a file")
    with pytest.raises(StreamError, match="cannot be kept"):
        opened(path)


def test_what_is_fixed_stays(path):
    with opened(path, rate=0.5, kinds=["a"]):
        pass
    with opened(path, rate=0.5, kinds=["a"]):
        pass
    with pytest.raises(StreamError, match=r"begun with rate 0\.5, not 1, kinds \['a'\], not \[\]: say"):
        opened(path, rate=1, kinds=[])
