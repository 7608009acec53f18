"""`RunConfig`, what a user asks for, and `RunnerConfig`, what a process is told: one set of fields."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from monolith.config.cluster import Cluster
from monolith.config.settings import again, chosen, one_of_them, setting, sourced
from monolith.config.training import TrainingConfig


class ServiceDiscoveryType(StrEnum):
    """Where processes look for each other."""

    PRIMUS = "Primus"
    CONSUL = "Consul"
    ZK = "Zk"
    MLP = "Mlp"


@attrs.frozen(kw_only=True, slots=False)
class _Common(Cluster):
    """The fields of both."""

    # fmt: off
    is_local: bool = setting(True, "One process, nobody to find.")
    model_dir: Path = setting(Path("./model"), "Folder of checkpoints.", group="model", converter=Path)
    restore_dir: Path | None = setting(None, "Folder whose checkpoint to start from.", group="restore",
                                       converter=attrs.converters.optional(Path))
    restore_ckpt: str | None = setting(None, "Checkpoint to take from restore_dir; default: its newest.",
                                       group="restore")
    restore_sync_timeout_secs: int = setting(3600, "How long others wait for the chief's copy.",
                                             group="restore")
    restore_sync_poll_interval_ms: int = setting(30_000, "Time between two looks for it.", group="restore")
    log_step_count_steps: int = setting(100, "Steps between two lines of progress.")
    discovery_type: ServiceDiscoveryType = setting(ServiceDiscoveryType.PRIMUS, "How processes are found.",
                                                   group="discovery",
                                                   converter=one_of_them(ServiceDiscoveryType))
    tf_config: str | None = setting(None, "TF_CONFIG as JSON; default: the environment's.", group="discovery")
    deep_insight_name: str = setting("monolith", "Name of the job.", group="discovery")
    zk_server: str = setting("127.0.0.1:2181", "ZooKeeper servers.", group="discovery")
    enable_gpu_training: bool = setting(False, "Train on a GPU.")
    enable_parameter_sync: bool = setting(False, "Push changed rows to serving while training.",
                                          group="parameter sync")
    embedding_prefetch_capacity: int = again(TrainingConfig, "embedding_prefetch_capacity", 0)
    enable_embedding_postpush: bool = setting(False, "Push gradients while the next batch is computed.")
    tf_grpc_worker_cache_threads: int | None = setting(None, "Told to TensorFlow by the environment.")
    monolith_grpc_worker_service_handler_multiplier: int | None = setting(
        None, "Told to TensorFlow by the environment.")
    # fmt: on

    def to_estimator_config(self) -> dict[str, Any]:
        """What an estimator takes from it: model_dir, log_step_count_steps and warm_start_from."""
        return {
            "model_dir": self.model_dir,
            "log_step_count_steps": self.log_step_count_steps,
            "warm_start_from": None if self.restore_ckpt is None else Path(self.restore_ckpt),
        }


@attrs.frozen(kw_only=True)
class RunnerConfig(_Common):
    """What one process is told. Builds with any values; `judging.judge` says what a run refuses."""

    embedding_prefetch_capacity: int = again(TrainingConfig, "embedding_prefetch_capacity", 1)
    enable_embedding_postpush: bool = again(_Common, "enable_embedding_postpush", default=True)
    enable_realtime_training: bool = setting(False, "Learn from a stream.")


@attrs.frozen(kw_only=True)
class RunConfig(_Common):
    """What a user asks for. A field at its default asks for nothing."""

    def user_overrides(self) -> dict[str, Any]:
        """The fields that differ from their defaults, by name, as JSON knows them."""
        return {name: _as_json(value) for name, value in sorted(chosen(self).items())}

    def to_runner_config(self, base: RunnerConfig | None = None) -> RunnerConfig:
        """`base` with what this config asks for.

        A field counts as asked for when it differs from its default: an explicit default cannot override
        `base`. Without a GPU, rows are always fetched ahead and gradients pushed after.
        """
        base = base or RunnerConfig()
        asked = {k: v for k, v in self.user_overrides().items() if k != "enable_parameter_sync"}
        kept = {name: layer for name, layer in base.sources.items() if name not in asked}
        sources = kept | {name: self.sources[name] for name in asked if name in self.sources}
        merged = attrs.evolve(base, **asked)
        merged = attrs.evolve(merged, **_ahead(merged), **_synced(enabled=self.enable_parameter_sync))
        return sourced(merged, sources)


def _as_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _ahead(config: RunnerConfig) -> dict[str, Any]:
    if config.enable_gpu_training:
        return {}
    capacity = max(config.embedding_prefetch_capacity, 1)
    return {"embedding_prefetch_capacity": capacity, "enable_embedding_postpush": True}


def _synced(*, enabled: bool) -> dict[str, Any]:
    return {"enable_realtime_training": True, "enable_parameter_sync": True} if enabled else {}


EXPORTS: Mapping[str, str] = {
    name: name.upper()
    for name in ("tf_grpc_worker_cache_threads", "monolith_grpc_worker_service_handler_multiplier")
}


def apply_runtime_env_exports(config: RunnerConfig, environ: MutableMapping[str, str]) -> None:
    """Write what TensorFlow reads from the environment; what is not set leaves it untouched."""
    for name, variable in EXPORTS.items():
        if (value := getattr(config, name)) is not None:
            environ[variable] = str(value)
