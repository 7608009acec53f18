"""A replicator between tables and receivers, all in one process and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np

from monolith.config.sync_target import SyncTarget
from monolith.core.endpoint import Endpoint
from monolith.sync.message import Letterhead
from monolith.sync.patience import Pace
from monolith.sync.replicator import Replicator
from monolith.sync.world import World
from monolith.table.config import Constants, Segment, Sgd, TableConfig
from monolith.table.table import Table
from monolith.testing import virtual_time
from tests.unit.sync.receiver import FakeLink, Receiver

HEAD = Letterhead(model_name="ctr", signature_name="assign", shard=0, shards=1)
PACE = Pace()
CONFIG = TableConfig((Segment(2, Constants(1.0), Sgd(learning_rate=0.5)),))


async def inline(call: Callable[..., Any], *given: Any) -> Any:
    return call(*given)


class Clock:
    """The machine's own time: the loop's, unless it was set ahead."""

    ahead_ms = 0

    def __call__(self) -> int:
        return int(1000 * asyncio.get_running_loop().time()) + self.ahead_ms


class Job:
    """Two tables, and targets called h0, h1, … that are pushed to, in virtual time; more are `reachable`."""

    def __init__(
        self,
        targets: int = 1,
        *,
        reference: bool = False,
        reachable: int = 0,
        intervals_ms: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        self.tables = {"a": Table(CONFIG), "b": Table(CONFIG)}
        self.clock = Clock()
        self.links = [FakeLink(Receiver(reference=reference)) for _ in range(targets + reachable)]
        ends = [Endpoint("http", f"h{n}", 80) for n in range(targets + reachable)]
        wanted = [SyncTarget(end, intervals_ms.get(n)) for n, end in enumerate(ends[:targets])]
        links = dict(zip(ends, self.links, strict=True))
        world = World(
            clock_ms=self.clock,
            random=lambda: 0.5,
            draw_sender=count(7).__next__,
            aside=inline,
        )
        self.replicator = Replicator(
            self.tables.items, wanted, HEAD, pace=PACE, world=world, connect=links.__getitem__
        )

    @property
    def link(self) -> FakeLink:
        return self.links[0]

    @property
    def receiver(self) -> Receiver:
        return self.link.receiver

    def learn(self, *ids: int, table: str = "a") -> None:
        self.tables[table].apply(np.array(ids), np.ones((len(ids), 2)))

    def run(self, story: Callable[[Job], Awaitable[None]]) -> float:
        """Play `story` beside the replicator, from start to stop; the seconds that stopping took."""

        async def main() -> float:
            self.replicator.start()
            await story(self)
            before = asyncio.get_running_loop().time()
            await self.replicator.stop()
            return asyncio.get_running_loop().time() - before

        return virtual_time.run(main())[0]


async def intervals(count: float = 1.5) -> None:
    await asyncio.sleep(count * PACE.interval_s)
