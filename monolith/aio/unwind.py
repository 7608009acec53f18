"""Undo what was begun, newest first; the first error stays the error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from monolith.aio.bounded import bounded
from monolith.core.errors import CleanupFailed, MonolithError, cleanup_told


class _Undo(NamedTuple):
    operation: str
    call: Callable[[], Awaitable[object]]
    ms: int


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

    def undo(self, operation: str, call: Callable[[], Awaitable[object]], *, ms: int | None = None) -> None:
        """On leaving, `call`; `ms` where its budget is not that of the others."""
        self._undos.append(_Undo(operation, call, self._ms if ms is None else ms))

    async def __aenter__(self) -> Unwind:
        return self

    async def __aexit__(self, _type: object, primary: BaseException | None, _tb: object) -> None:
        issues = await _through_cancellation(self._run())
        if not issues:
            return
        if primary is None:
            raise CleanupFailed(issues) from issues[0]
        if isinstance(primary, MonolithError):
            primary.cleanup = tuple(issues)
        else:
            primary.add_note(*cleanup_told(issues))

    async def _run(self) -> list[MonolithError]:
        issues = []
        for operation, call, ms in reversed(self._undos):
            try:
                await bounded(operation, call, ms=ms, scope="discovery cleanup")
            except MonolithError as issue:
                issue.operation = issue.operation or operation
                issues.append(issue)
        return issues


async def _through_cancellation(cleanup: Awaitable[list[MonolithError]]) -> list[MonolithError]:
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
