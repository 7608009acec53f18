"""The first Ctrl-C asks, the second ends at once."""

import os
import signal
import subprocess
import sys

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
