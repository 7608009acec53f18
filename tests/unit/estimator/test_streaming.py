"""A session that reads a stream: it saves where it stands, and goes on from there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import attrs
import pytest

from monolith.checkpoint.layout import manifest_name
from monolith.checkpoint.store import CheckpointStore
from monolith.config.stream import StreamConfig
from monolith.core.stop import Stop
from monolith.data.streams.memory import MemoryLog
from monolith.data.streams.streamed import Streamed
from monolith.estimator.around import Around
from monolith.estimator.hooks import HookAction, HookBase
from monolith.estimator.model import Mode
from monolith.estimator.rounds import Place
from monolith.estimator.session import TrainingSession
from monolith.models.lr import LogisticRegression
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.wire.examples import encode_examples
from tests.unit.data.streams.conftest import SCHEMA, rows

COUNT, PARTITIONS = 300, 3


class Witness(LogisticRegression):
    """Notes the numbers of the rows that it learns from."""

    seen: list[int] = []

    def model_fn(self, module, features, mode):
        if mode is Mode.TRAIN:
            self.seen += features.dense["age"].reshape(-1).to(int).tolist()
        return super().model_fn(module, features, mode)


class Killed(Exception):
    """An end without a last word."""


class EndAt(HookBase):
    """Ends the training after so many steps of this session, one way or another."""

    def __init__(self, steps, how):
        self.left, self.how = steps, how

    def after_step(self, step, metrics):
        self.left -= 1
        if self.left:
            return HookAction.CONTINUE
        return self.how()


class NoSplits:
    """The dataset beside the stream."""

    schema = SCHEMA

    def rows(self, split):
        return 0


def kill():
    raise Killed


@pytest.fixture(autouse=True)
def seen(monkeypatch):
    monkeypatch.setattr(Witness, "seen", [])
    return Witness.seen


@pytest.fixture
def log():
    made = MemoryLog({"clicks": PARTITIONS})
    for number in range(COUNT):
        one = rows([number])
        one = replace(one, labels=one.labels % 2, dense={"age": one.labels.reshape(-1, 1)})
        made.send("clicks", encode_examples(one)[0], key=b"%d" % number)
    return made


@pytest.fixture
def config(config):
    return attrs.evolve(config, batch_size=10, save_steps=4, epochs=None)


@pytest.fixture
def train(log, config, tmp_path):
    """Train on all of the log, as `workers` workers."""
    stream = StreamConfig(
        kafka_topics="clicks",
        kafka_servers="memory:1",
        stream_timeout_ms=0,
        stream_poll_timeout_ms=300,
        stream_batch_wait_ms=50,
    )
    source = Streamed(dataset=NoSplits(), log=log, config=stream, folder=tmp_path, say=print)

    def work(servers, worker, workers, around, settings):
        with BlockingClient.local(servers) as client:
            place = Place(worker=worker, num_workers=workers)
            return TrainingSession(Witness(), source, client, settings, place=place, around=around).run()

    def run(workers=1, settings=config, **around):
        servers = [LocalShard(0)]
        with ThreadPoolExecutor(workers) as pool:
            places = range(workers)
            asked = [pool.submit(work, servers, w, workers, Around(**around), settings) for w in places]
            results = [one.result() for one in asked]
            return results[0]

    return run


def newest(config):
    return CheckpointStore(config.model_dir).latest()


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_everything_is_learned_once(train, seen, config, log, workers):
    result = train(workers)
    assert sorted(seen) == list(range(COUNT))
    assert result.training["examples"] == COUNT
    assert sum(newest(config).offsets.values()) == COUNT
    assert sum(log.committed.values()) == COUNT  # for those who watch


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("steps", [2, 4, 9, 13])
def test_a_kill_repeats_what_no_checkpoint_has(train, seen, config, steps, ahead):
    settings = attrs.evolve(config, embedding_prefetch_capacity=ahead)
    with pytest.raises(Killed):
        train(settings=settings, hooks=[EndAt(steps, kill)])
    done, saved = list(seen), newest(config)
    train(settings=settings)
    assert set(seen) == set(range(COUNT))
    repeated = len(seen) - COUNT
    assert repeated <= config.save_steps * config.batch_size + config.batch_size
    assert repeated == len(done) - (sum(saved.offsets.values()) if saved else 0)


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (3, 0), (1, 2)])
def test_a_stop_repeats_nothing(train, seen, config, workers, ahead):
    stop, settings = Stop(), attrs.evolve(config, embedding_prefetch_capacity=ahead)
    first = train(settings=settings, hooks=[EndAt(5, stop.ask)], stop=stop)
    assert first.stopped_early
    assert sum(newest(config).offsets.values()) == len(seen) < COUNT
    train(workers)  # as many as like
    assert sorted(seen) == list(range(COUNT))


def test_steps_can_be_limited(train, seen, config):
    result = train(settings=attrs.evolve(config, train_steps=6))
    assert (result.global_step, len(seen)) == (6, 60)


def test_a_stream_leaves_the_place_in_the_dataset_alone(train, config):
    """And that in another stream."""
    train(settings=attrs.evolve(config, train_steps=4))
    elsewhere = attrs.evolve(
        newest(config), position={0: 7}, offsets={**newest(config).offsets, "views/0": 3}
    )
    (config.model_dir / manifest_name(4)).write_bytes(elsewhere.to_json())
    assert train().global_step > 4
    assert (newest(config).position, newest(config).offsets["views/0"]) == ({0: 7}, 3)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_set_aside_is_counted_for_the_whole_job(train, log, workers):
    for number in range(7):
        log.send("clicks", b"\xff", key=b"%d" % number)
    result = train(workers)
    assert (result.training["examples"], result.set_aside) == (COUNT, 7)


def test_nothing_to_read_is_told(train, config, log):
    train()
    said = []

    class Listener:
        begin = advance = end = staticmethod(lambda *_, **__: None)
        say = staticmethod(said.append)

    train(progress=Listener())
    assert any("no message came that can be read" in sentence for sentence in said)
