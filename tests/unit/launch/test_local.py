"""The command lines of a local job."""

from pathlib import Path

import pytest

from monolith.config.train import TrainSettings
from monolith.launch.local import local_job


@pytest.mark.parametrize(("given", "ports"), [(9100, ["9100", "9101", "9102"]), (0, ["0"] * 3), (None, [])])
def test_every_server_has_a_port_of_its_own_for_its_metrics(given: int | None, ports: list[str]) -> None:
    settings = TrainSettings(num_ps=3, data=Path("data"), metrics_port=given)
    job = local_job(settings, Path("here"))
    flags = [flag for argv in job.roles.values() if argv[0] == "ps" for flag in argv]
    assert [flag.partition("=")[2] for flag in flags if flag.startswith("--metrics-port=")] == ports
