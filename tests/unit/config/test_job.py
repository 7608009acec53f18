"""What the processes of a job refuse to be told, and how a job's settings reach its roles."""

from pathlib import Path

import pytest

from monolith.config.job import MeetingSettings, PsSettings, TrainSettings, WorkerSettings
from monolith.config.settings import Settings, checked
from monolith.core.errors import ConfigError

PLACES = {"data": Path("d"), "model_dir": Path("m")}
WORKER = {**PLACES, "num_ps": 1, "num_workers": 2, "discovery_path": Path("p")}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (TrainSettings(), "--data: must be given"),
        (TrainSettings(**PLACES, epochs=0), "epochs=0 (from its default): must be > 0"),
        (PsSettings(discovery_path=Path("p"), index=1), "index must be < num_ps"),
        (PsSettings(), "--discovery-path: must be given"),
        (
            PsSettings(discovery_path=Path("p"), bind_addr="0.0.0.0:0"),
            "advertise_addr must be an address that",
        ),
        (PsSettings(discovery_path=Path("p"), advertise_addr="[::]:0"), "advertise_addr must be an address"),
        (PsSettings(discovery_path=Path("p"), bind_addr="x"), "--bind-addr 'x' has no port"),
        (WorkerSettings(**{**WORKER, "index": 2}), "index must be < num_workers"),
        (WorkerSettings(**PLACES), "--num-ps: must be given"),
        (MeetingSettings(discovery_service_type_worker="PS"), "must be distinct, case aside"),
        (MeetingSettings(discovery_service_type_ps="p s"), "must not contain whitespace"),
    ],
)
def test_refuses(settings: Settings, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(settings)
    assert said in str(caught.value)


def test_a_server_everywhere_may_say_where() -> None:
    checked(PsSettings(discovery_path=Path("p"), bind_addr="0.0.0.0:0", advertise_addr="10.0.0.5:0"))


@pytest.mark.parametrize(
    ("counts", "one_process"), [({}, True), ({"num_ps": 1}, False), ({"num_workers": 1}, False)]
)
def test_counts_ask_for_processes(counts: dict[str, int], one_process: bool) -> None:
    assert TrainSettings(**PLACES, **counts).one_process is one_process
