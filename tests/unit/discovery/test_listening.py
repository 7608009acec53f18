"""Of a platform's list, those who are there."""

import asyncio

import pytest

from monolith.core.address import Address
from monolith.discovery.base import ServiceInfo
from monolith.discovery.listening import AT_ONCE, Listening, who_answers
from monolith.discovery.tf_config import TfConfig
from monolith.testing import virtual_time

PLATFORM = TfConfig({"ps": ("a:1", "b:2", "[::1]:3"), "worker": ("w:0",)}, "ps", 0)


@pytest.mark.parametrize(
    ("service_type", "found"), [("ps", [1, 2]), ("my_ps", [1, 2]), ("worker", [0]), ("my_worker", [0])]
)
def test_parameter_servers_must_listen(service_type, found):
    """Shards keep their index when one before them is not there; workers are not asked."""
    roles = {"my_ps": "ps", "my_worker": "worker"}

    async def answers(address):
        return address in {Address("b", 2), Address("::1", 3)}

    async def play():
        backend = Listening(TfConfig(PLATFORM.cluster, "ps", 0, roles), roles, answers)
        await backend.connect()
        return [info.index for info in await backend.discover(service_type)]

    assert asyncio.run(play()) == found


def test_not_all_are_asked_at_once():
    asked = []

    async def answers(address):
        asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        return True

    services = [ServiceInfo.listed("ps", index, "h:1") for index in range(AT_ONCE + 1)]
    assert virtual_time.run(who_answers(services, answers)) == ([True] * len(services), 2.0)
    assert asked == [0.0] * AT_ONCE + [1.0]
