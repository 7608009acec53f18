"""What the commands of a job refuse to be told, and how a job's settings reach its processes."""

from pathlib import Path
from typing import Any

import pytest

from monolith.config.building import build, checked
from monolith.config.job import RoleSettings
from monolith.config.runner import RunnerConfig
from monolith.config.settings import Layer, Settings, Source, fields
from monolith.config.train import TrainSettings
from monolith.core.errors import ConfigError
from monolith.core.names import Role

PLACES = {"data": Path("d"), "model_dir": Path("m")}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (TrainSettings(model_dir=Path("m")), "--data: must be given"),
        (TrainSettings(data=Path("d")), "--model-dir: must be given"),
        (TrainSettings(**PLACES, epochs=0), "epochs=0 (from code): must be > 0"),
        (
            TrainSettings(**PLACES, num_ps=1_000_000),
            "num_ps=1000000 (from code): must be <= 256 where all processes run on one machine",
        ),
        (
            TrainSettings(**PLACES, dense_learning_rate=float("inf")),
            "dense_learning_rate=inf (from code): must be > 0 and finite",
        ),
        (TrainSettings(distributed=True), "--model-dir: must be given"),
        (RoleSettings(data=Path("d")), "--model-dir: must be given"),
        (RoleSettings(heartbeat_interval_secs=-1), "must be >= 0"),
        (
            TrainSettings(**PLACES, seed=2**63),
            "(from code): must be a number that int64 can hold",
        ),
        (RoleSettings(metrics_port=70000), "metrics_port=70000 (from code): must be a port, 0..65535"),
        (
            TrainSettings(**PLACES, num_ps=2, metrics_port=65_535),
            "metrics_port=65535 (from code), num_ps=2 (from code): the last server's must be a port",
        ),
        (RoleSettings(memory_budget_mb=0), "memory_budget_mb=0 (from code): must be > 0"),
        (
            RoleSettings(memory_budget_mb=2**43),
            "memory_budget_mb=8796093022208 (from code): must be <= 8796093022207",
        ),
        (RoleSettings(discovery="consul", disable_heartbeat=True), "must be 0 where no process gives signs"),
        (
            RoleSettings(discovery="consul", heartbeat_interval_secs=0),
            "must be 0 where no process gives signs",
        ),
        (RoleSettings(discovery="consul", heartbeat_interval_secs=30), "must come before it is missed"),
    ],
)
def test_refuses(settings: Settings, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(settings)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        RoleSettings(),
        RoleSettings(discovery="consul"),
        RoleSettings(discovery="consul", disable_heartbeat=True, consul_ttl_secs=0),
        TrainSettings(distributed=True, model_dir=Path("m")),
    ],
)
def test_without_data_a_process_needs_nothing_for_training(settings: Settings) -> None:
    checked(settings)


@pytest.mark.parametrize(
    ("counts", "one_process"),
    [({}, True), ({"num_ps": 1}, False), ({"num_workers": 1}, False), ({"num_ps": 2}, False)],
)
def test_counts_ask_for_processes(counts: dict[str, int], one_process: bool) -> None:
    assert build(TrainSettings, Layer(Source.CODE, {**PLACES, **counts})).one_process is one_process


@pytest.mark.parametrize(
    ("told", "beats"),
    [
        ({}, 10),
        ({"heartbeat_interval_secs": 3}, 3),
        ({"heartbeat_interval_secs": 0}, None),
        ({"disable_heartbeat": True}, None),
    ],
)
def test_how_often_a_process_gives_a_sign_of_life(told: dict[str, Any], beats: float | None) -> None:
    assert RoleSettings(**told).as_role(Role.PS).heartbeat_interval == beats


def test_every_shared_setting_reaches_the_run() -> None:
    """What both have is carried over, with where it came from."""
    ours = {f.name: f for f, _ in fields(RoleSettings)}
    shared = [f for f, _ in fields(RunnerConfig) if f.name in ours]
    assert len(shared) >= 16
    other: dict[str, Any] = {
        f.name: 7 if isinstance(f.default, int) else ("x:1",) if f.default == () else Path("x")
        for f in shared
        if not isinstance(f.default, str)
    }
    other |= {f.name: "other" for f in shared if isinstance(f.default, str)}
    settings = build(RoleSettings, Layer(Source.FILE, other, "job.toml"))
    runner = settings.as_role(Role.WORKER).runner
    assert {name: getattr(runner, name) for name in other} == other
    assert {name: runner.sources[name] for name in other} == settings.sources
    assert not runner.is_local
