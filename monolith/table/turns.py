"""Who may use something when: many side by side, or one alone."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager


class Turns:
    """`with turns.shared:` runs beside others that share, `with turns.alone:` beside nobody.

    Whoever wants to be alone goes before those who come later to share. Neither may be nested.
    """

    def __init__(self) -> None:
        self.shared: AbstractContextManager[None] = _Shared(self)
        self.alone: AbstractContextManager[None] = _Alone(self)
        self.mutex = threading.Lock()
        self.changed = threading.Condition(self.mutex)
        self.sharing = 0
        self.waiting = 0  # to be alone
        self.taken = False


class _Shared:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        turns = self._turns
        with turns.mutex:
            while turns.taken or turns.waiting:
                turns.changed.wait()
            turns.sharing += 1

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
                while turns.taken or turns.sharing:
                    turns.changed.wait()
            finally:
                turns.waiting -= 1
            turns.taken = True

    def __exit__(self, *_: object) -> None:
        turns = self._turns
        with turns.mutex:
            turns.taken = False
            turns.changed.notify_all()
