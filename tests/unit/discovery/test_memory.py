"""Who may take an id that is taken."""

import asyncio

import pytest

from monolith.core.errors import AlreadyRegistered
from monolith.discovery.base import ServiceInfo
from monolith.discovery.memory import InMemory

WORKER = ServiceInfo("worker-0", "worker-0", "worker", "h", 1, {"index": "0"})


@pytest.mark.parametrize("allow_update", [None, "false", "True", "1"])
def test_an_id_is_taken(allow_update):
    """Unless the newcomer says so in exactly one word; that, all backends share."""
    said = {} if allow_update is None else {"allow_update": allow_update}
    newcomer = ServiceInfo("worker-0", "worker-0", "other", "h", 2, said)

    async def play():
        backend = InMemory()
        await backend.connect()
        await backend.register(WORKER)
        with pytest.raises(AlreadyRegistered, match=r"^Service already registered: worker-0$") as caught:
            await backend.register(newcomer)
        assert caught.value.service == "worker-0"
        return await backend.discover("worker")

    assert asyncio.run(play()) == [WORKER]
