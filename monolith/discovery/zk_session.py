"""What we know of our session, and what to do about a node: decisions without a clock or a server. Pure."""

from __future__ import annotations

from enum import StrEnum, auto

import attrs

from monolith.discovery.zk_client import Heard, Node


class Link(StrEnum):
    """How the connection stands."""

    OPENING = auto()
    UP = auto()
    DOWN = auto()  # nobody answers; the session may outlive that
    LOST = auto()  # for so long that the server has forgotten us, or would if it were there


@attrs.define
class Session:
    """Follows the connection; times are seconds on any clock that only goes forward.

    The client library says that a session is lost only when a server tells it so. One that is gone, frozen or
    wiped never does: after `patience_s` without an answer the session counts as lost all the same.
    """

    patience_s: float
    link: Link = Link.OPENING
    current: int = 0
    ours: set[int] = attrs.field(factory=set)  # all sessions that this process has had
    silent_since: float | None = None

    def hear(self, said: Heard, session: int, now: float) -> None:
        """Take in what the client says."""
        match said:
            case Heard.CONNECTED:
                self.link, self.current, self.silent_since = Link.UP, session, None
                self.ours.add(session)
            case Heard.SUSPENDED if self.link is Link.UP:
                self.link, self.silent_since = Link.DOWN, now
            case Heard.EXPIRED if self.link is not Link.LOST:
                self.link = Link.DOWN  # the client begins another session by itself
                self.silent_since = now if self.silent_since is None else self.silent_since

    @property
    def deadline(self) -> float | None:
        """When patience ends; None while there is no need for it."""
        waiting = self.link is Link.DOWN and self.silent_since is not None
        return self.silent_since + self.patience_s if waiting else None  # type: ignore[operator]

    def give_up(self) -> None:
        """Patience has ended."""
        self.link = Link.LOST

    def silence(self, now: float) -> float:
        """For how many seconds nobody has answered."""
        return now - self.silent_since if self.silent_since is not None else 0.0


class Act(StrEnum):
    """What brings a node closer to what is wanted."""

    NOTHING = auto()
    CREATE = auto()
    SET = auto()
    REPLACE = auto()
    DELETE = auto()


def decide(wanted: bytes | None, node: Node | None, session: Session, *, claim: bool) -> Act:
    """What to do about `node`, which should hold `wanted`, or if that is None should not be there.

    A node ends with the session that made it. So one that an earlier session has left, of this process or of
    one that was restarted, is made anew and not written to: it would vanish minutes later. A stranger's node
    is replaced only by one who comes and claims the place; whoever was there yields to a successor.
    """
    ours = node is not None and node.owner in session.ours
    if wanted is None:
        return Act.DELETE if ours else Act.NOTHING
    if node is None:
        return Act.CREATE
    if node.owner != session.current:
        return Act.REPLACE if ours or claim else Act.NOTHING
    return Act.NOTHING if node.value == wanted else Act.SET
