"""What the session `bench` gives to each of its programs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
QUICK = {"table", "growth", "wire", "sync", "scaling"}


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sessions without nox, which stands in no environment of theirs."""
    nox, command = ModuleType("nox"), ModuleType("nox.command")
    vars(nox).update(options=SimpleNamespace(), session=lambda **_: lambda function: function)
    vars(command).update(CommandFailed=Exception)
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setitem(sys.modules, "nox.command", command)
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT)
    loaded = importlib.import_module("noxfile")
    monkeypatch.setattr(loaded, "_install", lambda session: None)
    return loaded


class Session:
    def __init__(self, *posargs: str) -> None:
        self.posargs, self.ran, self.said = posargs, {}, []

    def log(self, said: str, *about: object) -> None:
        self.said.append(said % about)

    def run(self, _program: str, script: str, *options: str, **_: object) -> None:
        self.ran[Path(script).stem] = options


@pytest.mark.parametrize("names", [(), ("table", "curve")], ids=["all", "some"])
def test_who_has_a_quick_way_takes_it(sessions: Any, names: tuple[str, ...]) -> None:
    session = Session(*names, "--quick")
    sessions.bench(session)
    assert session.ran.keys() == set(names or sessions.BENCHES)
    assert {
        name for name, options in session.ran.items() if options == ("--quick",)
    } == QUICK & session.ran.keys()
    slow = [said for said in session.said if "no quick way" in said]
    assert len(slow) == len(session.ran.keys() - QUICK)


def test_other_options_reach_all(sessions: Any) -> None:
    session = Session("curve", "--quick", "--epochs=1")
    sessions.bench(session)
    assert session.ran == {"curve": ("--epochs=1",)}
