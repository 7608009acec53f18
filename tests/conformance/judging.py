"""A law, tried in a world: kept, or broken for the reason that the world gives."""

from __future__ import annotations

import pytest

from tests.conformance.laws import LAWS
from tests.conformance.world import World


def judge(world: World, name: str) -> None:
    """Fail if the law `name` is broken in `world`, or kept though the world says that it cannot."""
    why = world.cannot.get(name)
    if why is None:
        world.run(LAWS[name](world))
        return
    try:
        world.run(LAWS[name](world))
    except (Exception, pytest.fail.Exception):
        pytest.xfail(f"{world.name}: {why}")
    pytest.fail(f"{world.name} keeps {name}, though it says: {why}")
