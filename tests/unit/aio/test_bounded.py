"""Coming back in time, with the operation's name."""

import asyncio

import pytest

from monolith.aio.bounded import bounded
from monolith.core.errors import DiscoveryClosed, MonolithError, OperationFailed, OperationTimedOut
from monolith.testing.virtual_time import run


async def answer() -> int:
    return 42


def refuse() -> None:
    raise OSError("x")


async def cancel_itself() -> None:
    raise asyncio.CancelledError


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
    assert run(outcome(answer))[0] == 42


@pytest.mark.parametrize("call", [lambda: asyncio.sleep(100), stubborn])
def test_comes_back_in_time(call: object) -> None:
    error, seconds = run(outcome(call))
    assert isinstance(error, OperationTimedOut)
    assert str(error) == "Timed out during discovery operation: look up x after 5000ms"
    assert (error.after_ms, seconds) == (5000, 5.0)


def failing(exc: Exception) -> object:
    async def fail() -> None:
        raise exc

    return fail


@pytest.mark.parametrize(
    ("call", "caught", "said"),
    [
        (failing(DiscoveryClosed("x")), DiscoveryClosed, "x"),
        (failing(OSError("x")), OperationFailed, "x"),
        (failing(KeyError()), OperationFailed, "KeyError()"),
        (refuse, OperationFailed, "x"),
        (lambda: None, OperationFailed, "object NoneType can't be used in 'await' expression"),
        (cancel_itself, OperationFailed, "look up x was cancelled from within"),
    ],
)
def test_whatever_is_raised_is_told(call: object, caught: type[Exception], said: str) -> None:
    error, _ = run(outcome(call))
    assert type(error) is caught
    assert str(error) == said
