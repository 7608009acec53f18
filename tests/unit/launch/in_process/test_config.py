"""Who may take part."""

from __future__ import annotations

import pytest

from monolith.core.errors import ClusterMisused, ConfigError
from monolith.launch.in_process.config import ClusterConfig

PS, WORKERS = ["h:1", "h:2"], ["h:3", "h:4", "h:5"]


@pytest.mark.parametrize(
    ("ps", "workers", "index", "is_ps", "broken"),
    [
        ([], [], 9, False, "At least one parameter server is required"),
        (PS, [], 9, False, "At least one worker is required"),
        (["h:1", "h:1"], ["h:3", "h:3"], 9, True, "Parameter server addresses must be unique"),
        (PS, ["h:3", "h:3"], 9, False, "Worker addresses must be unique"),
        (PS, WORKERS, 2, True, "Task index 2 is out of range (max: 1)"),
        (PS, WORKERS, 3, False, "Task index 3 is out of range (max: 2)"),
        (PS, WORKERS, -1, False, "Task index -1 is out of range (max: 2)"),
        (PS, WORKERS, 1, True, None),
        (PS, WORKERS, 2, False, None),
        (["h:1"], ["h:1"], 0, True, None),
    ],
)
def test_the_first_broken_rule_is_told(ps, workers, index, is_ps, broken):
    config = ClusterConfig(ps, workers, index, is_ps)
    if broken is None:
        config.validate()
        return
    with pytest.raises(ClusterMisused) as caught:
        config.validate()
    assert str(caught.value) == f"Invalid cluster configuration: {broken}"


def test_what_is_no_address_is_refused():
    with pytest.raises(ConfigError, match="address 'nowhere' has no port"):
        ClusterConfig(["nowhere"], ["h:1"])
