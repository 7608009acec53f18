"""A training from its first step to its last save: alone, with others, and taken up again."""

import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import pytest
import torch

from monolith.checkpoint.claim import Claim
from monolith.checkpoint.layout import LOCK
from monolith.checkpoint.restore_dir import copy_checkpoint_from_restore_dir
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import (
    CheckpointError,
    CheckpointInUse,
    CheckpointMismatch,
    ModelError,
    RoundFailed,
    ShardRestarted,
)
from monolith.core.stop import Stop
from monolith.estimator.around import Around
from monolith.estimator.dense import DenseParameters, module_tensors
from monolith.estimator.hooks import HookAction, HookBase
from monolith.estimator.model import MonolithModel
from monolith.estimator.rounds import Place
from monolith.estimator.session import TrainingSession
from monolith.estimator.trainer import assemble
from monolith.models.deepfm import DeepFm
from monolith.models.lr import LogisticRegression
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.retention import FilterConfig
from tests.unit.estimator.conftest import MemoryDataset, Talk
from tests.upstream import by_name


class Small(DeepFm):
    """DeepFM, quick, with something random in every step."""

    hidden = (8,)

    def module(self, columns, schema):
        module = super().module(columns, schema)
        module.deep.insert(1, torch.nn.Dropout(0.2))
        return module


class Unjudged(LogisticRegression):
    """Its predictions are no probabilities."""

    def model_fn(self, module, features, mode):
        return attrs.evolve(super().model_fn(module, features, mode), classification=False)


class Picky(Small):
    """Ids must occur twice before they are learned."""

    def columns(self, schema):
        few = FilterConfig(filter_capacity=1000)
        wanted = super().columns(schema)
        return [attrs.evolve(c, occurrence_threshold=2, filter_config=few) for c in wanted]


@contextlib.contextmanager
def client(shards=1):
    with BlockingClient.local([LocalShard(index) for index in range(shards)]) as one:
        yield one


def train(dataset, config, model=Small, shards=1, **more):
    around = Around(**more)
    with client(shards) as one:
        return TrainingSession(model(), dataset, one, config, around=around).run()


def train_together(dataset, config, workers=2, shards=2, servers=None, **chiefs):
    """Workers in threads, each with its own client, over the same servers; `chiefs` is around the chief."""
    servers = servers or [LocalShard(index) for index in range(shards)]

    def work(worker):
        with BlockingClient.local(servers) as one:
            place = Place(worker=worker, num_workers=workers)
            around = Around(**chiefs) if place.chief else None
            return TrainingSession(Small(), dataset, one, config, place=place, around=around).run()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))


AHEAD = pytest.mark.parametrize("ahead", [0, 1])


def stored(config):
    return CheckpointStore(config.model_dir).list()


def steps(config):
    return [one.step for one in stored(config)]


def files(folder):
    """What is saved there."""
    found = {p.relative_to(folder): p for p in folder.rglob("*") if p.is_file()}
    return {at: p.read_bytes() for at, p in found.items() if at.parts[0] not in ("events", LOCK)}


def test_training_learns_what_can_be_learned(dataset, config):
    result = train(dataset, attrs.evolve(config, epochs=10, dense_learning_rate=0.01))
    assert result.global_step == 100
    assert result.training["examples"] == 4000
    assert result.evaluation["auc"] > 0.9


def test_saves_come_every_save_steps_and_last(dataset, config):
    train(dataset, attrs.evolve(config, epochs=1, max_to_keep=0))
    assert steps(config) == [4, 8, 10]


def test_a_short_training_saves_at_its_end_only(dataset, config):
    vector = by_name("checkpoint")["no_save_at_start_but_at_end"]
    given, names = vector["given"], [f"model.ckpt-{step}" for step in (0, 1)]
    train(dataset, attrs.evolve(config, save_steps=given["save_steps"], train_steps=given["global_step_run"]))
    assert [names[step] for step in steps(config)] == [n for n in names if "present" in vector["expect"][n]]


