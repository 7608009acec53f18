"""Undo what was begun, newest first; the first error stays the error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from monolith.aio.bounded import bounded
from monolith.core.errors import CleanupFailed, MonolithError, Trouble, cleanup_told

log = logging.getLogger(__name__)


class _Undo(NamedTuple):
    operation: str
    call: Callable[[], Awaitable[object]]
    ms: int
    told: bool


class Unwind:
    """An async context that undoes its steps on leaving, each within `ms` milliseconds.

    Declare the undo *before* trying the step it belongs to: a step that timed out may have taken effect
    all the same. An error that is not ours keeps its type and text; what went wrong after it becomes a note.

    Raises:
        CleanupFailed: everything went well until it had to be undone.
    """

    def __init__(self, ms: int) -> None:
        self._ms = ms
        self._undos: list[_Undo] = []

    def undo(self, operation: str, call: Callable[[], Awaitable[object]]) -> None:
        """On leaving, `call`; where that goes wrong it is told."""
        self._undos.append(_Undo(operation, call, self._ms, told=True))

    def let_go(self, what: str, call: Callable[[], Awaitable[object]], *, ms: int) -> None:
        """On leaving, `call`, of which nobody outside takes notice: where it goes wrong the log says so."""
        self._undos.append(_Undo(what, call, ms, told=False))

    async def __aenter__(self) -> Unwind:
        return self

    async def __aexit__(self, _type: object, primary: BaseException | None, _tb: object) -> None:
        troubles = await _through_cancellation(self._run())
        if isinstance(primary, MonolithError):
            primary.cleanup = tuple(troubles)  # also when there are none: it may have been raised before
        elif primary is not None:
            for note in cleanup_told(troubles):
                primary.add_note(note)
        elif troubles:
            raise CleanupFailed(troubles) from troubles[0].error

    async def _run(self) -> list[Trouble]:
        troubles = []
        for operation, call, ms, told in reversed(self._undos):
            try:
                await bounded(operation, call, ms=ms, scope="discovery cleanup" if told else "cleanup")
            except MonolithError as error:
                # What the error will say anyway is no warning of its own.
                log.log(logging.INFO if told else logging.WARNING, "Failed to %s: %s", operation, error)
                troubles += [Trouble(operation, str(error), error)] if told else []
        return troubles


async def _through_cancellation(cleanup: Awaitable[list[Trouble]]) -> list[Trouble]:
    """Finish the cleanup even when we are cancelled meanwhile; then be cancelled."""
    task = asyncio.ensure_future(cleanup)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled:
        raise cancelled
    return task.result()
