"""Where a job looks for whom to push to, and what of it cannot be."""

from pathlib import Path
from typing import Any

import pytest

from monolith.config.building import build
from monolith.config.job import RoleSettings
from monolith.config.settings import Layer, Source
from monolith.config.train import TrainSettings
from monolith.core.errors import ConfigError

FOUND: dict[str, Any] = {"parameter_sync_discovery_path": Path("found")}


def typed(cls: type[RoleSettings] = RoleSettings, **values: Any) -> RoleSettings:
    return build(cls, Layer(Source.COMMAND_LINE, values))


def test_nobody_is_looked_for_unless_asked() -> None:
    assert typed(discovery_path=Path("job")).serving is None


def test_they_register_elsewhere_than_the_job() -> None:
    places = typed(discovery_path=Path("job"), zk_hosts="z:1", **FOUND).serving
    assert places is not None
    assert (places.kind, places.discovery_path, places.zk_hosts) == ("host-files", Path("found"), "z:1")
    elsewhere = typed(discovery_path=Path("job"), parameter_sync_discovery="zookeeper").serving
    assert elsewhere is not None
    assert (elsewhere.kind, elsewhere.discovery_path) == ("zookeeper", None)


@pytest.mark.parametrize("cls", [RoleSettings, TrainSettings])
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"parameter_sync_discovery": "in-memory"}, "--parameter-sync-discovery): must be one that other"),
        ({"parameter_sync_interval_ms": 0, **FOUND}, "--parameter-sync-interval-ms): must be > 0"),
        ({"parameter_sync_model_name": "a b", **FOUND}, "--parameter-sync-model-name): must not contain"),
        ({"parameter_sync_signature_name": "", **FOUND}, "--parameter-sync-signature-name): must be non-"),
        ({"discovery_service_type_serving": "PS", **FOUND}, "must be distinct"),
        ({"discovery_service_type_serving": ""}, "--discovery-service-type-serving): must be non-empty"),
    ],
)
def test_what_cannot_be_is_told(cls: type[RoleSettings], values: dict[str, Any], told: str) -> None:
    more = {"data": Path("d"), "model_dir": Path("m")} if cls is TrainSettings else {}
    with pytest.raises(ConfigError) as refused:
        typed(cls, **more, **values)
    assert told in str(refused.value)
