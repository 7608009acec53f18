"""ZooKeeper as the backend uses it: a seam, behind which stands kazoo, or what a test has made up."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeAlias

import attrs


@attrs.frozen
class Node:
    """A node: what it holds, how often that was changed, and whose session it ends with (0: nobody's).

    `made_at` is when it was created, in seconds since 1970.
    """

    value: bytes
    version: int
    owner: int
    made_at: float | None = None


class Heard(StrEnum):
    """What a client says of its connection."""

    CONNECTED = "CONNECTED"
    SUSPENDED = "SUSPENDED"  # it may come back to the same session
    EXPIRED = "LOST"  # the server has ended the session, and all that was registered in it


Hear: TypeAlias = Callable[[Heard, int], None]  # gets the session, 0 if there is none, on the event loop
Watcher: TypeAlias = Callable[[], None]  # called once, on the event loop, when what was read may differ


_ASKED = {"NoAuth": ": is ZK_AUTH set, and right?"}  # of what a user can put right


class Refused(Exception):  # only between client and backend, which tells it as one of our tree
    """An operation that did not do what was asked; `code` is ZooKeeper's own word for the reason."""

    def __init__(self, operation: str, path: str, code: str) -> None:
        super().__init__(f"ZK {operation} failed: {code} ({path}){_ASKED.get(code, '')}")
        self.code = code

    @property
    def cut_off(self) -> bool:
        """Whether nobody knows if it was done: ask again once there is a connection."""
        return self.code in ("ConnectionLoss", "SessionExpired", "ConnectionClosed")

    @property
    def overtaken(self) -> bool:
        """Whether somebody was faster: look again."""
        return self.code in ("NodeExists", "NoNode", "BadVersion")


class Client(Protocol):
    """One client with one session at a time. Operations wait for a connection as long as their caller does.

    Raises:
        Refused
    """

    @property
    def last_change(self) -> int:
        """The newest transaction (zxid) that the server has told us of."""

    def start(self) -> None:
        """Begin to connect, and go on trying until `close`."""

    async def close(self) -> None:
        """End the session; comes back soon even where no server answers."""

    async def newest_change(self) -> int:
        """The same, of all that the servers have agreed on until now."""

    async def children(self, path: str, watch: Watcher | None = None) -> list[str]: ...
    async def get(self, path: str, watch: Watcher | None = None) -> Node | None: ...
    async def make_folder(self, path: str, *, shared: bool) -> None:
        """A node that stays. One that is `shared` is open to all; another only to our credentials, if any."""

    async def create(self, path: str, value: bytes) -> None:
        """A node that ends with our session."""

    async def set(self, path: str, value: bytes, version: int) -> None: ...
    async def replace(self, path: str, value: bytes, version: int) -> None:
        """Delete the node of that version and create our own, both or neither."""

    async def delete(self, path: str, version: int) -> None: ...
