"""The first Ctrl-C asks, the second ends at once; neither shows a traceback, whenever it comes."""

import os
import signal
import subprocess
import sys

import pytest

from monolith.cli.interrupts import Interrupts

CODE = """
import sys, time
from monolith.cli.interrupts import Interrupts
interrupts = Interrupts(lambda s: print(s, flush=True))
interrupts.install()
interrupts.before_abort(lambda: print("last words", flush=True))
print("ready", flush=True)
while not interrupts.stop.wait(0.01): pass
print("asked", flush=True)
time.sleep(60)
"""


def test_second_interrupt_ends_at_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    with child.stdout as out:
        assert out.readline() == "ready\n"
        os.kill(child.pid, signal.SIGINT)
        assert out.readline() == "stopping cleanly; Ctrl-C again stops at once\n"
        assert out.readline() == "asked\n"
        os.kill(child.pid, signal.SIGINT)
        assert out.readline() == "last words\n"
    assert child.wait(10) == 130


@pytest.mark.parametrize(("before", "asked"), [("SIG_DFL", True), ("SIG_IGN", False)])
def test_a_closed_terminal_asks_unless_that_is_not_minded(before: str, *, asked: bool) -> None:
    code = f"""
import os, signal
from monolith.cli.interrupts import Interrupts
signal.signal(signal.SIGHUP, signal.{before})
interrupts = Interrupts(print)
interrupts.install()
os.kill(os.getpid(), signal.SIGHUP)
assert interrupts.stop.asked is {asked}
interrupts.over()
os.kill(os.getpid(), signal.SIGHUP)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_who_interrupts_a_write_asks_all_the_same() -> None:
    interrupts = Interrupts(_reentered)
    interrupts._interrupted(signal.SIGINT, None)
    assert interrupts.stop.asked


@pytest.mark.parametrize(
    ("request_", "other"),
    [
        (signal.SIGINT, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGHUP),  # a session of systemd's ends with both
        (signal.SIGHUP, signal.SIGINT),
    ],
)
def test_who_is_supervised_and_stays_ends_when_asked_twice(
    request_: signal.Signals, other: signal.Signals
) -> None:
    code = f"""
import os, signal
from monolith.cli.interrupts import Interrupts
signal.signal(signal.SIGHUP, signal.SIG_DFL)
said = []
interrupts = Interrupts(said.append)
interrupts.install()
interrupts.supervised(stays=True)
for request, asked in [({int(request_)}, False), ({int(other)}, False), ({int(request_)}, True)]:
    os.kill(os.getpid(), request)
    assert interrupts.stop.asked is asked
assert len(said) == 2 and not interrupts.by_keyboard
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _reentered(_sentence: str) -> None:
    raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")


AT_IMPORT = """
import os, signal, sys
class Trap:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
from monolith.__main__ import main
sys.meta_path.insert(0, Trap())
sys.argv = ["monolith", "ps", "--help"]
main()
"""

WHILE_IT_RUNS = """
import os, signal, sys
from monolith.cli import commands, main
from monolith.cli.command import Command
from monolith.config.settings import Settings
from monolith.core.errors import Stopped
def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
def run(settings, ui):
    interrupted()
    raise Stopped("asked to stop")
commands.COMMANDS["it"] = commands.Entry("__main__:IT", "")
IT = Command(Settings, run, graceful={graceful})
status = main.main(["it"], {{}})
if not {graceful}:
    interrupted()
sys.exit(status)
"""
ASKED = "stopping cleanly; Ctrl-C again stops at once\nmonolith: asked to stop\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (AT_IMPORT.format(name="monolith.cli.main"), "monolith: interrupted\n"),
        (AT_IMPORT.format(name="monolith.cli.roles"), "monolith: interrupted\n"),
        (WHILE_IT_RUNS.format(graceful=False), "monolith: interrupted\n"),
        (WHILE_IT_RUNS.format(graceful=True), ASKED),
    ],
    ids=["loading", "loading-the-command", "on-the-way-out", "asked"],
)
def test_interrupts_are_no_tracebacks(code: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, said)
