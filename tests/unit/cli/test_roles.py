"""How the processes of a job learn who they are."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from monolith.cli.command import Outside
from monolith.cli.main import main
from monolith.config.job import RoleSettings
from monolith.config.train import TrainSettings
from monolith.core.errors import DiscoveryError
from monolith.core.names import Role

MLP = {
    "MLP_ROLE": "PS",
    "MLP_ROLE_INDEX": "1",
    "MLP_PS_NUM": "2",
    "MLP_PS_1_PRIMARY_HOST": "p1",
    "MLP_PS_1_PORT": "5000",
    "MLP_WORKER_NUM": "3",
}
DOORS = [["ps"], ["train", "--distributed", "--model-dir=m"]]


class Found(DiscoveryError):
    """Ends the command as soon as its settings are known."""


def settings_of(argv: list[str], environ: Mapping[str, str]) -> RoleSettings:
    found: list[Any] = []

    def find(settings: Any, _environ: Mapping[str, str]) -> Any:
        found.append(settings)
        raise Found("that is enough")

    assert main([*argv, "--discovery=mlp"], environ, Outside(find=find)) == 1
    settings: RoleSettings = found[0]
    return settings


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door[0])
@pytest.mark.parametrize(
    ("flags", "environ", "index"),
    [([], {}, 1), (["--index=0"], {}, 0), ([], {"MONOLITH_INDEX": "0"}, 0)],
    ids=["scheduler", "flag", "variable"],
)
def test_who_says_the_index(door: list[str], flags: list[str], environ: dict[str, str], index: int) -> None:
    settings = settings_of([*door, *flags], {**MLP, **environ})
    assert (settings.index, settings.num_ps, settings.num_workers) == (index, 2, 3)
    assert (settings.bind_addr, settings.advertise_addr) == ("0.0.0.0:5000", "p1:5000")


def test_the_scheduler_says_the_role() -> None:
    settings = settings_of(DOORS[1], MLP)
    assert isinstance(settings, TrainSettings)
    assert settings.role is Role.PS


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door[0])
def test_a_complaint_names_the_variable(door: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status = main([*door, "--discovery=mlp", "--json"], {**MLP, "MLP_ROLE_INDEX": "2"})
    assert status == 2
    assert json.loads(capsys.readouterr().out)["error"] == (
        "distributed config requires index < num_ps for ps role (index=2 num_ps=2) "
        "(index=2, from MLP_ROLE_INDEX; num_ps=2, from MLP_PS_NUM)"
    )


def test_training_alone_asks_no_scheduler(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--discovery=mlp", "--json"], {"MLP_ROLE_INDEX": "nonsense"}) == 2
    assert "--data: must be given" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("told", "unused"),
    [
        ("--discovery-path=meet", "discovery_path=meet (from --discovery-path) is not used"),
        ("--discovery=consul", "discovery=consul (from --discovery) is not used"),
        ("--discovery=in-memory", ""),
        ("--seed=1", ""),
    ],
)
@pytest.mark.parametrize("processes", [[], ["--num-ps=1", "--num-workers-cluster=1"]], ids=["one", "many"])
def test_a_place_to_meet_that_nobody_needs_is_told(
    told: str, unused: str, processes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--data=nowhere", "--model-dir=m", told, *processes], {}) == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(unused or "monolith: nowhere: there is no such folder")
