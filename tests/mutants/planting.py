"""Plant one bug in a copy of everything, and see which test turns red."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
COPIED = ("monolith", "tests", "parity", "pyproject.toml")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__")
PATIENCE_S = 600
RED = 1  # pytest's exit code when tests failed, and nothing worse


class Bug(NamedTuple):
    """`old` stands once in `file`; with `new` in its place, `meaning` would be true."""

    meaning: str
    file: str
    old: str
    new: str
    tests: str = "tests/matrix/test_laws.py"


class Verdict(NamedTuple):
    caught_by: str  # empty: nothing turned red
    complaint: str  # what was said first; that of a crash tells that the bug is not the one that is meant
    seconds: float


def misplaced(bugs: list[Bug]) -> list[str]:
    """What keeps a bug from being planted: its place was rewritten."""
    counts = [(bug, (ROOT / bug.file).read_text().count(bug.old)) for bug in bugs]
    return [
        f"{bug.file}: found {count} times instead of once: {bug.old!r}" for bug, count in counts if count != 1
    ]


def judge(bug: Bug) -> Verdict:
    """Run the bug's tests in a folder of its own until the first turns red.

    Raises:
        RuntimeError: the tests could not run at all, which would prove nothing.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        root = Path(folder)
        _copy(root)
        planted = root / bug.file
        planted.write_text(planted.read_text().replace(bug.old, bug.new))
        start = time.monotonic()
        ended = _tests(root, bug.tests)
        seconds = time.monotonic() - start
    if ended.returncode not in (0, RED):
        raise RuntimeError(f"{bug.meaning}: the tests could not run\n{ended.stdout}{ended.stderr}")
    red = ended.returncode == RED
    return Verdict(_first_red(ended.stdout) if red else "", _complaint(ended.stdout) if red else "", seconds)


def _copy(root: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=LEFT_BEHIND)
        elif source.exists():
            shutil.copy(source, root)


def _tests(root: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """The copy comes first on the path, so it hides the package that is installed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=short", "-p", "no:cacheprovider"]
    ours = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "planted"}
    return subprocess.run(
        [*command, *tests.split()],
        cwd=root,
        env={**os.environ, **ours},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def _first_red(output: str) -> str:
    """The law that was broken, or else the test that failed."""
    law = re.search(r"/laws\.py:\d+: in (\w+)", output)
    if law:
        return law[1].replace("_", " ")
    test = re.search(r"^FAILED \S+?/(test_\w+\.py::\w+)", output, re.MULTILINE)
    return test[1] if test else output.strip().splitlines()[-1]


def _complaint(output: str) -> str:
    """What the first error said: of an exception, or of an assertion."""
    said = re.search(r"^(?:E|    \|) +((?:\S+Error|Failed|assert)\b.*)", output, re.MULTILINE)
    return said[1] if said else ""
