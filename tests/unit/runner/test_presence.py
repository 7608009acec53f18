"""A serving process is registered while it serves, whatever becomes of the backend meanwhile."""

from __future__ import annotations

import asyncio
import logging

import pytest

from monolith.core.address import Address
from monolith.core.errors import DiscoveryMisconfigured
from monolith.discovery.base import ServiceInfo
from monolith.discovery.memory import InMemory
from monolith.runner.presence import Manners, be_found, replica_info
from monolith.sync.follower import MODEL
from monolith.testing import virtual_time
from monolith.testing.faulty_discovery import Fault, FaultyDiscovery

INFO = replica_info("serving", Address("10.0.0.7", 8500), "ctr")


def test_an_address_makes_an_index() -> None:
    assert replica_info("serving", Address("10.0.0.7", 8500), "ctr") == INFO
    assert INFO.index != replica_info("serving", Address("10.0.0.7", 8501), "ctr").index
    assert replica_info("serving", Address("h", 1), "ctr", 3).id == "serving-3"
    assert (INFO.service_type, INFO.address, INFO.metadata[MODEL]) == ("serving", "10.0.0.7:8500", "ctr")


def test_it_is_there_while_it_serves() -> None:
    async def main() -> None:
        board: dict[str, ServiceInfo] = {INFO.id: INFO}  # left behind by one that was killed
        task = asyncio.create_task(be_found(InMemory(board), INFO))
        await asyncio.sleep(100)
        assert board == {INFO.id: INFO}
        task.cancel()
        await asyncio.wait({task})
        assert board == {}

    virtual_time.run(main())


@pytest.mark.parametrize("step", ["connect", "register"])
def test_what_goes_wrong_is_told_once_and_tried_again(step: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        board: dict[str, ServiceInfo] = {}
        faulty = FaultyDiscovery(InMemory(board), **{step: Fault.FAILS})
        task = asyncio.create_task(be_found(faulty, INFO))
        await asyncio.sleep(60)
        faulty.faults.clear()
        await asyncio.sleep(Manners().retry_s)
        assert board == {INFO.id: INFO}
        task.cancel()
        await asyncio.wait({task})

    virtual_time.run(main())
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


def test_what_can_never_be_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(InMemory):
        async def _put(self, info: ServiceInfo) -> None:
            raise DiscoveryMisconfigured("this backend takes nobody")

    assert virtual_time.run(be_found(Deaf(), INFO))[1] == 0
    assert (
        f"{INFO.id} cannot be found by who pushes: Configuration error: this backend takes nobody"
        in caplog.text
    )


def test_signs_of_life_are_given() -> None:
    async def main() -> None:
        faulty = FaultyDiscovery(InMemory())
        task = asyncio.create_task(be_found(faulty, INFO, Manners(heartbeat_s=10)))
        await asyncio.sleep(35)
        task.cancel()
        await asyncio.wait({task})
        assert faulty.calls == ["connect", "register", *3 * ["heartbeat"], "deregister", "disconnect"]

    virtual_time.run(main())
