"""A failpoint happens where it is, tells so first, and is nothing elsewhere."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from monolith.core.errors import ConfigError
from monolith.core.failpoint import VARIABLE, Failpoint, Point


async def answer(number: int, *, more: int) -> int:
    return number + more


async def at(point: Point, failpoint: Failpoint) -> int:
    return await failpoint.before(point, answer)(1, more=2)


def told_by(text: str) -> tuple[Failpoint, list[str]]:
    said: list[str] = []
    failpoint = Failpoint.of({VARIABLE: text}, said.append)
    assert failpoint
    return failpoint, said


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}], ids=["unset", "empty"])
def test_no_failpoint_unless_asked(environ: dict[str, str]) -> None:
    assert Failpoint.of(environ, print) is None


def test_other_points_are_left_alone() -> None:
    failpoint, _ = told_by("runner.before_register=fail")
    assert failpoint.before(Point.CONNECT, answer) is answer


@pytest.mark.parametrize(
    ("how", "text"), [("fail", "failed on purpose"), ("fail:disk: full", "disk: full")], ids=["fail", "text"]
)
def test_fail_raises_after_it_was_told(how: str, text: str) -> None:
    failpoint, said = told_by(f"runner.before_register={how}")
    with pytest.raises(RuntimeError, match=f"^{text}$"):
        asyncio.run(at(Point.REGISTER, failpoint))
    assert said == ["failpoint runner.before_register reached"]


def test_hold_ends_when_its_file_appears(tmp_path: Path) -> None:
    file = tmp_path / "go: on"
    failpoint, _ = told_by(f"runner.before_barrier=hold:{file}")

    async def play() -> int:
        held = asyncio.ensure_future(at(Point.BARRIER, failpoint))
        await asyncio.sleep(0.02)
        assert not held.done()
        file.touch()
        return await asyncio.wait_for(held, 10)

    assert asyncio.run(play()) == 3


def test_a_hold_can_be_called_off() -> None:
    failpoint, said = told_by("runner.before_barrier=hold")

    async def play() -> None:
        await asyncio.wait_for(at(Point.BARRIER, failpoint), 0.02)

    with pytest.raises(TimeoutError):
        asyncio.run(play())
    assert said


def test_kill_leaves_no_time_for_anything() -> None:
    program = f"""
import asyncio
from monolith.core.failpoint import Failpoint, Point
failpoint = Failpoint.of({{"{VARIABLE}": "runner.before_connect=kill"}}, lambda text: print(text, flush=True))
try:
    asyncio.run(failpoint.before(Point.CONNECT, asyncio.sleep)(0))
finally:
    print("cleaned up")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (-9, "failpoint runner.before_connect reached\n")


@pytest.mark.parametrize("text", ["runner.before_lunch=hold", "runner.before_register=nap", "kill"])
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{VARIABLE}={text}: must be .*runner.before_disconnect$"):
        told_by(text)
