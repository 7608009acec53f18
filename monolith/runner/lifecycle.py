"""judge, connect, play the role; then deregister, disconnect.

What a process does while it is known to the others is not this file's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Unpack

from monolith.aio.stopped import unless_stopped
from monolith.aio.unwind import Unwind
from monolith.config.distributed import DistributedRunConfig
from monolith.config.judging import judge
from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.names import Role
from monolith.discovery.base import Discovery
from monolith.runner.part import Part, Ways, World


async def run_distributed(discovery: Discovery, config: DistributedRunConfig, **ways: Unpack[Ways]) -> Any:
    """Play one role of a job from the first hello to the last goodbye; give what training gave.

    A parameter server ends when `stop` is asked, or the task is cancelled. Once connected, the process is
    deregistered and disconnected whatever happens, each once, cancelled or not.

    Raises:
        ConfigError: settings that cannot be; nothing was tried.
        OperationTimedOut, OperationFailed: connecting or registering went wrong.
        CleanupFailed: all went well until it had to be undone.
        Exception: whatever the role raised (see `work` and `serve`), with cleanup troubles told beside it.
    """
    judge(config)
    return await _run(discovery, config, World(**ways))


async def _run(discovery: Discovery, config: DistributedRunConfig, world: World) -> Any:
    me, kind, play = config.service_id, config.service_type, _playing(config.role)
    async with Unwind(config.runner.discovery_cleanup_timeout_ms) as unwind:
        part = Part(discovery, config, unwind, world)
        unwind.undo(f"disconnect {me} via {kind}", discovery.disconnect)
        connecting = part.ask(f"connect {me} via {kind}", discovery.connect)
        await unless_stopped(world.stop, f"{me} was asked to stop before it was connected", connecting)
        unwind.undo(f"deregister {me} from {kind}", part.deregister)
        return await play(part)


def _playing(role: Role) -> Callable[[Part], Awaitable[Any]]:
    """What a process of this role does. A server starts sooner without what only workers need."""
    if role is Role.PS:
        from monolith.runner.ps import serve

        return serve
    from monolith.runner.worker import work

    return work


async def run_distributed_from_runner_config(
    discovery: Discovery, runner_config: RunnerConfig, role: Role, bind_addr: str, **ways: Unpack[Ways]
) -> Any:
    """As `run_distributed`, after the environment was told and the checkpoint to restore is in place."""
    from monolith.runner.restore import initialize_restore_checkpoint

    world = World(**ways)
    config = DistributedRunConfig(runner_config, role, bind_addr, advertise_addr=world.advertise_addr)
    judge(config)
    restoring = initialize_restore_checkpoint(runner_config, config.role, world.environ)
    await unless_stopped(world.stop, f"{config.service_id} was asked to stop before it restored", restoring)
    return await _run(discovery, config, world)


async def run_distributed_from_run_config(
    discovery: Discovery,
    run_config: RunConfig,
    base: RunnerConfig | None,
    role: Role,
    bind_addr: str,
    **ways: Unpack[Ways],
) -> Any:
    """As `run_distributed_from_runner_config`, with what `run_config` asks for on top of `base`."""
    merged = run_config.to_runner_config(base)
    return await run_distributed_from_runner_config(discovery, merged, role, bind_addr, **ways)
