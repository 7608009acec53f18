"""What holds of every backend. A law is a coroutine over a `World`; its docstring is its row in a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import attrs
import pytest

from monolith.core.errors import DiscoveryClosed, DiscoveryError, DiscoveryMisconfigured, ServiceNotFound
from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.watch import Added, Event, Removed, Updated
from tests.conformance.world import World

Law: TypeAlias = Callable[[World], Awaitable[None]]
LAWS: dict[str, Law] = {}

LOOK_S = 0.05
MANY = 1_000
ODD = "spa ce=é;名,\"'\\\t{}[]%41&?#@|<>"


def law(check: Law) -> Law:
    LAWS[check.__name__] = check
    return check


@asynccontextmanager
async def clients(world: World, count: int) -> AsyncIterator[list[Backend]]:
    """Connected ones, disconnected at the end whatever became of them."""
    made = [world.client() for _ in range(count)]
    for client in made:
        await client.connect()
    try:
        yield made
    finally:
        for client in made:
            with suppress(DiscoveryError, TimeoutError):  # harm may have come to it
                await asyncio.wait_for(client.disconnect(), world.patience_s)


async def comes_to(world: World, client: Backend, expected: list[ServiceInfo], of: str = "ps") -> None:
    """What `client` discovers is `expected`, within the patience of the world and after errors maybe."""
    found: object = None
    deadline = asyncio.get_running_loop().time() + world.patience_s
    while asyncio.get_running_loop().time() < deadline:
        try:
            found = in_order(await client.discover(of))
        except DiscoveryMisconfigured:
            raise
        except DiscoveryError as exc:
            found = exc
        if found == in_order(expected):
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"{found} instead of {expected} after {world.patience_s} s")


def in_order(services: list[ServiceInfo]) -> list[ServiceInfo]:
    return sorted(services, key=lambda info: (info.index or 0, info.id, info.address))


async def told(world: World, events: AsyncIterator[Event], expected: list[Event]) -> None:
    """The next events are these."""
    for event in expected:
        assert await asyncio.wait_for(anext(events), world.patience_s) == event


@law
async def nobody_is_there_at_first(world: World) -> None:
    """before anyone registers, nobody is found"""
    async with clients(world, 1) as (client,):
        assert await client.discover("ps") == []


@law
async def the_registered_are_visible(world: World) -> None:
    """who registers is found by others, with all it told"""
    services = [world.service(1), world.service(0)]
    async with clients(world, 2) as (owner, other):
        for info in services:
            await owner.register(info)
        await comes_to(world, other, services)


@law
async def types_are_apart(world: World) -> None:
    """who asks for one type does not find another"""
    async with clients(world, 1) as (client,):
        await client.register(world.service(0))
        assert await client.discover("worker") == []


@law
async def registering_again_changes_nothing(world: World) -> None:
    """registering the same twice leaves one"""
    async with clients(world, 2) as (owner, other):
        for _ in range(2):
            await owner.register(world.service(0))
        await comes_to(world, other, [world.service(0)])


@law
async def one_can_move(world: World) -> None:
    """registering another address replaces the first"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await owner.register(world.service(0, host="10.0.0.9"))
        await comes_to(world, other, [world.service(0, host="10.0.0.9")])


@law
async def a_successor_takes_over(world: World) -> None:
    """a restarted process takes the place of its predecessor, and keeps it when that one says goodbye"""
    predecessor, successor = world.service(0), world.service(0, host="10.0.0.9")
    async with clients(world, 3) as (first, second, other):
        await first.register(predecessor)
        await second.register(successor)
        await comes_to(world, other, [successor])
        await first.deregister("ps-0")
        await comes_to(world, other, [successor])


@law
async def a_successor_at_the_same_address_stays(world: World) -> None:
    """also where the successor has the address of its predecessor"""
    async with clients(world, 3) as (first, second, other):
        await first.register(world.service(0))
        await second.register(world.service(0))
        await first.deregister("ps-0")
        await comes_to(world, other, [world.service(0)])