class Restores(LocalShard):
    """Counts how often it is asked to go on from files."""

    times = 0

    async def restore(self, order):
        self.times += 1
        return await super().restore(order)


def test_rows_are_restored_once_not_every_step(dataset, config):
    vector = by_name("checkpoint")["restore_runs_once_per_session_not_per_step"]
    train(dataset, attrs.evolve(config, train_steps=4))
    server = Restores(0)
    more = attrs.evolve(config, train_steps=4 + vector["given"]["steps"])
    with BlockingClient.local([server]) as one:
        assert TrainingSession(Small(), dataset, one, more).run().global_step == more.train_steps
    assert server.times == vector["expect"]["before_restore"]


@AHEAD
@pytest.mark.parametrize("model", [Small, Picky])
def test_the_same_seed_gives_the_same_bytes(dataset, config, tmp_path, model, ahead):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        told = attrs.evolve(config, model_dir=folder, embedding_prefetch_capacity=ahead)
        train(dataset, told, model, clock=lambda: 1.0)
    assert files(folders[0]) == files(folders[1])


def test_another_seed_gives_other_bytes(dataset, config, tmp_path):
    for seed in (0, 1):
        train(dataset, attrs.evolve(config, seed=seed, model_dir=tmp_path / str(seed)))
    assert files(tmp_path / "0") != files(tmp_path / "1")


def test_reading_ahead_is_another_training(dataset, config, tmp_path):
    for ahead in (0, 1, 2):
        told = attrs.evolve(config, model_dir=tmp_path / str(ahead), embedding_prefetch_capacity=ahead)
        train(dataset, told, shards=2)
    read = [files(tmp_path / str(ahead) / "checkpoint-4") for ahead in (0, 1, 2)]
    assert read[0] != read[1] != read[2] != read[0]


@AHEAD
@pytest.mark.parametrize("model", [Small, Picky])
def test_resuming_is_as_if_never_stopped(dataset, config, tmp_path, model, ahead):
    config = attrs.evolve(config, embedding_prefetch_capacity=ahead)
    straight = attrs.evolve(config, model_dir=tmp_path / "straight")
    train(dataset, straight, model)
    for target in (8, 12, 20):
        train(dataset, attrs.evolve(config, train_steps=target), model)
    assert files(straight.model_dir) == files(config.model_dir)


def test_going_on_elsewhere_is_as_if_never_moved(dataset, config, tmp_path):
    straight, moved = (attrs.evolve(config, model_dir=tmp_path / name) for name in ("straight", "moved"))
    train(dataset, straight)
    train(dataset, attrs.evolve(config, train_steps=12))
    copy_checkpoint_from_restore_dir(config.model_dir, moved.model_dir, "checkpoint-8")
    train(dataset, moved)
    last = "checkpoint-20"
    assert files(straight.model_dir / last) == files(moved.model_dir / last)


def test_what_nobody_judges_was_trained_all_the_same(dataset, config):
    talk = Talk()
    assert train(dataset, config, Unjudged, progress=talk).training["examples"] == 800
    assert not any("nothing was left" in sentence for sentence in talk.said)


def test_a_finished_training_has_nothing_to_do(dataset, config):
    train(dataset, config)
    before = files(config.model_dir)
    talk = Talk()
    assert train(dataset, config, progress=talk).global_step == 20
    assert files(config.model_dir) == before
    assert talk.said[-1].startswith("nothing was left to train at step 20")


@pytest.mark.parametrize("save_steps", [0, 6])
def test_workers_share_the_steps(dataset, config, save_steps):
    results = train_together(dataset, attrs.evolve(config, save_steps=save_steps, max_to_keep=0))
    assert results[0] == results[1]
    assert results[0].global_step == 20
    assert steps(config) == ([20] if not save_steps else [6, 12, 18, 20])
    assert stored(config)[-1].manifest.position == {0: 10, 1: 10}


