"""Several calls at once, as one: all succeed, or the first error is the error and the rest are called off."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run `calls` side by side; their results in the same order.

    Not a TaskGroup: a group of errors has no first one, and callers catch errors by type.
    """
    begun = list(calls)
    if len(begun) <= 1:  # the usual case by far: no task, no turn of the event loop
        return [await call for call in begun]
    tasks = [asyncio.ensure_future(call) for call in begun]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = [task for task in tasks if task in done and task.exception()]
        return [task.result() for task in (failed or tasks)]
    finally:
        await _call_off(tasks)


async def _call_off(tasks: list[asyncio.Task[T]]) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
