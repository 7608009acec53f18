"""One worker: be found, find the parameter servers, meet the other workers, train."""

from __future__ import annotations

import logging
from typing import Any

from monolith.aio.stopped import unless_stopped
from monolith.core.address import Address, parse_address
from monolith.core.stop import SAVE_GRACE_S
from monolith.ps.barriers import PsBarrier
from monolith.ps.client import PsClient
from monolith.ps.connect import connect_all
from monolith.ps.limits import Limits
from monolith.runner.find_shards import find_shards
from monolith.runner.part import Part

FIRST_BARRIER = "step0"
log = logging.getLogger(__name__)


async def work(part: Part) -> Any:
    """Train once everyone is there: all servers were found, and all workers have met at `step0`.

    Raises:
        OperationTimedOut, OperationFailed: registering went wrong.
        ShardsNotFound: the servers did not all appear.
        ShardUnavailable: one that appeared did not answer.
        BarrierTimedOut: the other workers did not come.
        Stopped: `stop` was asked before all that was done, or training took no notice of it.
        Exception: whatever training raised.
    """
    stop = part.world.stop
    client = await unless_stopped(stop, f"{part.me} was asked to stop before it trained", _meet(part))
    late = f"{part.me} was asked to stop, and its training had not ended {SAVE_GRACE_S:.0f} s later"
    return await unless_stopped(stop, late, _train(part, client), grace_s=SAVE_GRACE_S)


async def _train(part: Part, client: PsClient) -> Any:
    return await part.world.train(client)


async def _meet(part: Part) -> PsClient:
    config, runner = part.config, part.config.runner
    await part.register(_where(config.advertise_addr or config.bind_addr))
    log.info("Waiting for PS discovery: %s", part.me)
    addresses = await find_shards(part.discovery, config)
    log.info("Connecting to PS shards: %s, %s", part.me, addresses)
    shards = part.world.connect_shards(addresses)
    client = PsClient(shards)
    budget = runner.discovery_operation_timeout_ms
    part.unwind.let_go(f"close connections of {part.me}", client.close, ms=budget)
    await connect_all(shards, addresses, budget)
    barrier = PsBarrier(client, runner.barrier_timeout_ms, margin_ms=min(budget, Limits().margin_ms // 2))
    await barrier.wait(FIRST_BARRIER, runner.index, runner.num_workers)
    return client


def _where(address: str) -> str:
    """The host that a worker is known at: it listens on no port."""
    return str(Address(parse_address(address).host, 0))
