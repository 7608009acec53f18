"""What is saved while a server starts is given back when it has, or could not."""

import contextlib
import gc
import importlib
import subprocess
import sys

import pytest

from monolith.cli.quick_start import quick_start

HIDDEN = "scipy"
SERVE = "import sys, monolith.cli.roles, monolith.cli.harmed, monolith.runner.ps, monolith.runner.serving"


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.delitem(sys.modules, HIDDEN, raising=False)
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def serving():
    """What a process has imported that can be a parameter server."""
    code = f"{SERVE}; print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()


def test_nothing_is_collected_until_it_started():
    with quick_start() as started:
        assert not gc.isenabled()
        with pytest.raises(ImportError):
            importlib.import_module(HIDDEN)
        started()
        assert gc.isenabled()
        assert HIDDEN not in sys.modules
        assert gc.get_freeze_count() > 0


def test_a_start_that_fails_gives_back_too():
    with contextlib.suppress(OSError), quick_start():
        raise OSError("no such port")
    assert gc.isenabled()
    assert HIDDEN not in sys.modules


def test_what_was_imported_stays(monkeypatch):
    monkeypatch.setitem(sys.modules, HIDDEN, sys)
    with quick_start():
        assert importlib.import_module(HIDDEN) is sys
    assert sys.modules[HIDDEN] is sys


@pytest.mark.parametrize(
    "module",
    ["monolith.core.schema", "monolith.ps.client", "monolith.ps.remote", "monolith.runner.worker", "tomllib"],
)
def test_a_server_starts_without(module, serving):
    assert "monolith.ps.server" in serving
    assert module not in serving
