"""Servers and workers over real sockets, in one process, through every door."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from monolith import Role, RunConfig, RunnerConfig
from monolith.core.arrays import as_fids
from monolith.core.errors import BarrierTimedOut, ConfigError, MonolithError
from monolith.core.stop import Stop
from monolith.discovery.memory import Board, InMemory
from monolith.ps.client import PsClient
from monolith.runner import (
    DistributedRunConfig,
    run_distributed,
    run_distributed_from_run_config,
    run_distributed_from_runner_config,
)
from monolith.table.config import Segment, Sgd, TableConfig, Zeros

BIND = "127.0.0.1:0"
WITHIN_S = 60.0  # a server may have to compile first
Door = Callable[..., Coroutine[Any, Any, Any]]


def through_runner(board: Board, role: Role, told: dict[str, Any], **ways: Any) -> Coroutine[Any, Any, Any]:
    return run_distributed(InMemory(board), DistributedRunConfig(RunnerConfig(**told), role, BIND), **ways)


def through_runner_config(
    board: Board, role: Role, told: dict[str, Any], **ways: Any
) -> Coroutine[Any, Any, Any]:
    return run_distributed_from_runner_config(
        InMemory(board), RunnerConfig(**told), role, BIND, environ={}, **ways
    )


def through_run_config(
    board: Board, role: Role, told: dict[str, Any], **ways: Any
) -> Coroutine[Any, Any, Any]:
    return run_distributed_from_run_config(
        InMemory(board), RunConfig(**told), None, role, BIND, environ={}, **ways
    )


DOORS = pytest.mark.parametrize("door", [through_runner, through_runner_config, through_run_config])


@contextlib.asynccontextmanager
async def servers(door: Door, board: Board, told: dict[str, Any]) -> AsyncIterator[None]:
    """Two servers that can be found; afterwards they have ended well and left nothing behind."""
    stop = Stop()
    ready: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for index in range(2):
            group.create_task(
                door(board, Role.PS, {**told, "index": index}, stop=stop, ready=ready.put_nowait)
            )
        async with asyncio.timeout(WITHIN_S):
            for _ in range(2):
                await ready.get()
        try:
            yield
        finally:
            stop.ask()
    assert not board


async def train(client: PsClient) -> list[float]:
    """Make a table, and learn something in it."""
    await client.create_tables({"emb": TableConfig([Segment(2, Zeros(), Sgd(learning_rate=1.0))])})
    fids = as_fids([1, 2])
    grads = (await client.lookup({"emb": fids}))["emb"] - 1.0
    await client.apply({"emb": (fids, grads)})
    return [float(v) for v in (await client.lookup({"emb": fids}))["emb"].sum(axis=1)]


@DOORS
def test_everyone_meets_trains_and_leaves(door: Door) -> None:
    told = {"num_ps": 2, "num_workers": 2, "connect_retries": 20, "barrier_timeout_ms": 20_000}
    told |= {"discovery_service_type_ps": "shards", "discovery_service_type_worker": "trainers"}

    async def main() -> list[list[float]]:
        board: Board = {}
        async with servers(door, board, told):
            workers = [door(board, Role.WORKER, {**told, "index": i}, train=train) for i in range(2)]
            return await asyncio.gather(*workers)

    trained = asyncio.run(main())
    assert all(sum(values) >= 4.0 for values in trained)  # each saw at least its own step


@DOORS
def test_nobody_else_comes(door: Door) -> None:
    told = {"num_ps": 2, "num_workers": 2, "barrier_timeout_ms": 200}

    async def main() -> None:
        board: Board = {}
        async with servers(door, board, told):
            with pytest.raises(BarrierTimedOut) as caught:
                await door(board, Role.WORKER, told, train=train)
        assert str(caught.value) == "Barrier timeout"
        assert caught.value.missing == (1,)

    asyncio.run(main())


def test_a_server_everywhere_is_found_where_it_says() -> None:
    async def main() -> str:
        stop, found = Stop(), asyncio.Queue[str]()
        config = DistributedRunConfig(
            RunnerConfig(num_ps=1), Role.PS, "0.0.0.0:0", advertise_addr="127.0.0.1:0"
        )
        board: Board = {}
        serving = asyncio.ensure_future(
            run_distributed(InMemory(board), config, stop=stop, ready=found.put_nowait)
        )
        async with asyncio.timeout(WITHIN_S):
            address = await found.get()
        (info,) = board.values()
        assert info.address == address
        worker = DistributedRunConfig(RunnerConfig(num_ps=1))
        await run_distributed(InMemory(board), worker, train=train)
        stop.ask()
        await serving
        return address

    assert asyncio.run(main()).startswith("127.0.0.1:")


@pytest.mark.parametrize("taken", [True, False])
def test_a_port_that_is_taken_is_told(taken: bool) -> None:
    async def main() -> None:
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        bind = f"127.0.0.1:{port}" if taken else "127.0.0.1:70000"
        config = DistributedRunConfig(RunnerConfig(num_ps=1), Role.PS, bind)
        with pytest.raises(MonolithError) as caught:
            await run_distributed(InMemory(), config)
        assert bind in str(caught.value)
        assert isinstance(caught.value, ConfigError) is not taken
        listener.close()

    asyncio.run(main())
