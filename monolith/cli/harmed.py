"""How a failpoint gets into a role: what the role uses is wrapped, so that the role itself knows nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monolith.core.failpoint import Failpoint, Point
from monolith.runner.part import World

if TYPE_CHECKING:
    from monolith.discovery.base import Discovery
    from monolith.ps.api import Shard
    from monolith.runner.part import Server, Ways

DISCOVERY = {
    "connect": Point.CONNECT,
    "register": Point.REGISTER,
    "discover": Point.DISCOVER,
    "deregister": Point.DEREGISTER,
    "disconnect": Point.DISCONNECT,
}
SHARD = {"connect": Point.PS_CONNECT, "gather": Point.BARRIER}
SERVER = {"start": Point.SERVER}


def harmed(discovery: Discovery, ways: Ways, failpoint: Failpoint | None) -> tuple[Discovery, Ways]:
    """What a role is given, so that it comes to harm at `failpoint`; the same where there is none."""
    if failpoint is None:
        return discovery, ways
    world = World(**ways)

    def connect_shards(addresses: Sequence[str]) -> list[Shard]:
        return [_Harmed(shard, SHARD, failpoint) for shard in world.connect_shards(addresses)]

    def serve(*how: Any) -> Server:
        return _Harmed(world.serve(*how), SERVER, failpoint)

    train = failpoint.before(Point.TRAINING, world.train)
    return _Harmed(discovery, DISCOVERY, failpoint), {
        **ways,
        "connect_shards": connect_shards,
        "serve": serve,
        "train": train,
    }


class _Harmed:
    """`inner`, where each method of `points` comes after its point."""

    def __init__(self, inner: object, points: Mapping[str, Point], failpoint: Failpoint) -> None:
        self._inner = inner
        self._points = points
        self._failpoint = failpoint

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._failpoint.before(self._points[name], found) if name in self._points else found
