"""Every law, on a real ZooKeeper."""

import pytest

from tests.conformance.judging import judge
from tests.conformance.laws import LAWS
from tests.conformance.zookeeper import RealZooKeeperWorld


@pytest.mark.parametrize("name", LAWS)
def test_law(name, shared_server):
    world = RealZooKeeperWorld(shared_server)
    try:
        judge(world, name)
    finally:
        world.close()
