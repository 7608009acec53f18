"""The first Ctrl-C asks, the second does not."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from types import FrameType

from monolith.core.stop import Stop

INTERRUPTED = 130  # what a shell reports of a program ended by Ctrl-C


class Interrupts:
    """Turns signals into a request to stop, and impatience into an end.

    Only a graceful command gets the request; any other is interrupted where it stands.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.stop = Stop()
        self.by_keyboard = False
        self._say = say
        self._last_words: list[Callable[[], None]] = []
        self._stays = False
        self._told: set[int] = set()  # signals, while we stay

    def install(self) -> None:
        signal.signal(signal.SIGINT, self._interrupted)
        signal.signal(signal.SIGTERM, self._terminated)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(signal.SIGHUP, self._terminated)

    def supervised(self, *, stays: bool) -> None:
        """Take every signal for one to the whole group of a process that started us and will end us.

        With `stays`, the first of a kind is only told: that process ends others before us, and they still
        need us. Of a kind, because a session's end may be told by SIGTERM and SIGHUP in one breath.
        """
        self._stays = stays
        signal.signal(signal.SIGINT, self._terminated)

    def noticed(self) -> None:
        """Let a further Ctrl-C end this process at once: the first was raised, and all is on its way out."""
        self.by_keyboard = True
        signal.signal(signal.SIGINT, self._interrupted)

    def over(self) -> None:
        """Take no notice of a further request to stop: all is done but the way out."""
        for request in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(request, signal.SIG_IGN)

    def before_abort(self, call: Callable[[], None]) -> None:
        """Have `call` run when a second Ctrl-C ends this process at once: to end those it started."""
        self._last_words.append(call)

    def _interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        if self.by_keyboard:
            for call in self._last_words:
                call()
            os._exit(INTERRUPTED)
        self.by_keyboard = True
        self._tell("stopping cleanly; Ctrl-C again stops at once")
        self.stop.ask()

    def _terminated(self, request: int, _frame: FrameType | None) -> None:
        if self._stays and request not in self._told:
            self._told.add(request)
            self._tell("asked to end: waiting until the job does; asked again, ends before it")
        else:
            self.stop.ask()

    def _tell(self, sentence: str) -> None:
        with contextlib.suppress(RuntimeError):  # we interrupt who is just writing to the same stream
            self._say(sentence)
