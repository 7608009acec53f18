"""Every law, on every backend that needs no server. What one cannot is expected, and printed."""

import asyncio

import pytest

from monolith.discovery.base import ServiceInfo
from tests.conformance import here
from tests.conformance.judging import judge
from tests.conformance.laws import LAWS
from tests.conformance.table import PAGE, WORLDS, page
from tests.upstream import vectors

# Without harm that only a server can come to.
ANYWHERE = [
    one
    for one in vectors("service_discovery")
    if all(len(call) > 1 for call in one.values[0]["given"].get("calls", [[]]))
]


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("world", here.WORLDS, ids=lambda world: world.name)
def test_law(world, name, tmp_path):
    judge(world(tmp_path), name)


@pytest.mark.parametrize("world", [here.InMemoryWorld, here.HostFilesWorld], ids=lambda world: world.name)
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


def test_the_page_has_the_table():
    assert PAGE.read_text() == page(PAGE.read_text()), "python -m tests.conformance"


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_an_exception_is_from_a_law_with_a_reason(world):
    assert set(world.cannot) <= set(LAWS)
    assert all(world.cannot.values())
