"""What one types here. `nox -s demo` runs the main job, `nox -s tests` passes the tests.

All sessions share one environment, made once from pyproject.toml and constraints.txt.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.sessions = ["tests"]

ENVIRONMENT = Path(".nox/dev").resolve()  # one for all sessions: it holds PyTorch
STOPS_WITHIN_S = 120.0  # after Ctrl-C: a program has others to stop first
# Integration tests under way: each starts processes and waits for them for about half of its time.
AT_ONCE = min(1 + (os.cpu_count() or 1), 8)
FAST = ("lint", "types", "imports", "protos", "docs", "unit", "matrix", "parity", "integration")

BENCHES = (
    "table",
    "growth",
    "start",
    "wire",
    "sync",
    "scaling",
    "data",
    "discovery",
    "baseline_torch",
    "curve",
    "online",
)

session = nox.session(venv_backend="none")


def run(session: nox.Session, command: str, *more: str) -> None:
    """Run a program of the shared environment."""
    _install(session)
    session.log("%s", shlex.join([*shlex.split(command), *more]))
    program, *args = shlex.split(command)
    patience = {"interrupt_timeout": STOPS_WITHIN_S, "terminate_timeout": STOPS_WITHIN_S}
    session.run(str(ENVIRONMENT / "bin" / program), *args, *more, external=True, log=False, **patience)


def _install(session: nox.Session) -> None:
    """The project with everything optional, at the versions of constraints.txt; skipped when up to date."""
    mark = ENVIRONMENT / "installed"
    wanted = Path(__file__).with_name("pyproject.toml").read_bytes()
    wanted += Path(__file__).with_name("constraints.txt").read_bytes()
    if mark.exists() and mark.read_bytes() == wanted:
        return
    session.log("installing PyTorch and the rest into %s: a few minutes, once", ENVIRONMENT)
    python = str(ENVIRONMENT / "bin" / "python")
    if not Path(python).exists():
        session.run(sys.executable, "-m", "venv", str(ENVIRONMENT), external=True)
    pip = (python, "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt")
    session.run(*pip, "pip>=25.1", external=True)  # the first that reads dependency groups
    groups = ("--group", "test", "--group", "lint", "--group", "protos")
    session.run(*pip, "--editable", ".[torch,arrow,plot,zookeeper,consul,kafka]", *groups, external=True)
    mark.write_bytes(wanted)


@session
def tests(session: nox.Session) -> None:
    """Everything that must hold: all sessions but bench, soak and the demos."""
    for name in FAST:
        session.notify(name)


@session
def lint(session: nox.Session) -> None:
    """Style, and the ten longest files."""
    run(session, "ruff check .")
    run(session, "ruff format --check .")
    files = [p for p in Path("monolith").rglob("*.py") if not p.name.endswith("_pb2.py")]
    longest = sorted(((len(p.read_text().splitlines()), p) for p in files), reverse=True)[:10]
    session.log("longest files: %s", ", ".join(f"{p} {n}" for n, p in longest))


@session
def types(session: nox.Session) -> None:
    """Strict type checks."""
    run(session, "mypy")


@session
def imports(session: nox.Session) -> None:
    """Imports point down."""
    run(session, "lint-imports")


@session
def protos(session: nox.Session) -> None:
    """The generated code is what the .proto files say; `-- --write` generates it anew."""
    run(session, "python protos/generate.py", *(() if "--write" in session.posargs else ("--check",)))


@session
def docs(session: nox.Session) -> None:
    """Generated pages are up to date, and the examples in docstrings are true."""
    run(session, "python docs/generate.py", *(() if "--write" in session.posargs else ("--check",)))
    run(session, "python -m tests.mutants --check")
    run(session, "pytest -q --doctest-modules monolith --ignore-glob=*_pb2.py")


@session
def unit(session: nox.Session) -> None:
    """One room at a time, no sockets."""
    run(session, "pytest -q -n auto tests/unit", *session.posargs)


@session
def matrix(session: nox.Session) -> None:
    """Laws over scenarios."""
    run(session, "pytest -q -n auto tests/matrix", *session.posargs)


@session
def parity(session: nox.Session) -> None:
    """What the progress log and the original's tests speak of, and what shows it here."""
    run(session, "python parity/audit.py", *session.posargs)


@session
def integration(session: nox.Session) -> None:
    """Real processes, real sockets, real clients."""
    try:
        run(session, f"pytest -q -n {AT_ONCE} --dist worksteal tests/integration", *session.posargs)
    except CommandFailed:
        # Deadlines of real servers can pass on a machine that others use too. Twice in a row, and the second
        # time one by one, they do not.
        session.warn("what failed is tried once more; what passes only now is flaky, and to be mended")
        run(session, "pytest -q --last-failed tests/integration", *session.posargs)


@session
def soak(session: nox.Session) -> None:
    """The long rounds: faults, mutants, many seeds, and properties tried on new examples."""
    run(session, "pytest -q -m soak tests", *session.posargs)
    run(session, "python -m tests.mutants")
    session.env["HYPOTHESIS_PROFILE"] = "search"
    run(session, "pytest -q -n auto tests/unit", *session.posargs)


@session
def bench(session: nox.Session) -> None:
    """Print the figures; nothing is asserted. `-- table scaling --quick` picks some, and how."""
    _install(session)
    names = [word for word in session.posargs if not word.startswith("-")]
    options = [word for word in session.posargs if word.startswith("-")]
    for name in names or BENCHES:
        run(session, f"python bench/{name}.py", *_known(session, name, options))


def _known(session: nox.Session, name: str, options: list[str]) -> list[str]:
    """`options` as this bench takes them: not all of them have a quick way."""
    source = Path("bench", f"{name}.py").read_text()
    if "--quick" not in options or '"--quick"' in source:
        return options
    session.log("bench/%s.py has no quick way: it takes its time", name)
    return [option for option in options if option != "--quick"]


DEMO = Path("demo")  # the demo's own folder: made anew each time
DEMO_ONLINE = "demo-online"
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
            run(session, command)
        _serve_and_ask(session)


@session
def demo_online(session: nox.Session) -> None:
    """A job on a stream: what pushing each second is worth, with one seed. `-- --share 0.2` shows a part."""
    shutil.rmtree(DEMO_ONLINE, ignore_errors=True)
    run(session, f"python bench/online.py --work {DEMO_ONLINE} --results {DEMO_ONLINE}", *session.posargs)


def _serve_and_ask(session: nox.Session) -> None:
    """Have a server answer, then stop it with Ctrl-C's signal."""
    session.log("%s   # until it is stopped", SERVE)
    server = subprocess.Popen([ENVIRONMENT / "bin" / "monolith", *shlex.split(SERVE)[1:]])
    try:
        _wait_until_served(session, server)
        run(session, ASK)
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
