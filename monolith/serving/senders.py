"""Who sends rows, and how far each has come: what of a push is new, what is missing, what is too late.

Every shard of the trained tables has one sender. A sender numbers its pushes, and says which comes after
which; one that is not known, or of which one is missing, has to send everything, for only then is it certain
that nothing was lost. A push that overtakes the one before it is to come again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator

import attrs
import numpy as np

from monolith.core.arrays import Fids, Flags
from monolith.core.errors import EverythingNeeded, InvalidRequest, PushTooEarly
from monolith.wire.pushes import Push

REMEMBERED = 1024  # senders that were replaced


@attrs.define(eq=False)
class Sender:
    """One shard's."""

    name: int
    sequence: int  # of its last push that was applied
    lost: bool = True  # until it sends everything
    as_of_ms: int = 0  # what it had changed until then is here; 0: it has not sent everything yet
    whole_since: int | None = None  # while it sends everything: the stamp that the rows get at least
    named: set[str] = attrs.field(factory=set)  # the tables that came since it began with that

    def holds(self, as_of_ms: int) -> bool:
        """Whether all its rows are here, as new as those of an export as of then."""
        return self.as_of_ms >= max(as_of_ms, 1)


class Senders:
    """The senders of one model's rows, by shard."""

    def __init__(self) -> None:
        self.shards = 0  # 0: nobody has sent anything yet
        self._by_shard: dict[int, Sender] = {}
        self._replaced: deque[int] = deque(maxlen=REMEMBERED)

    def __iter__(self) -> Iterator[Sender]:
        return iter(self._by_shard.values())

    @property
    def complete(self) -> bool:
        """Whether every shard's is known."""
        return len(self._by_shard) == self.shards > 0

    def admit(self, push: Push) -> Sender | None:
        """Whose push it is, if it is to be applied; None if it was already.

        Raises:
            EverythingNeeded: the sender is not known, or what is here is not what this push comes after.
            PushTooEarly: the one that it comes after has not come.
            InvalidRequest: another sender has taken this one's place.
        """
        sender = self._known(push)
        if sender is not None and push.sequence <= sender.sequence:
            return None
        if push.sender in self._replaced:
            raise InvalidRequest(f"another sender has taken over shard {push.shard} of {push.shards}")
        if push.whole_begin and not push.partial:
            return sender or Sender(push.sender, push.sequence - 1)
        if sender is None or sender.lost:
            raise EverythingNeeded("send everything: this sender is not known here")
        _must_follow(push, sender)
        return sender

    def begin(self, sender: Sender, push: Push, stamp: int) -> None:
        """A sender, who may be new, begins to send all of some tables: rows with this stamp or later ones."""
        if push.shards != self.shards:
            self._replace(self._by_shard.values())
            self.shards, self._by_shard = push.shards, {}
        held = self._by_shard.get(push.shard)
        if held is not None and held is not sender:
            self._replace([held])
        self._by_shard[push.shard] = sender
        sender.lost, sender.whole_since, sender.named = False, stamp, set()

    def applied(self, sender: Sender, push: Push) -> None:
        """Everything in the push is here."""
        sender.sequence = push.sequence
        if push.whole_end:
            sender.whole_since = None
        if sender.whole_since is None:
            sender.as_of_ms = max(sender.as_of_ms, push.as_of_ms)

    def of(self, fids: Fids, chosen: Collection[Sender]) -> Flags:
        """Which of the fids (n,) are of the shards of some senders."""
        shards = [shard for shard, sender in self._by_shard.items() if sender in chosen]
        if not shards:
            return np.zeros(len(fids), np.bool_)
        return np.isin(fids % self.shards, shards)

    def keep(self, chosen: Collection[Sender]) -> None:
        """Ask the others for everything. What they sent before is still too late if it comes again."""
        for shard, sender in self._by_shard.items():
            if sender not in chosen:
                self._by_shard[shard] = Sender(sender.name, sender.sequence)

    def _known(self, push: Push) -> Sender | None:
        sender = self._by_shard.get(push.shard) if push.shards == self.shards else None
        return sender if sender is not None and sender.name == push.sender else None

    def _replace(self, senders: Iterable[Sender]) -> None:
        self._replaced.extend(sender.name for sender in senders)


def _must_follow(push: Push, sender: Sender) -> None:
    """Raise where a push does not come after the last that was applied."""
    after = push.sequence - 1 if push.after is None else push.after
    if after > sender.sequence:
        raise PushTooEarly(f"push {push.sequence} comes after {after}, and {sender.sequence} came last")
    if after < sender.sequence:
        came = f"push {push.sequence} comes after {after}, but {sender.sequence} came"
        raise EverythingNeeded(f"send everything: {came}, so it is not certain what is here")


def must_be_numbered(push: Push) -> None:
    """Raise InvalidRequest where a push has no number, or its shard cannot be."""
    if push.sender and push.sequence < 1:
        raise InvalidRequest(f"the push has a sender, and sequence {push.sequence}: it must be 1 or more")
    if not 0 <= push.shard < push.shards:
        raise InvalidRequest(f"the push is of shard {push.shard} of {push.shards}: there is none")
