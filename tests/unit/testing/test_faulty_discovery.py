"""The double does what it is told, and nothing else."""

import asyncio

import pytest

from monolith.core.errors import BackendFailed
from monolith.discovery.memory import InMemory
from monolith.testing.faulty_discovery import Fault, FaultyDiscovery


def test_without_faults_it_is_transparent():
    async def play():
        faulty = FaultyDiscovery(InMemory())
        await faulty.connect()
        return await faulty.discover("ps"), faulty.calls

    assert asyncio.run(play()) == ([], ["connect", "discover"])


def test_a_failure_says_that_it_was_forced():
    with pytest.raises(BackendFailed, match=r"^Internal error: forced connect failure$"):
        asyncio.run(FaultyDiscovery(InMemory(), connect=Fault.FAILS).connect())


def test_a_hang_ends_when_cancelled():
    async def play():
        hanging = asyncio.create_task(FaultyDiscovery(InMemory(), disconnect=Fault.HANGS).disconnect())
        await asyncio.sleep(0)
        assert not hanging.done()
        hanging.cancel()
        await hanging

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(play())
