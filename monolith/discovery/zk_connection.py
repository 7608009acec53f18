"""A connection to ZooKeeper that comes back, be it in another session or to a server that was wiped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from monolith.aio.background import Background
from monolith.core.errors import BackendFailed, BackendUnreachable, BackendWiped, DiscoveryError
from monolith.discovery.zk_client import Client, Hear, Heard, Refused
from monolith.discovery.zk_session import Link, Session

T = TypeVar("T")
LOST_AT_MOST_AFTER_S = 20.0  # so that a server which refuses us for ever is named within half a minute
ANSWER_WITHIN_S = 4.0  # less than a role gives to an operation, so that it is we who say what is wrong
AGAIN_S = 0.02  # a client fails its requests a moment before it says why
_LEVEL = {Heard.CONNECTED: logging.INFO, Heard.SUSPENDED: logging.WARNING, Heard.EXPIRED: logging.WARNING}
log = logging.getLogger(__name__)


@attrs.frozen
class Patience:
    """How long to wait for what, in seconds."""

    session_s: float = 30.0  # the server forgets who is silent for so long
    answer_s: float = ANSWER_WITHIN_S  # of one operation

    @property
    def lost_s(self) -> float:
        return min(self.session_s, LOST_AT_MOST_AFTER_S)


class Connection:
    """One client at a time. Once opened, `arrived` is awaited whenever a session begins, or goes on."""

    def __init__(
        self,
        hosts: str,
        make: Callable[[Hear], Client],
        patience: Patience,
        arrived: Callable[[], Awaitable[None]],
    ) -> None:
        self.session = Session(patience.lost_s)
        self.wiped: BackendWiped | None = None  # what to tell, once
        self._who = f"ZooKeeper at {hosts}"
        self._make = make
        self._patience = patience
        self._arrived = arrived
        self._client: Client | None = None
        self._opened = False
        self._newest = 0  # change that any of our clients was told of
        self._changed = asyncio.Event()  # replaced each time the link changes
        self._timer: asyncio.TimerHandle | None = None
        self._work = Background()

    async def open(self) -> None:
        """Connect for the first time.

        Raises:
            BackendUnreachable
        """
        self._begin()
        try:
            await self._until_up(self._now() + self._patience.answer_s)
        except TimeoutError as exc:
            said = f"no answer from {self._who} within {self._patience.answer_s:g} s"
            raise BackendUnreachable(f"ZK connect failed: {said}") from exc
        self._opened = True

    async def close(self) -> None:
        """End the session, or at least try to."""
        if self._timer:
            self._timer.cancel()
        client, self._client = self._client, None
        self.session.link, self._opened = Link.OPENING, False
        self._tell()
        await self._work.cancel()
        if client:
            await client.close()

    async def ask(self, what: str, call: Callable[[Client], Awaitable[T]]) -> T:
        """The result of `call`, which is made again where the connection broke under it: it must bear that.

        Raises:
            BackendUnreachable: no answer within the budget, or the session is lost.
            BackendFailed: the server refuses.
        """
        patience = self._now() + self._patience.answer_s
        try:
            while True:
                await self._until_up(patience)
                assert self._client
                try:
                    async with asyncio.timeout_at(patience):
                        return await call(self._client)
                except Refused as exc:
                    if not exc.cut_off:
                        raise BackendFailed(str(exc)) from exc
                    await asyncio.sleep(AGAIN_S)
                finally:
                    self._note()
        except TimeoutError as exc:
            said = f"ZK {what} failed: no answer from {self._who} within {self._patience.answer_s:g} s"
            raise BackendUnreachable(said) from exc

    async def _until_up(self, patience: float) -> None:
        async with asyncio.timeout_at(patience):
            while self.session.link is not Link.UP:
                if self.session.link is Link.LOST:
                    raise BackendUnreachable(self._silence())
                if self._client is None:
                    raise BackendUnreachable("ZK client not connected")
                await self._changed.wait()

    def _silence(self) -> str:
        silent = self.session.silence(self._now())
        return f"{self._who} has not answered for {silent:.0f} s; what was registered is lost until it does"

    def _begin(self) -> None:
        """Let a new client try for ever; what the one before still says is no longer heard."""

        def hear(said: Heard, session: int) -> None:
            if client is self._client:
                self._hear(said, session)

        client = self._client = self._make(hear)
        client.start()

    def _hear(self, said: Heard, session: int) -> None:
        log.log(_LEVEL[said], "%s: %s", self._who, said.value.lower())
        self._note()
        if said is Heard.CONNECTED and self.session.link is Link.LOST:
            self._work.do(self._recognise(session))
        else:
            self._take_in(said, session)

    def _take_in(self, said: Heard, session: int) -> None:
        self.session.hear(said, session, self._now())
        if said is Heard.CONNECTED and self._opened:
            self._work.do(self._arrive())
        if self._timer:
            self._timer.cancel()
        due = self.session.deadline
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._give_up)
        self._tell()

    def _give_up(self) -> None:
        """Begin anew. It may be just this client that is refused: a wiped server does so to whom it knew."""
        self.session.give_up()
        log.error("%s", self._silence())
        before = self._client
        self._begin()
        if before:
            self._work.do(before.close())
        self._tell()

    async def _recognise(self, session: int) -> None:
        """Before anything else happens in a client that was begun anew: see what the servers still know."""
        client = self._client
        assert client
        try:
            async with asyncio.timeout(self._patience.answer_s):
                newest = await client.newest_change()
        except (Refused, TimeoutError):
            return  # it will say when it is connected again
        if newest < self._newest:
            self.wiped = BackendWiped(
                f"{self._who} has lost what it knew: its newest change is {newest:#x}, we have seen "
                f"{self._newest:#x}. It was wiped, or restored from an old copy; we register anew"
            )
            log.error("%s", self.wiped)
            self._newest = newest
        self._take_in(Heard.CONNECTED, session)

    async def _arrive(self) -> None:
        try:
            await self._arrived()
        except DiscoveryError as exc:
            log.error("%s is back, but: %s", self._who, exc)  # noqa: TRY400  # our sentence says it all

    def _note(self) -> None:
        self._newest = max(self._newest, self._client.last_change if self._client else 0)

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
