"""A point at which a process is made to stand still, to fail or to die, to see what the others do then.

MONOLITH_FAILPOINT says where and how: `runner.before_register=hold`. It is read once, by who starts a role.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import ParamSpec, TypeVar

import attrs

from monolith.core.errors import ConfigError

P = ParamSpec("P")
T = TypeVar("T")
VARIABLE = "MONOLITH_FAILPOINT"
LOOK_EVERY_S = 0.005


class Point(StrEnum):
    """Where in the life of a process."""

    CONNECT = "runner.before_connect"
    SERVER = "runner.before_server"  # a parameter server has not listened yet
    REGISTER = "runner.before_register"
    DISCOVER = "runner.before_discover"
    PS_CONNECT = "runner.before_ps_connect"
    BARRIER = "runner.before_barrier"
    TRAINING = "runner.before_training"
    DEREGISTER = "runner.before_deregister"
    DISCONNECT = "runner.before_disconnect"


async def _hold(file: str) -> None:
    """Until `file` is there; for ever, or until called off, if it has no name."""
    while not (file and Path(file).exists()):
        await asyncio.sleep(LOOK_EVERY_S)


async def _fail(text: str) -> None:
    raise RuntimeError(text or "failed on purpose")


async def _kill(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


HARMS: Mapping[str, Callable[[str], Awaitable[None]]] = {"hold": _hold, "fail": _fail, "kill": _kill}


@attrs.frozen
class Failpoint:
    """What happens to this process at `point`, each time it gets there; `say` is told before."""

    point: Point
    harm: Callable[[str], Awaitable[None]]
    about: str  # of hold the file, of fail the text
    say: Callable[[str], None]

    @classmethod
    def of(cls, environ: Mapping[str, str], say: Callable[[str], None]) -> Failpoint | None:
        """What `environ` asks for.

        Raises:
            ConfigError: there is no such point, or nothing of the kind can happen there.
        """
        if not (text := environ.get(VARIABLE)):
            return None
        point, _, how = text.partition("=")
        harm, _, about = how.partition(":")
        if point not in set(Point) or harm not in HARMS:
            raise ConfigError(
                [
                    f"{VARIABLE}={text}: must be POINT=hold, POINT=hold:FILE, POINT=fail, POINT=fail:TEXT or "
                    f"POINT=kill, where POINT is one of: {', '.join(Point)}"
                ]
            )
        return cls(Point(point), HARMS[harm], about, say)

    def before(self, point: Point, call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """`call`, before which it happens; `call` itself where `point` is another."""
        if point is not self.point:
            return call

        async def harmed(*args: P.args, **named: P.kwargs) -> T:
            self.say(f"failpoint {point} reached")
            await self.harm(self.about)
            return await call(*args, **named)

        return harmed
