"""Every law, on every backend that needs no server. What one cannot is expected, and printed."""

import pytest

from tests.conformance.here import WORLDS
from tests.conformance.judging import judge
from tests.conformance.laws import LAWS


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_law(world, name, tmp_path):
    judge(world(tmp_path), name)
