"""A request to stop comes from anywhere, at any moment, and is never lost."""

import sys
import threading
from types import FrameType
from typing import Any

from monolith.core.stop import Stop

PATIENCE_S = 10


def test_who_waits_is_interrupted_by_who_asks() -> None:
    """As a signal handler would: in the thread that waits, between any two of its instructions."""
    at = 0
    while _asked_within_the_wait(at):
        at += 1
    assert at > 20  # it was there, not beside


def _asked_within_the_wait(at: int) -> bool:
    """Whether a wait has an instruction number `at`, in front of which it can be asked."""
    stop, met, seen = Stop(), [0], []

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        frame.f_trace_opcodes = True
        if event == "opcode":
            if met[0] == at:
                sys.settrace(None)
                frame.f_trace = None
                stop.ask()
            met[0] += 1
        return trace

    def wait() -> None:
        sys.settrace(trace)
        stop.wait(0.001)
        sys.settrace(None)
        seen.append(stop.asked)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(PATIENCE_S)
    assert seen, f"stuck since instruction {at}"
    return seen[0]


def test_everybody_who_waits_is_woken() -> None:
    stop, woken = Stop(), []
    waiting = [threading.Thread(target=lambda: woken.append(stop.wait(PATIENCE_S))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    stop.ask()
    for thread in waiting:
        thread.join(PATIENCE_S)
    assert woken == [True] * 3
    assert stop.wait(-1.0)


def test_listeners_are_told_once_whenever_they_come() -> None:
    stop, told = Stop(), []
    stop.listen(lambda: told.append("before"))
    assert told == []
    stop.ask()
    stop.ask()
    stop.listen(lambda: told.append("after"))
    assert told == ["before", "after"]
