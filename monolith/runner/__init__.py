"""The lifecycle of one process of a distributed job, and the doors to it."""

from monolith.config.distributed import DistributedRunConfig
from monolith.runner.lifecycle import (
    run_distributed,
    run_distributed_from_run_config,
    run_distributed_from_runner_config,
)

__all__ = [
    "DistributedRunConfig",
    "run_distributed",
    "run_distributed_from_run_config",
    "run_distributed_from_runner_config",
]