def test_a_save_has_what_all_workers_learned(dataset, config):
    servers = [LocalShard(0)]
    train_together(dataset, config, servers=servers)
    module = assemble(Small(), dataset.schema).module
    with BlockingClient.local(servers) as one:
        DenseParameters(module).join(one)
    saved = CheckpointStore(config.model_dir).load_dense(stored(config)[-1].manifest)
    for name, values in module_tensors(module).items():
        np.testing.assert_array_equal(saved[name], values)


class OneBlock(MemoryDataset):
    """Too few rows for two."""

    def batches(self, reading):
        alone = attrs.evolve(reading, worker=0, num_workers=1)
        return super().batches(attrs.evolve(alone, epochs=0) if reading.worker else alone)


class StepsSeen(HookBase):
    def __init__(self):
        self.seen = []

    def before_step(self, step):
        self.seen.append(step)


def test_no_step_is_counted_for_a_worker_without_data(config):
    hook, talk = StepsSeen(), Talk()
    train_together(OneBlock(), attrs.evolve(config, save_steps=0), hooks=[hook], progress=talk)
    assert hook.seen == list(range(20))
    assert talk.said == [
        "1 of 2 workers have nothing to read: the 400 rows are shared out in blocks of up to 4,096"
    ]


def test_train_steps_count_all_workers(dataset, config):
    [result, _] = train_together(dataset, attrs.evolve(config, train_steps=7))
    assert result.global_step == 7


def test_workers_resume_where_they_were(dataset, config):
    train_together(dataset, attrs.evolve(config, train_steps=8))
    [result, _] = train_together(dataset, config)
    assert result.global_step == 20
    assert result.training["examples"] == 12 * 40


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_other_workers_train_what_is_left(dataset, config, before, after):
    train_together(dataset, attrs.evolve(config, train_steps=8), workers=before)
    result = train_together(dataset, config, workers=after, shards=3)[0]
    assert result.global_step == 20


def test_data_shared_anew_is_told(dataset, config):
    train_together(dataset, attrs.evolve(config, train_steps=8))
    talk = Talk()
    train(dataset, config, progress=talk)
    assert "checkpoint-8 was written with 2 workers" in talk.said[0]


@pytest.mark.parametrize("part", ["dense", "optimizer"])
def test_a_damaged_part_is_passed_over(dataset, config, part):
    train(dataset, attrs.evolve(config, train_steps=12))
    damaged = config.model_dir / "checkpoint-12" / f"{part}.safetensors"
    damaged.write_bytes(bytes([*damaged.read_bytes()[:-1], 0xAA]))
    talk = Talk()
    assert train(dataset, config, progress=talk).global_step == 20
    assert "checkpoint-12" in talk.said[0]


def test_figures_that_cannot_be_written_end_nothing(dataset, config):
    config.model_dir.mkdir()
    (config.model_dir / "events").write_text("a file where a folder should be")
    talk = Talk()
    result = train(dataset, config, progress=talk)
    assert steps(config)[-1] == result.global_step
    assert sum("figures are lost" in said for said in talk.said) == 1


class AskAt(HookBase):
    """Asks to stop, one way or the other, after a step."""

    def __init__(self, step, stop=None):
        self.at, self.stop, self.ended = step, stop, []

    def after_step(self, step, metrics):
        if step != self.at:
            return HookAction.CONTINUE
        if self.stop is None:
            return HookAction.STOP
        self.stop.ask()
        return HookAction.CONTINUE

    def end(self, step, metrics):
        self.ended.append(step)


@pytest.mark.parametrize("stop", [None, Stop()], ids=["hook", "signal"])
def test_a_stop_saves_and_ends(dataset, config, stop):
    hook = AskAt(5, stop)
    result = train(dataset, config, hooks=[hook], stop=stop or Stop())
    assert (result.global_step, result.stopped_early, result.evaluation) == (6, True, {})
    assert steps(config) == [4, 6]
    assert hook.ended == [6]


