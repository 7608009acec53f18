"""A small dataset with something to learn in it, and `monolith` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from tests.integration.cli.processes import descendants, kill

ROWS = 6_000
DEADLINE_S = 120

SCHEMA = """
name = "liking"
licence = "made up by a test"

[[features]]
name = "user"
kind = "integer"
slot = 1

[[features]]
name = "item"
kind = "string"
slot = 2

[[features]]
name = "age"
kind = "float"

[label]
column = "likes"
"""


class Cli:
    """Runs commands in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *argv: str, **how: Any) -> subprocess.Popen[str]:
        """Start a command and let it run."""
        streams: dict[str, int | IO[str]] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, "-m", "monolith", *argv], cwd=self.folder, text=True, **{**streams, **how}
        )

    def run(self, *argv: str, status: int = 0) -> str:
        """What a command printed on standard output; on another exit code than `status`, all it said."""
        child = self.start(*argv)
        out, err = child.communicate(timeout=DEADLINE_S)
        assert child.returncode == status, out + err
        return out if status == 0 else err

    def json(self, *argv: str) -> dict[str, Any]:
        """The one object that `--json` prints."""
        answer: dict[str, Any] = json.loads(self.run(*argv, "--json"))
        return answer


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted CSV: everyone likes the same half of the items, most of the time."""
    folder = tmp_path_factory.mktemp("liking")
    rng = np.random.default_rng(7)
    users, items = rng.integers(0, 60, ROWS), rng.integers(0, 40, ROWS)
    likes = (items % 2 == 0) ^ (rng.random(ROWS) < 0.1)
    lines = [f"{u},item-{i},{u / 10},{int(y)}" for u, i, y in zip(users, items, likes, strict=True)]
    (folder / "liking.csv").write_text("\n".join(["user,item,age,likes", *lines, ""]))
    (folder / "schema.toml").write_text(SCHEMA)
    Cli(folder).run(
        "data", "convert", "--input", "liking.csv", "--schema", "schema.toml", "--output-path", "data"
    )
    return folder / "data"


@pytest.fixture
def ended() -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """Makes sure that a started command, and all that it started, is gone when the test is."""
    started: list[subprocess.Popen[str]] = []
    yield started.append
    for child in started:
        for pid in [*descendants(child.pid), child.pid]:
            kill(pid)
        child.communicate(timeout=DEADLINE_S)
