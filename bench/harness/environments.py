"""A virtual environment for each peer, so that none has to live with what another needs.

`bench/peers/<peer>.txt` says what goes in, and `<peer>.alone.txt` what goes in without what it says it needs,
where that is wrong. Environments stay in .nox/peers and are made anew when these files change.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parents[1] / "peers"
ROOM = Path(__file__).parents[2] / ".nox" / "peers"
INSTALL_WITHIN_S = 1200


class NotInstalledError(Exception):
    """Why a peer cannot be measured here."""


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, which is made unless it is there.

    Raises:
        NotInstalledError: with the reason in one line.
    """
    files = [path for kind in ("txt", "alone.txt") if (path := PEERS / f"{name}.{kind}").exists()]
    wanted, room = "".join(path.read_text() for path in files), ROOM / name
    mark, python = room / "installed.txt", room / "bin" / "python"
    if not (mark.exists() and mark.read_text() == wanted):
        print(f"installing {name} into {room}: once", flush=True)
        shutil.rmtree(room, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(room))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        for path in files:
            alone = ("--no-deps",) if path.suffixes[0] == ".alone" else ()
            _run(*pip, *alone, "--requirement", str(path))
        mark.write_text(wanted)
    return python


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotInstalledError(str(exc)) from exc
    if done.returncode:
        raise NotInstalledError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
