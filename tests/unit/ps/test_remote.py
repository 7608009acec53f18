"""A client of one server, before the server has said who it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from monolith.core.errors import ShardUnavailable
from monolith.ps.link import Link
from monolith.ps.remote import RemoteShard
from monolith.ps.stream import Stream
from monolith.wire import ps_training_pb2 as pb


def test_first_calls_share_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream costs the server a thread for as long as it is open."""
    used = []

    async def greet(*_: Any, **__: Any) -> pb.HealthCheckResponse:
        await asyncio.sleep(0)
        return pb.HealthCheckResponse(incarnation=1, frame_limit=1 << 20)

    async def ask(stream: Stream, *_: Any, **__: Any) -> bytes:
        used.append(stream)
        raise ShardUnavailable("nobody is there", shard=0)

    async def play() -> None:
        shard = RemoteShard("host:1", shard=0)
        await asyncio.gather(shard.lookup([]), shard.lookup([]), return_exceptions=True)

    monkeypatch.setattr(Link, "call", greet)
    monkeypatch.setattr(Stream, "ask", ask)
    asyncio.run(play())
    assert used == [used[0]] * 2
