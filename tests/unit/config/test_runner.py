"""What a user asks for becomes what a process is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.distributed import DistributedRunConfig
from monolith.config.judging import judge
from monolith.config.runner import RunConfig, RunnerConfig, ServiceDiscoveryType, apply_runtime_env_exports
from monolith.config.settings import fields
from monolith.core.errors import ConfigError
from monolith.core.names import Role

# A value that no field has by default, by the type of its default.
OTHER: dict[type, Any] = {
    bool: True,
    int: 7,
    str: "other",
    tuple: ("h:1",),
    ServiceDiscoveryType: ServiceDiscoveryType.CONSUL,
    type(None): 3,
}
SPECIAL: dict[str, Any] = {
    "is_local": False,
    "model_dir": Path("elsewhere"),
    "restore_dir": Path("before"),
    "restore_ckpt": "model.ckpt-1",
    "tf_config": "{}",
}
NAMES = [f.name for f, _ in fields(RunConfig)]
DEFAULTS = {f.name: f.default for f, _ in fields(RunConfig)}


def other(name: str) -> Any:
    return SPECIAL.get(name, OTHER[type(DEFAULTS[name])] if name not in SPECIAL else None)


def test_one_set_of_fields_but_one() -> None:
    assert {f.name for f, _ in fields(RunnerConfig)} - set(NAMES) == {"enable_realtime_training"}
    assert [len(attrs.fields(cls)) for cls in (RunConfig, RunnerConfig)] == [33, 34]


def test_two_defaults_differ() -> None:
    runner = {f.name: f.default for f, _ in fields(RunnerConfig)}
    assert {name for name in NAMES if runner[name] != DEFAULTS[name]} == {
        "embedding_prefetch_capacity",
        "enable_embedding_postpush",
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_is_told(name: str) -> None:
    assert getattr(RunConfig(**{name: other(name)}).to_runner_config(), name) == other(name)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("en")])
def test_what_is_not_asked_for_stays(name: str) -> None:
    base = RunnerConfig(**{name: other(name)})
    assert getattr(RunConfig().to_runner_config(base), name) == other(name)


@given(st.sets(st.sampled_from(NAMES)))
def test_overrides_are_what_differs(names: set[str]) -> None:
    asked = RunConfig(**{name: other(name) for name in names})
    assert set(asked.user_overrides()) == names
    assert list(asked.user_overrides()) == sorted(names)


@pytest.mark.parametrize(("gpu", "ahead"), [(False, (1, True)), (True, (0, False))])
def test_without_a_gpu_rows_are_fetched_ahead(gpu: bool, ahead: tuple[int, bool]) -> None:
    base = RunnerConfig(embedding_prefetch_capacity=0, enable_embedding_postpush=False)
    merged = RunConfig(enable_gpu_training=gpu).to_runner_config(base)
    assert (merged.embedding_prefetch_capacity, merged.enable_embedding_postpush) == ahead


@pytest.mark.parametrize("asked", [True, False])
def test_parameter_sync_means_training_on_a_stream(asked: bool) -> None:
    merged = RunConfig(enable_parameter_sync=asked).to_runner_config()
    assert (merged.enable_parameter_sync, merged.enable_realtime_training) == (asked, asked)
    base = attrs.evolve(merged, enable_parameter_sync=True)
    assert RunConfig().to_runner_config(base).enable_parameter_sync  # and is never taken back


def test_only_what_is_set_is_exported() -> None:
    environ = {"KEPT": "1"}
    apply_runtime_env_exports(RunnerConfig(tf_grpc_worker_cache_threads=4), environ)
    assert environ == {"KEPT": "1", "TF_GRPC_WORKER_CACHE_THREADS": "4"}
    config = RunnerConfig(monolith_grpc_worker_service_handler_multiplier=2)
    apply_runtime_env_exports(config, environ)
    assert environ["MONOLITH_GRPC_WORKER_SERVICE_HANDLER_MULTIPLIER"] == "2"


@pytest.mark.parametrize("cls", [RunConfig, RunnerConfig])
def test_an_estimator_takes_three_of_them(cls: type[RunConfig | RunnerConfig]) -> None:
    config = cls(model_dir="m", log_step_count_steps=7, restore_ckpt="model.ckpt-3")
    assert config.to_estimator_config() == {
        "model_dir": Path("m"),
        "log_step_count_steps": 7,
        "warm_start_from": Path("model.ckpt-3"),
    }
    assert cls().to_estimator_config()["warm_start_from"] is None


@pytest.mark.parametrize("role", ["ps", "worker"])
def test_a_role_may_be_text(role: str) -> None:
    config = DistributedRunConfig(RunnerConfig(index=2), role)
    assert (config.role, str(config.service_id), config.service_type) == (Role(role), f"{role}-2", role)


def test_a_default_config_builds_and_does_not_run() -> None:
    with pytest.raises(ConfigError, match="requires num_ps > 0"):
        judge(DistributedRunConfig(RunConfig().to_runner_config()))
