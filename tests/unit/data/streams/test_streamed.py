"""A dataset whose training split is a stream."""

import itertools

import attrs
import pytest

from monolith.config.stream import StreamStart
from monolith.core.errors import TopicNotFound
from monolith.data.reading import Bookmark, Reading
from monolith.data.streams.streamed import Streamed
from tests.unit.data.streams.conftest import SCHEMA, QuickLog, Ticking, example, labels, rows_of

KEYS = (b"joe", b"ann")  # of different partitions


class Kept:
    """A dataset that says what it was asked."""

    schema = SCHEMA

    def rows(self, split):
        return 5

    def batches(self, reading):
        return [reading]


@pytest.fixture
def log():
    made = QuickLog({"clicks": 2})
    for number in range(6):
        made.send("clicks", example(number), key=KEYS[number % 2])
    return made


@pytest.fixture
def said():
    return []


@pytest.fixture
def streamed(log, config, said, tmp_path):
    return Streamed(
        dataset=Kept(), log=log, config=config, folder=tmp_path, say=said.append, timer=Ticking(), clock=float
    )


def read(streamed, **how):
    batches = streamed.batches(Reading(batch_size=2, **how))
    return sorted(rows_of(batches))


def test_other_splits_are_the_datasets(streamed):
    reading = Reading(split="valid")
    assert (streamed.batches(reading), streamed.rows("valid"), streamed.schema) == ([reading], 5, SCHEMA)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_read_all_of_it_between_them(streamed, workers):
    parts = [read(streamed, worker=worker, num_workers=workers) for worker in range(workers)]
    assert sorted(itertools.chain(*parts)) == list(range(6))
    assert all(parts)


def test_a_worker_without_partition_is_told(streamed, said):
    batches = streamed.batches(Reading(worker=2, num_workers=3, start=4))
    assert (list(batches), batches.total, batches.bookmark(0)) == ([], None, Bookmark(position=4))
    assert "worker-2 has nothing to read" in said[0]


def test_other_workers_go_on_exactly(streamed):
    """What two had read, three go on from."""
    offsets = {}
    first = [streamed.batches(Reading(batch_size=1, worker=w, num_workers=2)) for w in range(2)]
    done = [labels(next(batches))[0] for batches in first]
    for batches in first:
        offsets |= batches.bookmark(1).offsets
    left = [read(streamed, worker=w, num_workers=3, offsets=offsets) for w in range(3)]
    assert sorted(itertools.chain(done, *left)) == list(range(6))


def test_an_unknown_topic_is_named(streamed, config):
    other = attrs.evolve(streamed, config=attrs.evolve(config, kafka_topics="clicks, klicks"))
    with pytest.raises(TopicNotFound, match="'klicks'"):
        other.batches(Reading())


def test_the_latest_is_only_a_beginning(streamed, config, log):
    latest = attrs.evolve(streamed, config=attrs.evolve(config, stream_start=StreamStart.LATEST))
    batches = latest.batches(Reading(batch_size=2))
    begun = batches.bookmark(0).offsets
    log.send("clicks", example(9), key=KEYS[0])
    assert read(latest, offsets=begun) == [9]  # though nothing was read before it
    (known, _) = begun
    assert len(read(latest, offsets={known: begun[known]})) >= 3  # the other partition is new: all of it


@pytest.mark.parametrize(
    ("at", "tells"), [(0, ["{}: 1 messages were deleted before they were read"]), (1, []), (99, [])]
)
def test_what_the_log_no_longer_holds_is_told(streamed, log, said, at, tells):
    (place,) = {m.partition for m in log._held for m in log._held[m] if m.key == KEYS[0]}
    log.forget(place, 1)
    got = read(streamed, offsets={str(place): at})
    assert len(got) == 5
    assert said == [sentence.format(place) for sentence in tells]
