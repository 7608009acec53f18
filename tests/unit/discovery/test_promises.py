"""What others have published of backends that keep a list."""

import asyncio

import pytest

from monolith.discovery.base import ServiceInfo
from tests.conformance.here import HostFilesWorld, InMemoryWorld
from tests.upstream import vectors

# Without harm that only a server can come to.
ANYWHERE = [
    one
    for one in vectors("service_discovery")
    if all(len(call) > 1 for call in one.values[0]["given"].get("calls", [[]]))
]


@pytest.mark.parametrize("world", [InMemoryWorld, HostFilesWorld], ids=lambda world: world.name)
@pytest.mark.parametrize("vector", ANYWHERE)
def test_what_others_promise_holds(world, vector, tmp_path):
    async def play():
        client, answers = world(tmp_path).client(), []
        await client.connect()
        for operation, name, *listed in vector["given"]["calls"]:
            match operation:
                case "register":
                    await client.register(ServiceInfo.listed(name, *listed))
                case "deregister":
                    await client.deregister(f"{name}-{listed[0]}")
                case "query":
                    answers.append({str(info.index): info.address for info in await client.discover(name)})
        return answers

    assert asyncio.run(play()) == vector["expect"]["queries"]
