"""What a worker loads while it waits for others is loaded when its first step needs it, and nothing stays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monolith.cli import rehearsal, roles
from monolith.cli.command import Ui
from monolith.cli.interrupts import Interrupts
from monolith.cli.rehearsal import Rehearsal, rehearse
from monolith.config.job import RoleSettings
from monolith.core.progress import Silent
from monolith.core.schema import Feature, Label, Schema, Split
from monolith.data.convert import convert
from monolith.data.dataset import Dataset
from monolith.data.raw import Chunk

SCHEMA = Schema(
    name="small",
    features=(Feature(name="item", kind="integer", slot=1), Feature(name="size", kind="float")),
    label=Label(column="label"),
    split=Split(valid=0.0, test=0.0),
)
# In a process of its own, for what is loaded stays. The second half is what a first step does.
REHEARSED = """
import sys
from pathlib import Path

from monolith.cli.rehearsal import rehearse
from monolith.data.dataset import Dataset

dataset = Dataset.open(Path(sys.argv[1]))
rehearse(dataset)

from monolith.table import dedup, pooling, probing

assert dedup._dedup.signatures and pooling._add.signatures
assert not probing.find.signatures, "a worker has no table"
before = set(sys.modules)

import torch

torch.optim.Adam([torch.zeros(1, requires_grad=True)])
loaded = {name for name in set(sys.modules) - before if name.startswith(("torch", "numba"))}
assert not loaded, loaded
"""


@pytest.fixture(params=[3, 0], ids=["rows", "no rows"])
def data(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    held = {name: np.arange(request.param) for name in ("item", "size", "label")}
    return convert(SCHEMA, lambda: iter([Chunk(held, "memory", 1)]), tmp_path / "data", Silent()).folder


def test_a_first_step_finds_it_loaded(data: Path) -> None:
    subprocess.run([sys.executable, "-c", REHEARSED, str(data)], check=True)


def test_what_goes_wrong_is_for_training_to_say(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Rehearsal(tmp_path / "nothing").wait()
    assert capfd.readouterr() == ("", "")


def test_a_library_that_cannot_be_loaded_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rehearse(_dataset: Dataset) -> None:
        raise ImportError("libbroken.so: cannot open shared object file")

    monkeypatch.setattr(rehearsal, "rehearse", rehearse)
    with pytest.raises(ImportError, match="libbroken"):
        Rehearsal(data).wait()


def test_what_a_model_draws_is_as_without_it(data: Path) -> None:
    before = torch.random.get_rng_state()
    rehearse(Dataset.open(data))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_nobody_trains_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Told:
        def __init__(self, _data: Path) -> None:
            told.append("begun")

        def wait(self) -> None:
            told.append("over")

    def train_here(*_all: Any) -> dict[str, object]:
        told.append("trained")
        return {}

    monkeypatch.setattr(roles, "Rehearsal", Told)
    monkeypatch.setattr(roles, "train_here", train_here)
    ui = Ui(Silent(), Interrupts(lambda _sentence: None), {})
    train = roles._training(RoleSettings(data=Path("d")), ui, None)
    assert told == ["begun"]
    asyncio.run(train(None))  # type: ignore[arg-type]
    assert told == ["begun", "over", "trained"]
