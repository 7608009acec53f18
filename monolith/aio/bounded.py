"""A call that comes back in time, whatever it waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from monolith.core.errors import MonolithError, OperationFailed, OperationTimedOut

T = TypeVar("T")
log = logging.getLogger(__name__)
_abandoned: set[asyncio.Future[object]] = set()


async def bounded(
    operation: str, call: Callable[[], Awaitable[T]], *, ms: int, scope: str = "discovery operation"
) -> T:
    """Await `call` for at most `ms` milliseconds, naming `operation` if it goes wrong.

    A call that ignores its cancellation is abandoned, since the promise here is to come back in time;
    it is held and told in the log until it ends.

    Raises:
        OperationTimedOut: the budget is spent.
        OperationFailed: the call raised something that is not ours; its text is unchanged.
    """
    task = asyncio.ensure_future(_called(call))
    try:
        done, _ = await asyncio.wait({task}, timeout=ms / 1000)
    except asyncio.CancelledError:
        _abandon(operation, task)
        raise
    if not done:
        _abandon(operation, task)
        raise OperationTimedOut(operation, ms, scope)
    return _result(operation, task)


async def _called(call: Callable[[], Awaitable[T]]) -> T:
    """The result of `call`, also where it fails before there is anything to await."""
    return await call()


def _result(operation: str, task: asyncio.Task[T]) -> T:
    if task.cancelled():  # by the call itself: whoever awaits us was not
        raise OperationFailed(f"{operation} was cancelled from within", operation=operation)
    try:
        return task.result()
    except MonolithError:
        raise
    except Exception as exc:
        raise OperationFailed(str(exc) or repr(exc), operation=operation) from exc


def _abandon(operation: str, task: asyncio.Future[T]) -> None:
    task.cancel()
    _abandoned.add(task)  # type: ignore[arg-type]  # a set of futures of anything
    task.add_done_callback(lambda ended: _told(operation, ended))


def _told(operation: str, task: asyncio.Future[T]) -> None:
    _abandoned.discard(task)
    if not task.cancelled() and (late := task.exception()):
        log.warning("%s, abandoned earlier, ended with: %s", operation, late)
