"""A process that registers one service in ZooKeeper, says so, and holds on until its standard input closes.

python -m tests.integration.discovery.holder HOSTS FOLDER SESSION_S TYPE INDEX ADDRESS
"""

from __future__ import annotations

import asyncio
import sys

from monolith.discovery.base import ServiceInfo
from monolith.discovery.zk_connection import Patience
from monolith.discovery.zookeeper import ZooKeeper

HELD = "held"


async def hold(hosts: str, folder: str, session_s: float, info: ServiceInfo) -> None:
    backend = ZooKeeper(hosts, folder, patience=Patience(session_s))
    await backend.connect()
    await backend.register(info)
    print(HELD, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await backend.deregister(info.id)
    await backend.disconnect()


if __name__ == "__main__":
    hosts, folder, session_s, service_type, index, address = sys.argv[1:]
    asyncio.run(hold(hosts, folder, float(session_s), ServiceInfo.listed(service_type, int(index), address)))
