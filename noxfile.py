"""What one types here. `nox -s demo` runs the main job, `nox -s tests` passes the tests.

All sessions share one environment, made once from pyproject.toml and constraints.txt.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import nox

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True
nox.needs_version = ">=2024.10.9"

ENVIRONMENT = ".nox/dev"
FAST = ("lint", "types", "imports", "protos", "docs", "unit", "matrix", "integration")


def session(function):
    """A session in the shared environment."""
    return nox.session(venv_location=ENVIRONMENT, python=None)(function)


def _install(session: nox.Session) -> None:
    """The project with everything optional, at the versions of constraints.txt; skipped when up to date."""
    mark = Path(session.virtualenv.location) / "installed"
    wanted = Path("pyproject.toml").read_bytes() + Path("constraints.txt").read_bytes()
    if mark.exists() and mark.read_bytes() == wanted:
        return
    session.install("pip>=25.1", "-c", "constraints.txt")  # the first that reads dependency groups
    groups = ("--group", "test", "--group", "lint", "--group", "protos")
    session.install("-e", ".[torch,arrow,plot]", *groups, "-c", "constraints.txt")
    mark.write_bytes(wanted)


@session
def tests(session: nox.Session) -> None:
    """Everything that must hold: all sessions but bench, soak and demo."""
    for name in FAST:
        session.notify(name)


@session
def lint(session: nox.Session) -> None:
    """Style, and the ten longest files."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    files = [p for p in Path("monolith").rglob("*.py") if not p.name.endswith("_pb2.py")]
    longest = sorted(((len(p.read_text().splitlines()), p) for p in files), reverse=True)[:10]
    session.log("longest files: %s", ", ".join(f"{p} {n}" for n, p in longest))


@session
def types(session: nox.Session) -> None:
    """Strict type checks."""
    _install(session)
    session.run("mypy")


@session
def imports(session: nox.Session) -> None:
    """Imports point down."""
    _install(session)
    session.run("lint-imports")


@session
def protos(session: nox.Session) -> None:
    """The generated code is what the .proto files say; `-- --write` generates it anew."""
    _install(session)
    session.run("python", "protos/generate.py", *(() if "--write" in session.posargs else ("--check",)))


@session
def docs(session: nox.Session) -> None:
    """Generated pages are up to date, and the examples in docstrings are true."""
    _install(session)
    session.run("python", "docs/generate.py", *(() if "--write" in session.posargs else ("--check",)))
    session.run(
        "pytest", "-q", "--doctest-modules", "monolith", "--ignore-glob=*_pb2.py", "-p", "no:randomly"
    )


@session
def unit(session: nox.Session) -> None:
    """One room at a time, no sockets."""
    _install(session)
    session.run("pytest", "-q", "-n", "auto", "tests/unit", *session.posargs)


@session
def matrix(session: nox.Session) -> None:
    """Laws over scenarios."""
    _install(session)
    session.run("pytest", "-q", "-n", "auto", "tests/matrix", *session.posargs)


@session
def integration(session: nox.Session) -> None:
    """Real processes, real sockets, real clients."""
    _install(session)
    session.run("pytest", "-q", "tests/integration", *session.posargs)


@session
def soak(session: nox.Session) -> None:
    """The long rounds: faults, mutants, many seeds."""
    _install(session)
    session.run("pytest", "-q", "-m", "soak", "tests", *session.posargs)


@session
def bench(session: nox.Session) -> None:
    """Print the figures; nothing is asserted. `-- table wire` picks some."""
    _install(session)
    for name in session.posargs or sorted(p.stem for p in Path("bench").glob("*.py")):
        session.run("python", f"bench/{name}.py")


DEMO = Path("demo")  # the demo's own folder: made anew each time
SERVED = "http://127.0.0.1:8501/v1/models/ml"
SERVE_WITHIN_S = 60

JOB = """
monolith data get movielens-100k --output-path data/ml-100k
monolith train --model deepfm --data data/ml-100k --model-dir runs/ml --num-ps 2 --num-workers-cluster 2
monolith evaluate --data data/ml-100k --model-dir runs/ml
monolith export --checkpoint-path runs/ml --output-path exported/ml
"""
SERVE = "monolith serve --model-path exported/ml"
ASK = "monolith predict --data data/ml-100k --model-name ml"


@session
def demo(session: nox.Session) -> None:
    """The main job: fetch real ratings, train on a local cluster, evaluate, export, serve, ask."""
    _install(session)
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    session.log("everything below runs in %s/, and can be typed there", DEMO)
    with session.chdir(DEMO):
        for command in JOB.strip().splitlines():
            session.run(*shlex.split(command))
        _serve_and_ask(session)


def _serve_and_ask(session: nox.Session) -> None:
    """Have a server answer, then stop it with Ctrl-C's signal."""
    session.log("%s   # until it is stopped", SERVE)
    server = subprocess.Popen([Path(session.bin) / "monolith", *shlex.split(SERVE)[1:]])
    try:
        _wait_until_served(session, server)
        session.run(*shlex.split(ASK))
    finally:
        server.send_signal(signal.SIGINT)
        session.log("the server ended with exit code %d", server.wait(30))


def _wait_until_served(session: nox.Session, server: subprocess.Popen[bytes]) -> None:
    patience = time.monotonic() + SERVE_WITHIN_S
    while time.monotonic() < patience and server.poll() is None:
        try:
            with urllib.request.urlopen(SERVED, timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    session.error(f"nothing was served at {SERVED} within {SERVE_WITHIN_S} s")
