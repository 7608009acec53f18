"""No message is lost and few come twice, wherever a reader dies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.stream import MessageFormat
from monolith.data.reading import Bookmark
from monolith.data.streams.batches import Flow, NoBatches, StreamBatches
from monolith.data.streams.log import Partition, as_text
from monolith.data.streams.memory import MemoryLog
from monolith.data.streams.silence import Silence
from tests.unit.data.streams.conftest import (
    QuickLog,
    Ticking,
    decoder,
    example,
    example_batch,
    labels,
    rows_of,
)

A, B = Partition("clicks", 0), Partition("clicks", 1)


class Aside:
    """Messages set aside."""

    def __init__(self):
        self.poison = []

    def put(self, poison):
        self.poison.append(poison)


def filled(values, partitions=2, log=QuickLog):
    made = log({"clicks": partitions})
    for number, value in enumerate(values):
        made.send("clicks", value, key=b"%d" % number)
    return made


def reading(log, *, size=4, wait_s=0.05, silence_s=0.04, offsets=None, aside=None, **how):
    offsets = offsets or {Partition("clicks", n): 0 for n in range(log.partitions("clicks"))}
    reader = log.read(offsets)
    silence = Silence(reader, log, offsets, silence_s, print)
    flow = Flow(batch_size=size, wait_s=wait_s, silence=silence, timer=Ticking())
    return StreamBatches(reader, offsets, decoder(**how), aside or Aside(), flow)


def full(batches):
    return [batch for batch in batches if len(batch)]


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 5))
def test_all_rows_come_once_and_in_order(count, size, partitions):
    log = filled(map(example, range(count)), partitions)
    batches = reading(log, size=size)
    got = full(batches)
    assert sorted(rows_of(got)) == list(range(count))
    assert all(len(one) == size for one in got[:-1])
    assert batches.position == len(got)
    assert batches.bookmark(len(got)).offsets == as_text((p, log.span(p).end) for p in batches._held.offsets)


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 7))
def test_a_large_message_is_cut(counts, size):
    values = [example_batch(sum(counts[:i]), n) for i, n in enumerate(counts)]
    batches = reading(filled(values, 1), size=size, what=MessageFormat.EXAMPLE_BATCH)
    got = full(batches)
    assert rows_of(got) == list(range(sum(counts)))
    assert all(len(one) == size for one in got[:-1])


@given(st.data())
def test_a_kill_loses_nothing(data):
    """A trainer that saves every so many batches, reads ahead of itself, and is killed anywhere."""
    count, each = data.draw(st.integers(1, 60)), data.draw(st.sampled_from([1, 3]))
    bad = data.draw(st.sets(st.integers(0, 59)))
    good = [number for number in range(count) if number not in bad]
    make = (lambda n: example_batch(n * each, each)) if each > 1 else example
    log = filled((b"\xff" if n in bad else make(n) for n in range(count)), data.draw(st.integers(1, 4)))
    what = MessageFormat.EXAMPLE_BATCH if each > 1 else MessageFormat.EXAMPLE
    kills = data.draw(st.lists(st.integers(0, 12), max_size=6))
    offsets, saved = {}, []  # what the checkpoint knows
    for kill in [*kills, None]:
        size, every = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 5))
        batches = reading(log, size=size, offsets=offsets, what=what)
        unsaved, done = [], 0
        for done, batch in enumerate((b for b in batches if len(b)), 1):
            if done - 1 == kill:
                break
            unsaved += labels(batch)
            if done % every == 0:
                offsets, saved, unsaved = later(offsets, batches, done), saved + unsaved, []
        else:
            offsets, saved, unsaved = later(offsets, batches, done), saved + unsaved, []
        assert len(unsaved) < every * size  # which is trained again
    wanted = [n * each + row for n in good for row in range(each)]
    assert set(saved) == set(wanted)
    assert len(saved) - len(wanted) <= (each - 1) * len(kills)  # where a checkpoint stands inside a message


def later(before, batches, given_):
    """The offsets of a checkpoint, none of which goes back."""
    told = batches.bookmark(given_).offsets.items()
    after = {Partition(name.rpartition("/")[0], int(name.rpartition("/")[2])): at for name, at in told}
    assert all(after[partition] >= at for partition, at in before.items())
    return after


def test_what_comes_slowly_is_given_in_time():
    batches = reading(filled(map(example, range(3)), 1), size=100, silence_s=None)
    assert labels(next(batches)) == [0, 1, 2]
    assert [len(next(batches)) for _ in range(3)] == [0, 0, 0]
    assert batches.position == 1


def test_silence_ends_a_stream_and_a_message_breaks_it():
    log = filled([example(0)], 1)
    batches = reading(log, wait_s=0.03, silence_s=0.07)
    assert labels(next(batches)) == [0]
    assert len(next(batches)) == 0
    log.send("clicks", example(1))
    assert labels(next(batches)) == [1]
    assert full(batches) == []


def test_silence_of_brokers_that_are_away_ends_nothing():
    batches = reading(filled([], 1))
    batches._reader.away = True
    assert [len(next(batches)) for _ in range(5)] == [0] * 5
    batches._reader.away = False
    assert full(batches) == []


def test_poison_is_set_aside_and_passed():
    aside = Aside()
    batches = reading(filled([example(0), b"\xff", example(2), b"\xff"], 1), aside=aside)
    assert rows_of(full(batches)) == [0, 2]
    assert [poison.message.offset for poison in aside.poison] == [1, 3]
    assert batches.bookmark(1).offsets == {"clicks/0": 4}


def test_poison_alone_is_passed_too():
    log = filled([example(0), example(1)], 1)
    batches = reading(log, size=2, silence_s=None)
    assert labels(next(batches)) == [0, 1]
    log.send("clicks", b"\xff")
    assert len(next(batches)) == 0
    assert batches.bookmark(1).offsets == {"clicks/0": 3}


def test_only_what_is_saved_is_committed():
    log = filled(map(example, range(10)), 1)
    batches = reading(log, size=2)
    given_ = [next(batches) for _ in range(4)]
    batches.saved(2)
    assert (len(given_), log.committed) == (4, {A: 4})


def test_what_is_not_read_here_stays_as_it_was():
    elsewhere = Bookmark(position=7, offsets={"views/0": 3})
    reader = (log := filled([])).read({A: 5})
    flow = Flow(batch_size=2, wait_s=1, silence=Silence(reader, log, [A], None, print), timer=Ticking())
    batches = StreamBatches(reader, {A: 5}, decoder(), Aside(), flow, elsewhere)
    assert batches.bookmark(0) == Bookmark(position=7, offsets={"views/0": 3, "clicks/0": 5})
    assert NoBatches(elsewhere).bookmark(0) == elsewhere


def test_a_reader_wakes_up_when_something_comes():
    log = MemoryLog({"clicks": 1})
    log.send("clicks", example(1))
    reader = log.read({A: 0})
    assert [m.offset for m in reader.poll(1, 3_600)] == [0]


@pytest.mark.parametrize("given_", [0, 1, 2])
def test_a_bookmark_may_be_asked_for_again(given_):
    batches = reading(filled(map(example, range(4)), 1), size=2)
    assert len(full(batches)) == 2
    assert batches.bookmark(given_) == batches.bookmark(given_)
    assert batches.bookmark(given_).offsets == {"clicks/0": 2 * given_}
