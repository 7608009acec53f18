"""Before a run: one process brings a checkpoint over, the others wait for it as long as they may.

On the virtual clock the files are looked at in place of threads, which that clock cannot see.
"""

import asyncio
import threading

import attrs
import pytest

from monolith.checkpoint.restore_dir import copy_checkpoint_from_restore_dir
from monolith.checkpoint.state_file import CheckpointState
from monolith.config.runner import RunnerConfig
from monolith.core.errors import RestoreDirEmpty, RestoreSyncTimedOut
from monolith.core.names import Role
from monolith.runner import restore
from monolith.runner.restore import GRACE_S, initialize_restore_checkpoint, is_chief
from monolith.testing import virtual_time

ONE = CheckpointState("model.ckpt-61", ["model.ckpt-61"])


@pytest.fixture
def chief(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "checkpoint").write_bytes(ONE.to_text())
    return RunnerConfig(is_local=False, model_dir=tmp_path / "new", restore_dir=tmp_path / "old")


@pytest.fixture
def no_threads(monkeypatch):
    async def at_once(function, *args):
        return function(*args)

    monkeypatch.setattr(restore, "in_daemon", at_once)


async def begin(config, role=Role.WORKER, *, after=0.0, **times):
    await asyncio.sleep(after)
    return await initialize_restore_checkpoint(config, role, {}, **times)


async def together(*all_of_them):
    return await asyncio.gather(*all_of_them)


@pytest.mark.parametrize(
    ("is_local", "role", "index", "expected"),
    [
        (False, Role.WORKER, 0, True),
        (False, Role.WORKER, 1, False),
        (False, Role.PS, 0, False),
        (False, Role.PS, 1, False),
        (True, Role.WORKER, 3, True),
        (True, Role.PS, 3, True),
    ],
)
def test_who_is_the_chief(is_local, role, index, expected):
    assert is_chief(RunnerConfig(is_local=is_local, index=index), role) == expected


@pytest.mark.parametrize("role", Role)
def test_without_restore_dir_nothing_is_done(role, tmp_path):
    config = RunnerConfig(model_dir=tmp_path / "new", is_local=False)
    assert virtual_time.run(begin(config, role)) == (None, 0)
    assert not config.model_dir.exists()


def test_the_environment_is_told_first(tmp_path):
    config = RunnerConfig(tf_grpc_worker_cache_threads=4, restore_dir=tmp_path)
    environ = {}
    with pytest.raises(RestoreDirEmpty):
        asyncio.run(initialize_restore_checkpoint(config, Role.WORKER, environ))
    assert environ == {"TF_GRPC_WORKER_CACHE_THREADS": "4"}


@pytest.mark.parametrize("order", [1, -1], ids=["chief first", "chief last"])
def test_all_begin_with_what_the_chief_took(chief, order):
    chief = attrs.evolve(chief, restore_sync_poll_interval_ms=1)
    job = [(chief, Role.WORKER), (attrs.evolve(chief, index=1), Role.WORKER), (chief, Role.PS)]
    states = asyncio.run(together(*[begin(*each) for each in job[::order]]))
    assert states == [ONE] * 3


@pytest.mark.parametrize(
    ("done_at", "times", "seen_at"),
    [
        (0.0, {"poll_s": 1.0}, 1.0),
        (2.5, {"poll_s": 1.0}, 3.0),
        (2.5, {}, 30.0),
        (2.5, {"timeout_s": 7.0}, 7.0),
        (6.5, {"timeout_s": 7.0, "poll_s": 2.0}, 7.0),
    ],
)
@pytest.mark.usefixtures("no_threads")
def test_others_see_it_at_their_next_look(chief, done_at, times, seen_at):
    job = together(begin(chief, Role.PS, **times), begin(chief, after=done_at))
    assert virtual_time.run(job) == ([ONE, ONE], seen_at)


@pytest.mark.usefixtures("no_threads")
def test_who_finds_it_there_does_not_wait(chief):
    copy_checkpoint_from_restore_dir(chief.restore_dir, chief.model_dir)
    assert virtual_time.run(begin(chief, Role.PS, timeout_s=0)) == (ONE, 0)


def ended(config, role, **times):
    """When the wait was given up, and with which words."""

    async def in_vain():
        with pytest.raises(RestoreSyncTimedOut) as caught:
            await begin(config, role, **times)
        return str(caught.value)

    words, at = virtual_time.run(in_vain())
    return at, words


@pytest.mark.parametrize(
    ("secs", "poll_ms", "times", "at"),
    [(3600, 30_000, {}, 3600), (0, 0, {}, 1), (7, 30_000, {}, 7), (7, 0, {"timeout_s": 0}, 0)],
)
@pytest.mark.usefixtures("no_threads")
def test_a_wait_in_vain_ends(chief, secs, poll_ms, times, at):
    other = attrs.evolve(
        chief, index=1, restore_sync_timeout_secs=secs, restore_sync_poll_interval_ms=poll_ms
    )
    path = chief.model_dir / "monolith_checkpoint"
    words = f"Timed out waiting for restore synchronization file: {path}"
    assert ended(other, Role.WORKER, **times) == (pytest.approx(at), words)


@pytest.mark.parametrize(
    ("role", "stuck"), [(Role.WORKER, "copy_checkpoint_from_restore_dir"), (Role.PS, "restored")]
)
def test_a_disk_that_never_answers_is_given_up(chief, monkeypatch, role, stuck):
    answer = threading.Event()
    monkeypatch.setattr(restore, stuck, lambda *_: answer.wait())
    at, _ = ended(chief, role)
    answer.set()
    assert at == 3600 + GRACE_S
