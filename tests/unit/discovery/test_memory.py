"""Who may take an id that is taken."""

import asyncio

import pytest

from monolith.core.errors import AlreadyRegistered
from monolith.discovery.base import ServiceInfo
from monolith.discovery.memory import InMemory

WORKER = ServiceInfo("worker-0", "worker-0", "worker", "h", 1, {"index": "0"})


@pytest.mark.parametrize("allow_update", [None, "false", "True", "1"])
def test_an_id_is_taken(allow_update):
    """And stays it: the refused one has nothing to take away."""
    said = {} if allow_update is None else {"allow_update": allow_update}
    newcomer = ServiceInfo("worker-0", "worker-0", "other", "h", 2, said)

    async def play():
        board = {}
        first, second = InMemory(board), InMemory(board)
        await first.connect()
        await second.connect()
        await first.register(WORKER)
        with pytest.raises(AlreadyRegistered, match=r"^Service already registered: worker-0$") as caught:
            await second.register(newcomer)
        assert caught.value.service == "worker-0"
        await second.deregister("worker-0")
        return await first.discover("worker")

    assert asyncio.run(play()) == [WORKER]
