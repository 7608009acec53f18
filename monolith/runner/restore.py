"""Beginning with another directory's checkpoint: the chief brings it over, the others wait until it has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from monolith.aio.daemon import in_daemon
from monolith.checkpoint.layout import MONOLITH_STATE
from monolith.checkpoint.restore_dir import copy_checkpoint_from_restore_dir, restored
from monolith.checkpoint.state_file import CheckpointState
from monolith.config.runner import RunnerConfig, apply_runtime_env_exports
from monolith.core.errors import RestoreSyncTimedOut
from monolith.core.names import Role

T = TypeVar("T")
GRACE_S = 5.0  # for the last look, which a dead network file system would never end


async def initialize_restore_checkpoint(
    config: RunnerConfig,
    role: Role,
    environ: MutableMapping[str, str],
    *,
    timeout_s: float | None = None,
    poll_s: float | None = None,
) -> CheckpointState | None:
    """Export what the environment must know; then have `model_dir` begin as `restore_dir` says, if it is set.

    Times are `config`'s unless given. Raises as `prepare_restore_checkpoint`.
    """
    apply_runtime_env_exports(config, environ)
    if config.restore_dir is None:
        return None
    return await prepare_restore_checkpoint(
        config.restore_dir,
        config.model_dir,
        config.restore_ckpt,
        chief=is_chief(config, role),
        timeout_s=max(config.restore_sync_timeout_secs, 1) if timeout_s is None else timeout_s,
        poll_s=max(config.restore_sync_poll_interval_ms, 1) / 1000 if poll_s is None else poll_s,
    )


def is_chief(config: RunnerConfig, role: Role) -> bool:
    """Whether this process does what one process does for all: of a job, the first worker."""
    return config.is_local or (role is Role.WORKER and config.index == 0)


async def prepare_restore_checkpoint(
    restore_dir: Path,
    model_dir: Path,
    restore_ckpt: str | None,
    *,
    chief: bool,
    timeout_s: float,
    poll_s: float,
) -> CheckpointState:
    """Copy as the chief, or look each `poll_s` until the chief has; give what `model_dir` begins with.

    If the caller is cancelled, a copy that was begun goes on in its thread; it does no harm.

    Raises:
        RestoreDirEmpty, RestoreCkptNotFound: `restore_dir` does not name a checkpoint, or not this one.
        RestoreSyncTimedOut: the chief was not done after `timeout_s`.
        CheckpointError: a file is damaged, or cannot be read or written.
    """
    look = partial(in_daemon, partial(restored, model_dir))
    try:
        async with asyncio.timeout(timeout_s + GRACE_S):
            if chief:
                copy = partial(copy_checkpoint_from_restore_dir, restore_dir, model_dir, restore_ckpt)
                return await in_daemon(copy)
            return await _until(look, timeout_s, poll_s)
    except TimeoutError as exc:
        raise RestoreSyncTimedOut(model_dir / MONOLITH_STATE) from exc


async def _until(look: Callable[[], Awaitable[T | None]], timeout_s: float, poll_s: float) -> T:
    """What `look` finds, asked at once, each `poll_s`, and a last time after `timeout_s`."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    while (found := await look()) is None:
        if (left := deadline - clock()) <= 0:
            raise TimeoutError
        await asyncio.sleep(min(poll_s, left))
    return found