@law
async def one_index_can_be_claimed_twice(world: World) -> None:
    """two services that claim one index are both found, so that who looks can refuse them"""
    rival = attrs.evolve(world.service(0, host="10.0.0.9"), id="rival-0", name="rival-0")
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await other.register(rival)
        await comes_to(world, owner, [world.service(0), rival])


@law
async def the_deregistered_are_gone(world: World) -> None:
    """who deregisters is not found any more; the others are"""
    async with clients(world, 2) as (owner, other):
        for index in range(2):
            await owner.register(world.service(index))
        await owner.deregister("ps-0")
        await comes_to(world, other, [world.service(1)])


@law
async def one_can_come_back(world: World) -> None:
    """who deregistered can register again"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await owner.deregister("ps-0")
        await owner.register(world.service(0))
        await comes_to(world, other, [world.service(0)])


@law
async def nothing_is_deregistered_twice(world: World) -> None:
    """deregistering what is not there says so"""
    async with clients(world, 1) as (client,):
        await client.register(world.service(0))
        await client.deregister("ps-0")
        with pytest.raises(ServiceNotFound, match=r"^Service not found: ps-0$"):
            await client.deregister("ps-0")


@law
async def strangers_take_nothing_away(world: World) -> None:
    """only who registered a service can deregister it"""
    async with clients(world, 2) as (owner, stranger):
        await owner.register(world.service(0))
        with pytest.raises(ServiceNotFound, match=r"^Service not found: ps-0$"):
            await stranger.deregister("ps-0")
        await comes_to(world, stranger, [world.service(0)])


@law
async def a_heartbeat_changes_nothing(world: World) -> None:
    """a sign of life changes nothing that others see"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await owner.heartbeat("ps-0")
        await comes_to(world, other, [world.service(0)])


@law
async def the_dead_disappear(world: World) -> None:
    """a killed process is not found any more; the living are"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await other.register(world.service(1))
        await world.kill(owner)
        await comes_to(world, other, [world.service(1)])


@law
async def the_frozen_disappear(world: World) -> None:
    """a process that stands still is not found any more, and is again once it goes on"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await comes_to(world, other, [world.service(0)])
        await world.freeze(owner)
        await comes_to(world, other, [])
        await world.thaw(owner)
        await comes_to(world, other, [world.service(0)])


