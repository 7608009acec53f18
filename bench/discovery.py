"""How long it takes to register, to find and to take away a thousand services.

    python bench/discovery.py [--services 1000] [--zk-hosts 127.0.0.1:2181]

ZooKeeper is only asked where one is named.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from monolith.config.places import Places
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.discovery.choose import choose

ROUNDS = 15


def backends(folder: Path, zk_hosts: str | None) -> Iterator[Places]:
    yield Places(discovery="in-memory")
    yield Places(discovery="host-files", discovery_path=folder)
    if zk_hosts:
        yield Places(
            discovery="zookeeper", zk_hosts=zk_hosts, zk_base_path=f"/monolith/bench-{time.time_ns()}"
        )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--services", type=int, default=1_000)
    parser.add_argument("--zk-hosts")
    asked = parser.parse_args()
    services = [ServiceInfo.listed("ps", index, f"10.0.0.1:{index + 1}") for index in range(asked.services)]
    print(f"{len(services)} services; ms: median (best)")
    with tempfile.TemporaryDirectory() as folder:
        for places in backends(Path(folder), asked.zk_hosts):
            await measure(places.kind, choose(places, {}), services)


async def measure(name: str, backend: Discovery, services: list[ServiceInfo]) -> None:
    """Register all, find them, take them away; what is found must be what was registered."""
    await backend.connect()
    registering = await timed(lambda: in_turn(backend.register, services))
    rounds = [await timed(lambda: backend.discover("ps")) for _ in range(ROUNDS)]
    found = await backend.discover("ps")
    assert {info.address for info in found} == {info.address for info in services}
    leaving = await timed(lambda: in_turn(backend.deregister, [info.id for info in services]))
    await backend.disconnect()
    print(f"  {name:12} register {registering:8.1f}   deregister {leaving:8.1f}   ", end="")
    print(f"discover {statistics.median(rounds):7.2f} ({min(rounds):.2f})")


async def in_turn(call: Callable[..., Awaitable[None]], values: Sequence[object]) -> None:
    for value in values:
        await call(value)


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    asyncio.run(main())
