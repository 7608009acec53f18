"""One worker: be found, find the parameter servers, meet the other workers, train."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from monolith.config.job import WorkerSettings
from monolith.core.names import Role, ServiceId
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.ps.api import Shard
from monolith.ps.client import PsClient
from monolith.ps.remote import RemoteShard
from monolith.runner.find_shards import find_shards
from monolith.runner.lifecycle import run

T = TypeVar("T")
FIRST_BARRIER = "step0"


def over_grpc(addresses: Sequence[str]) -> list[Shard]:
    """Shards behind sockets."""
    return [RemoteShard(address, shard=index) for index, address in enumerate(addresses)]


async def run_worker(
    discovery: Discovery,
    settings: WorkerSettings,
    train: Callable[[PsClient], Awaitable[T]],
    *,
    connect_shards: Callable[[Sequence[str]], list[Shard]] = over_grpc,
) -> T:
    """Train once everyone is there: all servers were found, and all workers have met at `step0`.

    Raises:
        ShardsNotFound: the servers did not all appear.
        BarrierTimedOut: the other workers did not.
    """
    num_ps, num_workers = settings.num_ps or 1, settings.num_workers or 1
    me = ServiceInfo(
        service_id=str(ServiceId(Role.WORKER, settings.index)),
        service_type=settings.discovery_service_type_worker,
        index=settings.index,
        address="",
    )

    async def play() -> T:
        addresses = await find_shards(discovery, me, num_ps, settings)
        client = PsClient(connect_shards(addresses))
        try:
            await client.gather(FIRST_BARRIER, settings.index, num_workers, b"", settings.barrier_timeout_ms)
            return await train(client)
        finally:
            await client.close()

    return await run(discovery, me, play, settings)
