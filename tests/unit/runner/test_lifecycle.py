"""A backend of strangers: it raises anything, returns garbage, answers late, or twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from monolith import Role, RunnerConfig, ServiceInfo
from monolith.core.errors import (
    BackendFailed,
    ConfigError,
    OperationFailed,
    PsError,
    RestoreDirEmpty,
    ShardsNotFound,
    Stopped,
)
from monolith.core.stop import Stop
from monolith.ps.api import Shard
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


def work(
    stranger: Stranger, config: RunnerConfig = CONFIG, shards: Sequence[Shard] = ()
) -> tuple[Any, float]:
    """What a worker gives or raises, and the seconds it takes."""

    async def main() -> Any:
        try:
            return await run_distributed(
                stranger,
                DistributedRunConfig(config),
                train=train,
                connect_shards=lambda addresses: (
                    list(shards) or [LocalShard(i) for i, _ in enumerate(addresses)]
                ),
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


WRONG: list[dict[str, Any]] = [{"host": None}, {"host": ""}, {"host": b"h"}, {"port": "x"}]
NOWHERE = [attrs.evolve(PS, **wrong) for wrong in WRONG]
GARBAGE = [None, 5, "ps-0", {"ps": 1}, [None], [PS, "10.0.0.1:1000"], *([one] for one in NOWHERE)]


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_garbage_is_named(garbage: object) -> None:
    said, _ = work(Stranger(discover=lambda _: garbage))
    assert type(said) is ShardsNotFound
    assert "last discovery error: discover worker-0 for ps gave " in str(said)


def test_more_servers_than_needed_are_not_asked() -> None:
    others = [attrs.evolve(PS, id=f"ps-{i}", host=f"10.0.0.{i}", metadata={"index": str(i)}) for i in (1, 2)]
    assert work(Stranger(discover=lambda _: [*others, PS]))[0] == "trained on 1"
    unnumbered = [attrs.evolve(one, metadata={}) for one in (*others, PS)]
    assert work(Stranger(discover=lambda _: unnumbered))[0] == "trained on 1"


def test_an_error_raised_again_says_no_more_than_before() -> None:
    """A backend may raise one and the same object of ours everywhere, and in the next run too."""
    again = BackendFailed("no agent")
    fails = raising(again)
    said, _ = work(Stranger(register=fails, deregister=fails, disconnect=fails))
    assert said is again
    assert str(said) == (
        "Internal error: no agent (discovery cleanup encountered issues after role error: "
        "deregister worker-0 from worker: Internal error: no agent; "
        "disconnect worker-0 via worker: Internal error: no agent)"
    )
    assert str(work(Stranger(register=fails))[0]) == "Internal error: no agent"


class Odd(LocalShard):
    """Notes that it was closed; may take its time to connect, fail at it, or fail to be closed."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None, *, stays: bool = False) -> None:
        super().__init__(0)
        self.closed = False
        self._seconds, self._error, self._stays = seconds, error, stays

    async def connect(self) -> None:
        await asyncio.sleep(self._seconds)
        if self._error:
            raise self._error

    async def close(self) -> None:
        self.closed = True
        if self._stays:
            raise OSError("cannot be closed")


@pytest.mark.parametrize("error", [None, PsError("boom"), OSError("boom")], ids=repr)
def test_shards_are_connected_at_once_and_let_go(error: Exception | None) -> None:
    shards = [Odd(3.0, error), Odd(4.0)]
    both = [PS, attrs.evolve(PS, id="ps-1", port=1001, metadata={"index": "1"})]
    config = attrs.evolve(CONFIG, num_ps=2)
    said, seconds = work(Stranger(discover=lambda _: both), config, shards)
    assert str(said) == ("Connection failed to 10.0.0.1:1000: boom" if error else "trained on 2")
    assert seconds == (3.0 if error else 4.0)
    assert all(shard.closed for shard in shards)


def test_a_shard_that_cannot_be_closed_spoils_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert work(Stranger(), shards=[Odd(stays=True)])[0] == "trained on 1"
    assert "Failed to close connections of worker-0: cannot be closed" in caplog.messages


@pytest.mark.parametrize(
    ("bind", "advertise", "told"),
    [
        ("127.0.0.1:4711", None, "127.0.0.1:0"),
        ("[::1]:0", None, "[::1]:0"),
        ("0.0.0.0:0", "host-a:9", "host-a:0"),
    ],
)
def test_a_worker_is_known_at_no_port(bind: str, advertise: str | None, told: str) -> None:
    seen: list[ServiceInfo] = []
    run = run_distributed_from_runner_config(
        Stranger(register=seen.append),
        CONFIG,
        Role.WORKER,
        bind,
        connect_shards=lambda _: [Odd()],
        advertise_addr=advertise,
        environ={},
    )
    virtual_time.run(run)
    assert [info.address for info in seen] == [told]


def test_training_that_takes_no_notice_is_cut_short() -> None:
    stop = Stop()

    async def endless(_client: PsClient) -> None:
        asyncio.get_running_loop().call_later(1.0, stop.ask)
        await asyncio.sleep(10**6)

    run = run_distributed(
        Stranger(), DistributedRunConfig(CONFIG), train=endless, connect_shards=lambda _: [Odd()], stop=stop
    )

    async def main() -> Stopped:
        with pytest.raises(Stopped, match="its training had not ended 120 s later") as caught:
            await run
        return caught.value

    assert virtual_time.run(main())[1] == 121.0


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


def test_what_is_refused_has_changed_nothing(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-1"\n')
    config = RunnerConfig(num_ps=0, restore_dir=tmp_path, model_dir=tmp_path / "m")
    environ: dict[str, str] = {}
    with pytest.raises(ConfigError):
        asyncio.run(
            run_distributed_from_runner_config(
                Stranger(), config, Role.WORKER, "127.0.0.1:0", environ=environ
            )
        )
    assert not (tmp_path / "m").exists()


def test_a_stop_ends_the_wait_for_a_checkpoint(tmp_path: Path) -> None:
    stop = Stop()
    config = RunnerConfig(is_local=False, num_ps=2, index=1, restore_dir=tmp_path, model_dir=tmp_path / "m")

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.05, stop.ask)
        await run_distributed_from_runner_config(
            Stranger(), config, Role.PS, "127.0.0.1:0", environ={}, stop=stop
        )

    with pytest.raises(Stopped, match="ps-1 was asked to stop before it restored"):
        asyncio.run(main())


def test_what_cannot_be_restored_stops_it_before_it_connects(tmp_path: Path) -> None:
    stranger = Stranger()
    config = RunnerConfig(num_ps=1, restore_dir=tmp_path, model_dir=tmp_path / "m")
    run = run_distributed_from_runner_config(stranger, config, Role.WORKER, "127.0.0.1:0")
    with pytest.raises(RestoreDirEmpty):
        asyncio.run(run)
    assert stranger.calls == []
