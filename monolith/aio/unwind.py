"""Undo what was begun, newest first; the first error stays the error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from monolith.aio.bounded import bounded
from monolith.core.errors import CleanupFailed, MonolithError


class Unwind:
    """An async context that undoes its steps on leaving, each within `ms` milliseconds.

    Declare the undo *before* trying the step it belongs to: a step that timed out may have taken effect
    all the same. An error that is not ours keeps its type and text; cleanup troubles become its notes.

    Raises:
        CleanupFailed: everything went well until it had to be undone.
    """

    def __init__(self, ms: int) -> None:
        self._ms = ms
        self._undos: list[tuple[str, Callable[[], Awaitable[object]]]] = []

    def undo(self, operation: str, call: Callable[[], Awaitable[object]]) -> None:
        self._undos.append((operation, call))

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
            return
        for issue in issues:
            primary.add_note(f"while cleaning up, {issue.operation}: {issue}")

    async def _run(self) -> list[MonolithError]:
        issues = []
        for operation, call in reversed(self._undos):
            try:
                await bounded(operation, call(), ms=self._ms, kind="cleanup")
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