@law
async def a_server_can_be_restarted(world: World) -> None:
    """while the server is away who asks is told so in time; when it is back all are found as before"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await comes_to(world, other, [world.service(0)])
        await world.stop_server()
        with pytest.raises(DiscoveryError):
            await asyncio.wait_for(other.discover("ps"), world.patience_s)
        await world.start_server()
        await comes_to(world, other, [world.service(0)])


@law
async def a_cut_network_heals(world: World) -> None:
    """who is cut off is told so in time and is not found; once the network is back it is found again"""
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        await comes_to(world, other, [world.service(0)])
        await world.cut(owner)
        with pytest.raises(DiscoveryError):
            await asyncio.wait_for(owner.discover("ps"), world.patience_s)
        await comes_to(world, other, [])
        await world.mend(owner)
        await comes_to(world, other, [world.service(0)])


@law
async def the_closed_refuse(world: World) -> None:
    """what is not connected, or not any more, refuses every question"""
    client, info = world.client(), world.service(0)
    for _ in range(2):
        for operation, call in {
            "register": lambda: client.register(info),
            "discover": lambda: client.discover("ps"),
            "deregister": lambda: client.deregister("ps-0"),
            "heartbeat": lambda: client.heartbeat("ps-0"),
            "watch": lambda: client.watch("ps").__aenter__(),
        }.items():
            with pytest.raises(DiscoveryClosed, match=f"^cannot {operation} .*ps.* is not connected$"):
                await call()
        await client.connect()
        await client.disconnect()
        await client.disconnect()


@law
async def roles_can_share_a_client(world: World) -> None:
    """it is open until all who connected have disconnected, and can be opened again"""
    client = world.client()
    for _ in range(2):
        await client.connect()
        await client.connect()
        await client.disconnect()
        await client.heartbeat("ps-0")
        await client.disconnect()


@law
async def who_watches_is_told_first_who_is_there(world: World) -> None:
    """watching begins with who is there"""
    services = [world.service(0), world.service(1)]
    async with clients(world, 2) as (owner, other):
        for info in services:
            await owner.register(info)
        await comes_to(world, other, services)
        async with other.watch("ps") as events:
            first = [await asyncio.wait_for(anext(events), world.patience_s) for _ in services]
    assert {event.info.id: event for event in first} == {info.id: Added(info) for info in services}


@law
async def events_come_in_order(world: World) -> None:
    """who watches is told of each change: come, changed, gone, come again"""
    info, moved = world.service(0), world.service(0, host="10.0.0.9")
    async with clients(world, 2) as (owner, other), other.watch("ps") as events:
        for step, event in [
            (lambda: owner.register(info), Added(info)),
            (lambda: owner.register(moved), Updated(moved)),
            (lambda: owner.deregister("ps-0"), Removed("ps-0")),
            (lambda: owner.register(info), Added(info)),
        ]:
            await step()
            await told(world, events, [event])


@law
async def a_slow_reader_is_told_the_difference(world: World) -> None:
    """who does not listen for a while is told what is different, not what passed"""
    async with clients(world, 2) as (owner, other), other.watch("ps") as events:
        await owner.register(world.service(0))
        await told(world, events, [Added(world.service(0))])
        await owner.register(world.service(0, host="10.0.0.9"))
        await owner.deregister("ps-0")
        await owner.register(world.service(1))
        await asyncio.sleep(world.patience_s)
        both = {await asyncio.wait_for(anext(events), world.patience_s) for _ in range(2)}
        assert both == {Added(world.service(1)), Removed("ps-0")}


@law
async def watching_ends_with_the_connection(world: World) -> None:
    """who watches is told when the connection is closed"""
    async with clients(world, 1) as (client,), client.watch("ps") as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await client.disconnect()
        with pytest.raises(DiscoveryClosed):
            await asyncio.wait_for(waiting, world.patience_s)


@law
async def a_thousand_are_found(world: World) -> None:
    """a thousand services are found, each where it is"""
    services = [world.service(index) for index in range(MANY)]
    async with clients(world, 2) as (owner, other):
        for info in services:
            await owner.register(info)
        await comes_to(world, other, services)


@law
async def odd_characters_come_through(world: World) -> None:
    """what is told beside the address comes back letter by letter"""
    info = world.service(0, odd=ODD, lines="one\ntwo\r\n", empty="", long="x" * 1_000)
    async with clients(world, 2) as (owner, other):
        await owner.register(info)
        await comes_to(world, other, [info])


async def _type_serves_or_is_refused(world: World, service_type: str) -> None:
    plain = world.service(0)
    odd = attrs.evolve(plain, id="odd-0", name="odd-0", service_type=service_type)
    refused = ""
    async with clients(world, 1) as (client,):
        await client.register(plain)
        try:
            await client.register(odd)
            await comes_to(world, client, [odd], of=service_type)
        except DiscoveryMisconfigured as exc:
            refused = str(exc)
        await comes_to(world, client, [plain])
    assert not refused or f"'{service_type}'" in refused or f'"{service_type}"' in refused


@law
async def a_dot_in_a_type_does_no_harm(world: World) -> None:
    """a service type with a dot works, or is refused by name"""
    await _type_serves_or_is_refused(world, "ps.0")


@law
async def a_slash_in_a_type_does_no_harm(world: World) -> None:
    """a service type with a slash works, or is refused by name"""
    await _type_serves_or_is_refused(world, "ps/0")


@law
async def a_value_that_is_no_address_is_named(world: World) -> None:
    """an entry that is no host:port is told with what it says, instead of passed over"""
    async with clients(world, 1) as (client,):
        await world.plant("ps", 0, "not an address")
        with pytest.raises(DiscoveryError, match="not an address"):
            await client.discover("ps")


@law
async def all_work_ends(world: World) -> None:
    """once all are disconnected, nothing of a client goes on"""
    before = asyncio.all_tasks()
    async with clients(world, 2) as (owner, other):
        await owner.register(world.service(0))
        async with other.watch("ps") as events:
            await asyncio.wait_for(anext(events), world.patience_s)
    assert asyncio.all_tasks() == before
