"""Who may use something when: many side by side, or one alone."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager


class Turns:
    """`with turns.shared:` runs beside others that share, `with turns.alone:` beside nobody.

    Both get their turn: whoever wants to be alone goes before those who come later to share, and they, once
    somebody was alone, before the next who wants to be. Neither may be nested.
    """

    def __init__(self) -> None:
        self.shared: AbstractContextManager[None] = _Shared(self)
        self.alone: AbstractContextManager[None] = _Alone(self)
        self.mutex = threading.Lock()
        self.changed = threading.Condition(self.mutex)
        self.sharing = 0
        self.taken = False  # by one who is alone
        self.waiting = 0  # who want to be alone
        self.queued = 0  # who want to share
        self.due = 0  # of the queued, who go before anybody is alone again
        self.round = 0  # how often somebody was alone


class _Shared:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        turns = self._turns
        with turns.mutex:
            if turns.taken or turns.waiting:
                self._queue(turns)
            turns.sharing += 1

    def _queue(self, turns: Turns) -> None:
        came_in, turns.queued = turns.round, turns.queued + 1
        try:
            while turns.taken or (turns.waiting and turns.round == came_in):
                turns.changed.wait()
        finally:
            turns.queued -= 1
            turns.due -= turns.round != came_in
            turns.changed.notify_all()  # if this was interrupted, others may go on

    def __exit__(self, *_: object) -> None:
        turns = self._turns
        with turns.mutex:
            turns.sharing -= 1
            if turns.waiting and not turns.sharing:
                turns.changed.notify_all()


class _Alone:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        turns = self._turns
        with turns.mutex:
            turns.waiting += 1
            try:
                while turns.taken or turns.sharing or turns.due:
                    turns.changed.wait()
                turns.taken = True
            finally:
                turns.waiting -= 1
                turns.changed.notify_all()  # if this was interrupted, others may go on

    def __exit__(self, *_: object) -> None:
        turns = self._turns
        with turns.mutex:
            turns.taken = False
            turns.round += 1
            turns.due = turns.queued
            turns.changed.notify_all()
