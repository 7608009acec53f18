"""Every law, on a real ZooKeeper."""

import pytest

from tests.conformance.judging import judge
from tests.conformance.laws import LAWS
from tests.conformance.zookeeper import RealZooKeeperWorld


@pytest.mark.parametrize("name", LAWS)
def test_law(name, shared_zookeeper):
    world = RealZooKeeperWorld(shared_zookeeper)
    try:
        judge(world, name)
    finally:
        world.close()
