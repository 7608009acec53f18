"""Whether every server is there: who is not is told with its address, within a budget.

Nobody must ask: the first call to a shard connects. Who asks hears sooner, and plainer.
"""

from __future__ import annotations

from collections.abc import Sequence

from monolith.aio.bounded import bounded
from monolith.core.errors import MonolithError, OperationTimedOut, ShardUnavailable
from monolith.ps.api import Shard
from monolith.ps.together import together


async def connect_all(shards: Sequence[Shard], addresses: Sequence[str], budget_ms: int) -> None:
    """Connect to all `shards` at once, which are at `addresses`, each within `budget_ms`.

    Raises:
        ShardUnavailable: one does not answer; of those that fail together, the first.
    """
    await together(_connect(shard, at, budget_ms) for shard, at in zip(shards, addresses, strict=True))


async def _connect(shard: Shard, address: str, budget_ms: int) -> None:
    try:
        await bounded(f"connect {address}", shard.connect, ms=budget_ms)
    except ShardUnavailable:
        raise  # which says so itself
    except OperationTimedOut as exc:
        raise ShardUnavailable(f"Connection failed to {address}: no answer within {budget_ms}ms") from exc
    except MonolithError as exc:
        raise ShardUnavailable(f"Connection failed to {address}: {exc}") from exc
