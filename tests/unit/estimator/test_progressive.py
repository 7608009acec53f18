"""What replicas say of a batch is said, or given up, before the batch is learned: whoever trains, however."""

import threading
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor

import attrs
import numpy as np
import pytest

from monolith.core.errors import ServingError
from monolith.estimator.around import Around
from monolith.estimator.model import Mode
from monolith.estimator.progressive import Progressive
from monolith.estimator.rounds import Place
from monolith.estimator.session import TrainingSession
from monolith.metrics.streaming import Quality
from monolith.models.lr import LogisticRegression
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.serving.asking import Answer

PATIENCE_S = 20.0


class Diary:
    """What became of each batch, by worker, in its order; one can wait for a word."""

    def __init__(self):
        self.words = []
        self._written = threading.Condition()

    def write(self, word, batch):
        with self._written:
            self.words.append((word, batch))
            self._written.notify_all()

    def wait_for(self, word, batch):
        with self._written:
            self._written.wait_for(lambda: (word, batch) in self.words, PATIENCE_S)

    def by_batch(self):
        found = defaultdict(list)
        for word, batch in self.words:
            found[batch].append(word)
        return found


class Late:
    """Answers about a batch, in a thread of its own, just after the one before it began to be learned."""

    def __init__(self, diary):
        self._diary, self._before = diary, None
        self._thread = ThreadPoolExecutor(1)

    def ask(self, batch):
        self._diary.write("asked", number := name_of(batch.dense["age"]))
        self._before, before = number, self._before
        return self._thread.submit(self._answer, number, before, len(batch))

    def _answer(self, number, before, rows):
        if before is not None:
            self._diary.wait_for("learned", before)
        threading.Event().wait(0.002)
        self._diary.write("answered", number)
        return Answer(np.full(rows, 0.25, np.float32), 1.0)


def name_of(age):
    """Rows differ in it, so batches do."""
    return float(age[0, 0])


class Noting(LogisticRegression):
    """Writes down which batch it is about to learn."""

    diary = Diary()

    def model_fn(self, module, features, mode):
        if mode is Mode.TRAIN:
            self.diary.write("learned", name_of(features.dense["age"]))
        return super().model_fn(module, features, mode)


@pytest.fixture
def diary(monkeypatch):
    monkeypatch.setattr(Noting, "diary", Diary())
    return Noting.diary


def train(dataset, config, replicas, workers=1):
    """Train, each worker with replicas of its own, which have as many names."""
    servers = [LocalShard(0)]

    def work(worker):
        with BlockingClient.local(servers) as client:
            place = Place(worker=worker, num_workers=workers)
            around = Around(progressive=Progressive(replicas(), timeout_s=PATIENCE_S))
            return TrainingSession(Noting(), dataset, client, config, place=place, around=around).run()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (1, 2), (2, 0), (2, 2)])
def test_each_batch_is_predicted_before_it_is_learned(dataset, config, diary, workers, ahead):
    told = attrs.evolve(config, epochs=1, embedding_prefetch_capacity=ahead)
    results = train(dataset, told, lambda: {"late": Late(diary)}, workers)
    assert set(map(tuple, diary.by_batch().values())) == {("asked", "answered", "learned")}
    assert len(diary.by_batch()) == results[0].global_step == 10
    assert all(one.progressive == results[0].progressive for one in results)
    assert results[0].progressive["late"]["examples"] == 400
    assert results[0].progressive["late"]["missed"] == 0


def test_a_limit_leaves_what_was_asked_for_nothing_uncounted(dataset, config, diary):
    [result] = train(dataset, attrs.evolve(config, train_steps=3, epochs=None), lambda: {"late": Late(diary)})
    assert result.progressive["late"]["examples"] == 3 * 40


class Told:
    """Says of rows what a table has for their first number; nothing at all once it is gone."""

    def __init__(self, answers):
        self._answers = answers

    def ask(self, batch):
        answer = Future()
        if self._answers == 0:
            answer.set_exception(ServingError("gone"))
        else:
            self._answers -= 1
            answer.set_result(Answer(batch.dense["age"][:, 0], 2.0))
        return answer


def test_a_replica_that_goes_is_only_missed(dataset, config, diary):
    def replicas():
        return {"there": Told(-1), "gone": Told(4)}

    [result] = train(dataset, attrs.evolve(config, epochs=1), replicas)
    there, gone = result.progressive["there"], result.progressive["gone"]
    assert (there["examples"], there["missed"]) == (400, 0)
    assert (gone["examples"], gone["missed"]) == (4 * 40, 6 * 40)
    assert result.training["examples"] == 400


def test_figures_are_those_of_the_same_predictions_elsewhere(dataset, config, diary):
    seen = []

    class Seeing(Told):
        def ask(self, batch):
            seen.append(batch)
            return super().ask(batch)

    [result] = train(dataset, attrs.evolve(config, epochs=1), lambda: {"there": Seeing(-1)})
    apart = Quality()
    for batch in seen:
        apart.update(batch.dense["age"][:, 0], batch.labels)
    told = result.progressive["there"]
    assert {name: told[name] for name in apart.figures()} == pytest.approx(apart.figures())


def test_the_training_does_not_depend_on_who_is_asked(dataset, config, diary, tmp_path):
    folders = [tmp_path / name for name in ("alone", "watched")]
    for folder, replicas in zip(folders, [dict, lambda: {"there": Told(-1)}], strict=True):
        train(dataset, attrs.evolve(config, model_dir=folder), replicas)
    alone, watched = ({p.name: p.read_bytes() for p in f.glob("checkpoint-20/*")} for f in folders)
    assert alone
    assert alone == watched
