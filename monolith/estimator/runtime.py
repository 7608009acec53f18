"""A distributed run as an estimator's user sees it."""

from __future__ import annotations

from typing import Any, Unpack

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.errors import DistributedRuntimeError, MonolithError
from monolith.core.names import Role
from monolith.discovery.base import Discovery
from monolith.runner import run_distributed_from_run_config, run_distributed_from_runner_config
from monolith.runner.part import Ways


async def run_distributed_runtime(
    discovery: Discovery,
    config: RunnerConfig | RunConfig,
    role: Role,
    bind_addr: str,
    **ways: Unpack[Ways],
) -> Any:
    """As the runner's door for `config`.

    Raises:
        DistributedRuntimeError: for whatever of ours the runner raises; `__cause__` is that.
        Exception: whatever training raised that is not ours, as it is.
    """
    try:
        if isinstance(config, RunConfig):
            return await run_distributed_from_run_config(discovery, config, None, role, bind_addr, **ways)
        return await run_distributed_from_runner_config(discovery, config, role, bind_addr, **ways)
    except MonolithError as exc:
        raise DistributedRuntimeError(f"Distributed runtime error: {exc}") from exc
