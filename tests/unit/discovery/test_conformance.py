"""What every backend promises. A new backend is one more parameter."""

import asyncio

import pytest

from monolith.core.errors import DiscoveryClosed
from monolith.discovery.base import ServiceInfo
from monolith.discovery.host_files import HostFiles
from monolith.discovery.memory import InMemory

PS0 = ServiceInfo("ps-0", "ps", 0, "10.0.0.1:50051")
PS1 = ServiceInfo("ps-1", "ps", 1, "10.0.0.2:50051")
MOVED = ServiceInfo("ps-0", "ps", 0, "10.0.0.9:50051")
WORKER = ServiceInfo("worker-0", "worker", 0, "")


@pytest.fixture(params=["memory", "host files"])
def backend(request, tmp_path):
    """A function that gives one more client of the same backend."""
    board = {}
    return {"memory": lambda: InMemory(board), "host files": lambda: HostFiles(tmp_path)}[request.param]


def seen(backend, *steps, of="ps"):
    """What another client discovers once `steps` were called on a connected one."""

    async def play():
        mine, other = backend(), backend()
        await mine.connect()
        await other.connect()
        for name, info in steps:
            await getattr(mine, name)(info)
        await mine.disconnect()
        return sorted(await other.discover(of), key=lambda info: info.index)

    return asyncio.run(play())


def test_nobody_is_there_at_first(backend):
    assert seen(backend) == []


def test_the_registered_are_found(backend):
    assert seen(backend, ("register", PS1), ("register", PS0)) == [PS0, PS1]


def test_types_are_kept_apart(backend):
    assert seen(backend, ("register", PS0), ("register", WORKER), of="worker") == [WORKER]


def test_a_restarted_one_takes_its_place(backend):
    assert seen(backend, ("register", PS0), ("register", MOVED)) == [MOVED]


def test_the_deregistered_are_gone(backend):
    assert seen(backend, ("register", PS0), ("register", PS1), ("deregister", PS0)) == [PS1]


def test_deregister_spares_a_successor(backend):
    assert seen(backend, ("register", PS0), ("register", MOVED), ("deregister", PS0)) == [MOVED]


def test_deregister_of_nothing_is_nothing(backend):
    assert seen(backend, ("deregister", PS0), ("deregister", PS0)) == []


def test_a_heartbeat_changes_nothing(backend):
    assert seen(backend, ("register", PS0), ("heartbeat", PS0)) == [PS0]


OPERATIONS = {
    "register": lambda client: client.register(PS0),
    "discover": lambda client: client.discover("ps"),
    "deregister": lambda client: client.deregister(PS0),
    "heartbeat": lambda client: client.heartbeat(PS0),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("opened", [False, True], ids=["before connect", "after disconnect"])
def test_a_closed_client_refuses(backend, operation, opened):
    async def play():
        client = backend()
        if opened:
            await client.connect()
            await client.disconnect()
        await OPERATIONS[operation](client)

    with pytest.raises(DiscoveryClosed, match=f"cannot {operation} .*ps.* is not connected") as caught:
        asyncio.run(play())
    assert caught.value.operation.startswith(operation)


def test_it_can_be_opened_again(backend):
    async def play():
        client = backend()
        await client.disconnect()
        for _ in range(2):
            await client.connect()
            found = await client.discover("ps")
            await client.disconnect()
            await client.disconnect()
        return found

    assert asyncio.run(play()) == []
