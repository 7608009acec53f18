"""A backend of strangers: it raises anything, returns garbage, answers late, or twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from monolith import Role, RunnerConfig, ServiceInfo
from monolith.core.errors import OperationFailed, RestoreDirEmpty, ShardsNotFound
from monolith.ps.client import PsClient
from monolith.ps.shard import LocalShard
from monolith.runner import DistributedRunConfig, run_distributed, run_distributed_from_runner_config
from monolith.testing import virtual_time

PS = ServiceInfo("ps-0", "ps-0", "ps", "10.0.0.1", 1000, {"index": "0"})
CONFIG = RunnerConfig(num_ps=1, connect_retries=1)


class Stranger:
    """Six coroutines, each of which may be replaced."""

    def __init__(self, **instead: Callable[..., Any]) -> None:
        self.calls: list[str] = []
        self._instead = instead

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any) -> Any:
            self.calls.append(name)
            instead = self._instead.get(name, lambda *_: [PS] if name == "discover" else None)
            answer = instead(*args)
            return await answer if asyncio.iscoroutine(answer) else answer

        return call


async def train(client: PsClient) -> str:
    return f"trained on {client.num_shards}"


def work(stranger: Stranger, config: RunnerConfig = CONFIG) -> tuple[Any, float]:
    """What a worker gives or raises, and the seconds it takes."""

    async def main() -> Any:
        try:
            return await run_distributed(
                stranger,
                DistributedRunConfig(config),
                train=train,
                connect_shards=lambda addresses: [LocalShard(i) for i, _ in enumerate(addresses)],
            )
        except Exception as exc:
            return exc

    return virtual_time.run(main())


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any) -> None:
        raise error

    return fail


def test_a_worker_gives_what_training_gave() -> None:
    assert work(Stranger())[0] == "trained on 1"


@pytest.mark.parametrize("step", ["connect", "register"])
@pytest.mark.parametrize("error", [OSError("odd text: {}%s"), KeyError("x"), ValueError("")], ids=repr)
def test_foreign_texts_appear_unchanged(step: str, error: Exception) -> None:
    said, _ = work(Stranger(**{step: raising(error)}))
    assert type(said) is OperationFailed
    assert str(said) == (str(error) or repr(error))
    assert said.__cause__ is error


@pytest.mark.parametrize("garbage", [None, 5, "ps-0", {"ps": 1}, [None], [PS, "10.0.0.1:1000"]], ids=repr)
def test_garbage_is_named(garbage: object) -> None:
    said, _ = work(Stranger(discover=lambda _: garbage))
    assert type(said) is ShardsNotFound
    assert "last discovery error: discover worker-0 for ps gave " in str(said)


def test_the_same_server_twice_is_one() -> None:
    assert work(Stranger(discover=lambda _: [PS, PS]))[0] == "trained on 1"


def test_an_answer_after_its_time_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def late(_info: object) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # and then it answers after all
            raise OSError("too late") from None

    stranger = Stranger(register=late)
    said, seconds = work(stranger)
    assert str(said).startswith("Timed out during discovery operation: register worker-0 as worker")
    assert seconds == 5.0
    assert stranger.calls[-2:] == ["deregister", "disconnect"]


def test_shards_that_cannot_be_made_are_told() -> None:
    async def main() -> None:
        await run_distributed(
            Stranger(), DistributedRunConfig(CONFIG), connect_shards=raising(TypeError("no shards"))
        )

    with pytest.raises(TypeError, match="no shards"):
        virtual_time.run(main())


def test_what_cannot_be_restored_stops_it_before_it_connects(tmp_path: Path) -> None:
    stranger = Stranger()
    config = RunnerConfig(num_ps=1, restore_dir=tmp_path, model_dir=tmp_path / "m")
    run = run_distributed_from_runner_config(stranger, config, Role.WORKER, "127.0.0.1:0")
    with pytest.raises(RestoreDirEmpty):
        asyncio.run(run)
    assert stranger.calls == []
