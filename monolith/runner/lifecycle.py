"""connect, register, play the role; then deregister, disconnect.

What a process does while it is known to the others is not this file's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from monolith.aio.bounded import bounded
from monolith.aio.unwind import Unwind
from monolith.config.job import MeetingSettings
from monolith.discovery.base import Discovery, ServiceInfo

T = TypeVar("T")


async def run(
    discovery: Discovery, me: ServiceInfo, play: Callable[[], Awaitable[T]], settings: MeetingSettings
) -> T:
    """Be known as `me` for as long as `play` takes, and give its result.

    Raises:
        OperationTimedOut, OperationFailed: connecting or registering went wrong; `play` was not called.
        CleanupFailed: all went well until it had to be undone.
        Exception: whatever `play` raised, with cleanup troubles told beside it.
    """
    budget = settings.discovery_operation_timeout_ms
    async with Unwind(settings.discovery_cleanup_timeout_ms) as unwind:
        unwind.undo(f"disconnect {me.service_id} via {me.service_type}", discovery.disconnect)
        await bounded(f"connect {me.service_id} via {me.service_type}", discovery.connect(), ms=budget)
        unwind.undo(f"deregister {me.service_id} from {me.service_type}", lambda: discovery.deregister(me))
        await bounded(f"register {me.service_id} as {me.service_type}", discovery.register(me), ms=budget)
        return await play()
