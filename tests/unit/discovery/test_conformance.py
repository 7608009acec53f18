"""What every backend promises. A new backend is one more parameter."""

import asyncio

import attrs
import pytest

from monolith.core.errors import DiscoveryClosed, ServiceNotFound
from monolith.core.names import Role, ServiceId
from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.host_files import HostFiles
from monolith.discovery.memory import InMemory
from monolith.discovery.mlp import Mlp
from monolith.discovery.named import Named
from monolith.discovery.tf_config import TfConfig
from tests.upstream import vectors

PS0 = ServiceInfo.of(ServiceId(Role.PS, 0), "ps", "10.0.0.1:50051", allow_update="true")
PS1 = ServiceInfo.of(ServiceId(Role.PS, 1), "ps", "[::1]:50051", allow_update="true")
MOVED = ServiceInfo.of(ServiceId(Role.PS, 0), "ps", "10.0.0.9:50051", allow_update="true")


@pytest.fixture(params=["memory", "host files"])
def backend(request, tmp_path):
    """A function that gives one more client of the same backend."""
    board = {}
    return {"memory": lambda: InMemory(board), "host files": lambda: HostFiles(tmp_path)}[request.param]


@pytest.fixture(params=[InMemory, HostFiles, TfConfig, Mlp])
def client(request, tmp_path):
    """One of each, also of those where nobody has to register."""
    given = {HostFiles: [tmp_path], TfConfig: [{"ps": ()}, "ps", 0], Mlp: [{}]}.get(request.param, [])
    made = request.param(*given)
    return made if isinstance(made, Backend) else Named(made)


def seen(backend, *steps, of="ps"):
    """What another client discovers once `steps` were called on a connected one."""

    async def play():
        mine, other = backend(), backend()
        await mine.connect()
        await other.connect()
        for name, *args in steps:
            await getattr(mine, name)(*args)
        await mine.disconnect()
        return sorted(await other.discover(of), key=lambda info: info.index)

    return asyncio.run(play())


def test_nobody_is_there_at_first(backend):
    assert seen(backend) == []


def test_the_registered_are_found(backend):
    assert seen(backend, ("register", PS1), ("register", PS0)) == [PS0, PS1]


@pytest.mark.parametrize("vector", vectors("service_discovery"))
def test_what_others_promise_holds(backend, vector):
    async def play():
        client, answers = backend(), []
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


def test_a_restarted_one_takes_its_place(backend):
    assert seen(backend, ("register", PS0), ("register", MOVED)) == [MOVED]


def test_the_deregistered_are_gone(backend):
    assert seen(backend, ("register", PS0), ("register", PS1), ("deregister", "ps-0")) == [PS1]


@pytest.mark.parametrize("successor", [MOVED, attrs.evolve(PS0)], ids=["elsewhere", "at the same address"])
def test_deregister_spares_a_successor(backend, successor):
    async def play():
        first, second = backend(), backend()
        for client, info in [(first, PS0), (second, successor)]:
            await client.connect()
            await client.register(info)
        await first.deregister("ps-0")
        return await second.discover("ps")

    assert asyncio.run(play()) == [successor]


@pytest.mark.parametrize("before", [(), (("register", PS0), ("deregister", "ps-0"))], ids=["never", "twice"])
def test_there_must_be_something_to_deregister(backend, before):
    with pytest.raises(ServiceNotFound, match=r"^Service not found: ps-0$") as caught:
        seen(backend, *before, ("deregister", "ps-0"))
    assert caught.value.service == "ps-0"


def test_what_others_registered_stays(backend):
    async def play():
        owner, stranger = backend(), backend()
        await owner.connect()
        await stranger.connect()
        await owner.register(PS0)
        with pytest.raises(ServiceNotFound):
            await stranger.deregister("ps-0")
        return await stranger.discover("ps")

    assert asyncio.run(play()) == [PS0]


def test_a_heartbeat_changes_nothing(backend):
    assert seen(backend, ("register", PS0), ("heartbeat", "ps-0")) == [PS0]


OPERATIONS = {
    "register": lambda client: client.register(PS0),
    "discover": lambda client: client.discover("ps"),
    "deregister": lambda client: client.deregister("ps-0"),
    "heartbeat": lambda client: client.heartbeat("ps-0"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("opened", [False, True], ids=["before connect", "after disconnect"])
def test_a_closed_client_refuses(client, operation, opened):
    async def play():
        if opened:
            await client.connect()
            await client.disconnect()
        await OPERATIONS[operation](client)

    with pytest.raises(DiscoveryClosed, match=f"cannot {operation} .*ps.* is not connected"):
        asyncio.run(play())


def test_it_can_be_opened_again(client):
    async def play():
        await client.disconnect()
        for _ in range(2):
            await client.connect()
            await client.heartbeat("ps-0")
            found = await client.discover("ps")
            await client.disconnect()
            await client.disconnect()
        return found

    assert asyncio.run(play()) == []


def test_two_roles_can_share_it(client):
    """The one that leaves first does not close it for the other."""

    async def play():
        await client.connect()
        await client.connect()
        await client.disconnect()
        return await client.discover("ps")

    assert asyncio.run(play()) == []
