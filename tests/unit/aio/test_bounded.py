"""Coming back in time, with the operation's name."""

import asyncio

import pytest

from monolith.aio.bounded import bounded
from monolith.core.errors import DiscoveryClosed, MonolithError, OperationFailed, OperationTimedOut
from monolith.testing.virtual_time import run


async def answer() -> int:
    return 42


async def stubborn() -> None:
    """Ignores its first cancellation."""
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        await asyncio.sleep(50)


async def outcome(call: object, ms: int = 5000) -> object:
    try:
        return await bounded("look up x", call, ms=ms)  # type: ignore[arg-type]
    except MonolithError as exc:
        return exc


def test_gives_the_result() -> None:
    assert run(outcome(answer()))[0] == 42


@pytest.mark.parametrize("call", [lambda: asyncio.sleep(100), stubborn])
def test_comes_back_in_time(call: object) -> None:
    error, seconds = run(outcome(call()))  # type: ignore[operator]
    assert isinstance(error, OperationTimedOut)
    assert str(error) == "Timed out during discovery operation: look up x after 5000ms"
    assert (error.after_ms, seconds) == (5000, 5.0)


async def fail(exc: Exception) -> None:
    raise exc


@pytest.mark.parametrize(
    ("raised", "caught"), [(DiscoveryClosed("x"), DiscoveryClosed), (OSError("x"), OperationFailed)]
)
def test_foreign_errors_are_named(raised: Exception, caught: type[Exception]) -> None:
    error, _ = run(outcome(fail(raised)))
    assert type(error) is caught
    assert str(error) == "x"