def test_not_resuming_among_checkpoints_is_refused(dataset, config):
    train(dataset, config)
    with pytest.raises(CheckpointError, match="checkpoint-20 is here: resume from it"):
        train(dataset, attrs.evolve(config, resume=False))


def test_a_folder_that_another_trains_in_is_refused(dataset, config):
    with Claim(config.model_dir), pytest.raises(CheckpointInUse, match="another training writes here"):
        train(dataset, config)
    assert steps(config) == []
    assert train(dataset, config).global_step == 20


class TakingAway(HookBase):
    """Deletes the model directory in the middle, and lets `begin` do something there."""

    def __init__(self, model_dir, begin=lambda: None):
        self._model_dir, self._begin = model_dir, begin

    def before_step(self, step):
        if step == 6:
            shutil.rmtree(self._model_dir)
            self._begin()


def test_a_folder_that_is_taken_away_is_made_anew_and_told(dataset, config):
    talk = Talk()
    train(dataset, config, progress=talk, hooks=[TakingAway(config.model_dir)])
    assert [said for said in talk.said if "claimed anew" in said] == talk.said[:1]
    assert steps(config) == [8, 12, 16, 20]
    assert (config.model_dir / ".lock").exists()
    assert list((config.model_dir / "events").iterdir())


def test_a_folder_that_another_training_has_taken_meanwhile_is_its_own(dataset, config):
    with contextlib.ExitStack() as other:
        taking = TakingAway(config.model_dir, lambda: other.enter_context(Claim(config.model_dir)))
        with pytest.raises(CheckpointInUse, match="another training writes here"):
            train(dataset, config, hooks=[taking])
    assert steps(config) == []


def test_another_models_folder_is_refused(dataset, config):
    train(dataset, config)
    with pytest.raises(CheckpointMismatch, match=r"belongs to model .*Small"):
        train(dataset, config, model=LogisticRegression)


class Diverging(MonolithModel):
    def module(self, columns, schema):
        return Small().module(Small().columns(schema), schema)

    def columns(self, schema):
        return Small().columns(schema)

    def loss(self, logits, labels, weights):
        return logits.sum() * float("nan")


def test_a_loss_that_is_no_number_is_told(dataset, config):
    with pytest.raises(ModelError, match="the loss is nan at step 0: lower the learning rates"):
        train(dataset, config, model=Diverging)


class Weightless(Small):
    def module(self, columns, schema):
        return torch.nn.Identity()


def test_a_module_without_weights_is_told(dataset, config):
    with pytest.raises(ModelError, match=r"Weightless fails in optimizer\(\): ValueError: .* empty"):
        train(dataset, config, Weightless)


class Dying(HookBase):
    def before_step(self, step):
        if step == 6:
            raise ShardRestarted(1)


def test_a_lost_server_names_the_checkpoint(dataset, config):
    with pytest.raises(ShardRestarted, match=r"ps-1 was restarted .*resume from .*checkpoint-4"):
        train(dataset, config, hooks=[Dying()])


def test_a_failing_chief_keeps_nobody_waiting(dataset, config):
    config.model_dir.parent.joinpath("model").write_text("a file where a folder should be")
    servers = [LocalShard(0)]

    def work(worker):
        with BlockingClient.local(servers) as one:
            place = Place(worker=worker, num_workers=2)
            session = TrainingSession(Small(), dataset, one, config, place=place)
            with pytest.raises((CheckpointError, RoundFailed)) as caught:
                session.run()
        return str(caught.value)

    with ThreadPoolExecutor(2) as pool:
        chief, other = pool.map(work, range(2))
    assert chief in other


def test_servers_forget_what_was_never_saved(dataset, config, tmp_path):
    """A job that died before its first save leaves rows with servers that outlive it."""
    afresh, after = (attrs.evolve(config, model_dir=tmp_path / name) for name in ("afresh", "after"))
    train(dataset, afresh)
    with client() as one:
        for each in (config, after):
            TrainingSession(Small(), dataset, one, each).run()
    assert files(after.model_dir) == files(afresh.model_dir)
