"""kazoo behind the seam: its threads call back, and everything goes on upon the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from kazoo.client import KazooClient
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.retry import KazooRetry
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE

from monolith.discovery.zk_client import Hear, Heard, Node, Refused, Watcher

CLOSE_WITHIN_S = (
    0.15  # then it goes on by itself: a role has little time to leave, and nothing depends on this
)
CONNECT_WITHIN_S = 2.0  # one attempt
RETRY_AT_MOST_S = 0.5  # between two attempts to connect
log = logging.getLogger(__name__)
# kazoo shows credentials in its details, and complains of each attempt to connect: what matters, we tell.
log.addFilter(lambda record: record.levelno >= logging.ERROR)


class Kazoo:
    """A `zk_client.Client`; made on the event loop, on which it is used and calls back."""

    def __init__(
        self, hosts: str, session_s: float, auth: Sequence[tuple[str, str]] | None, hear: Hear
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._hear = hear
        self._private = bool(auth)
        self._client = KazooClient(
            hosts,
            session_s,
            handler=_Impatient(),
            auth_data=auth,
            connection_retry=KazooRetry(max_tries=-1, max_delay=RETRY_AT_MOST_S),
            logger=log,
        )
        self._client.add_listener(self._told)

    @property
    def last_change(self) -> int:
        return int(self._client.last_zxid)

    async def newest_change(self) -> int:
        await self._ask("sync", "/", self._client.sync_async)
        return self.last_change

    def start(self) -> None:
        self._client.start_async()

    async def close(self) -> None:
        ended = asyncio.Event()

        def end() -> None:
            with contextlib.suppress(Exception):  # it is given up in any case
                self._client.stop()
                self._client.close()
            self._call(ended.set)

        # Not on the loop's pool, whose threads a program waits for before it ends.
        threading.Thread(target=end, name="zookeeper-close", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), CLOSE_WITHIN_S)

    async def children(self, path: str, watch: Watcher | None = None) -> list[str]:
        names: list[str] = await self._ask(
            "list_children", path, self._client.get_children_async, self._on(watch)
        )
        return names

    async def get(self, path: str, watch: Watcher | None = None) -> Node | None:
        try:
            value, stat = await self._ask("get_data", path, self._client.get_async, self._on(watch))
        except Refused as exc:
            if exc.code == "NoNode":
                return None
            raise
        return Node(value, stat.version, stat.ephemeralOwner, stat.ctime / 1000)

    async def make_folder(self, path: str, *, shared: bool) -> None:
        try:
            await self._ask("create", path, self._client.create_async, b"", self._acl(shared=shared))
        except Refused as exc:
            if exc.code != "NodeExists":
                raise

    async def create(self, path: str, value: bytes) -> None:
        await self._ask("create", path, self._client.create_async, value, self._acl(), True)

    async def set(self, path: str, value: bytes, version: int) -> None:
        await self._ask("set_data", path, self._client.set_async, value, version)

    async def replace(self, path: str, value: bytes, version: int) -> None:
        both = self._client.transaction()
        both.delete(path, version)
        both.create(path, value, self._acl(), True)
        results = await self._ask("create", path, lambda _: both.commit_async())
        for result in results:
            if isinstance(result, Exception) and _code(result) not in _FOR_ANOTHER:
                raise Refused("create", path, _code(result))

    async def delete(self, path: str, version: int) -> None:
        await self._ask("delete", path, self._client.delete_async, version)

    async def _ask(self, operation: str, path: str, begin: Callable[..., Any], *args: object) -> Any:
        """What `begin(path, *args)`, which gives one of kazoo's asynchronous results, comes to."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        try:
            begin(path, *args).rawlink(lambda result: self._call(_settle, answer, result))
            return await answer
        except Exception as exc:  # kazoo's own, and those of Python for arguments that it does not like
            raise Refused(operation, path, _code(exc)) from exc

    def _told(self, state: str) -> None:
        """Called on the thread that reads from the server: no blocking here."""
        known = self._client.client_id
        self._call(self._hear, Heard(state), known[0] if known else 0)

    def _on(self, watch: Watcher | None) -> _OnLoop | None:
        return _OnLoop(self._call, watch) if watch else None

    def _acl(self, *, shared: bool = False) -> Any:
        return CREATOR_ALL_ACL if self._private and not shared else OPEN_ACL_UNSAFE

    def _call(self, what: Callable[..., object], *args: object) -> None:
        """Have the loop call `what`, if it still runs."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *args)


class _Impatient(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo is not typed
    """Gives up an attempt to connect before the session timeout, which is as long as kazoo would wait.

    A server that is just starting may take a connection and never answer on it.
    """

    def create_connection(self, *args: Any, timeout: float, **how: Any) -> Any:
        return super().create_connection(*args, timeout=min(timeout, CONNECT_WITHIN_S), **how)

    def select(self, reads: Sequence[Any], writes: Any, errors: Any, timeout: float) -> Any:
        waits_for_one_answer = len(reads) == 1  # where it waits for whatever may come, there is a second
        limit = min(timeout, CONNECT_WITHIN_S) if waits_for_one_answer else timeout
        return super().select(reads, writes, errors, limit)


_FOR_ANOTHER = ("RolledBack", "RuntimeInconsistency")  # of a transaction: not this part is to blame


@attrs.frozen
class _OnLoop:
    """A watcher that kazoo may call; equal for equal watchers, of which kazoo then keeps one."""

    call: Callable[..., None]
    watch: Watcher

    def __call__(self, _event: object) -> None:
        self.call(self.watch)


def _settle(answer: asyncio.Future[Any], result: Any) -> None:
    if answer.done():  # nobody waits any more
        return
    if result.exception is None:
        answer.set_result(result.value)
    else:
        answer.set_exception(result.exception)


def _code(exc: Exception) -> str:
    """ZooKeeper's word for it; where it has none, what was said."""
    named = type(exc).__module__ == "kazoo.exceptions"
    return type(exc).__name__.removesuffix("Error") if named else str(exc) or repr(exc)
