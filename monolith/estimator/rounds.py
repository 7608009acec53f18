"""How the workers of a job share the steps. Pure decisions: the same notes, the same result."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

import attrs

from monolith.data.reading import Bookmark
from monolith.metrics.streaming import Quality
from monolith.metrics.tally import Tallies, Tally

STREAM_ROUND_S = 5.0  # longest round on a stream: so long a worker may wait for one that has nothing to read


@attrs.frozen(kw_only=True)
class Place:
    """Which worker of how many; worker 0 is the chief, who saves."""

    worker: int = 0
    num_workers: int = 1

    @property
    def chief(self) -> bool:
        return self.worker == 0


@attrs.frozen(kw_only=True)
class Note:
    """What one worker tells the others when they meet at the end of a round."""

    bookmark: Bookmark  # where it goes on reading
    steps: int  # batches trained in this round
    exhausted: bool  # nothing is left to read
    stopping: bool  # someone asked this worker to stop, or a hook did
    quality: Quality  # of the predictions of this round
    replicas: Tallies = attrs.field(factory=dict)  # what replicas predicted of it
    event_time_s: int = 0  # the latest of this round's examples, since 1970; 0: they have none
    set_aside: int = 0  # messages that could not be learned from

    def to_bytes(self) -> bytes:
        counted = {name: tally.to_bytes() for name, tally in self.replicas.items()}
        sizes = {name: len(data) for name, data in counted.items()}
        bookmark = attrs.asdict(self.bookmark)
        counts = [self.steps, self.exhausted, self.stopping, self.event_time_s, self.set_aside]
        head = [bookmark, *counts, sizes]
        body = b"".join([*counted.values(), self.quality.to_bytes()])
        # Histograms shrink to a seventh, and everyone is sent those of all.
        return json.dumps(head).encode() + b"\n" + zlib.compress(body, level=1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Note:
        head, _, packed = data.partition(b"\n")
        bookmark, steps, exhausted, stopping, event_time_s, set_aside, sizes = json.loads(head)
        body, at, replicas = zlib.decompress(packed), 0, {}
        for name, size in sizes.items():
            replicas[name] = Tally.from_bytes(body[at : at + size])
            at += size
        return cls(
            bookmark=Bookmark(**bookmark),
            steps=steps,
            exhausted=exhausted,
            stopping=stopping,
            quality=Quality.from_bytes(body[at:]),
            replicas=replicas,
            event_time_s=event_time_s,
            set_aside=set_aside,
        )


@attrs.frozen(kw_only=True)
class Pace:
    """How far a round may go: to the next multiple of `save_steps`, if any, at most to `target`.

    Of a stream nobody knows who has how much. There a round ends after `lasts_s`, whoever has done his share
    by then, and shares are rounded up, so that none of them waits for the one who has nothing to read.
    """

    save_steps: int  # 0: save at the end only
    target: int | None
    lasts_s: float | None = None  # seconds; None: as long as it takes

    def reached(self, step: int) -> bool:
        return self.target is not None and step >= self.target

    def saves(self, step: int, saved: int) -> bool:
        """Whether a round that ends at `step`, not the last one, ends with a save after that at `saved`."""
        return self.save_steps > 0 and step // self.save_steps > saved // self.save_steps

    def shares(self, step: int, active: Sequence[bool]) -> list[int | None]:
        """How many batches each worker trains from `step` on; None: all it has. Who has none left gets 0."""
        left = [self.save_steps - step % self.save_steps] if self.save_steps else []
        left += [max(0, self.target - step)] if self.target is not None else []
        if not left:
            return [None if reads else 0 for reads in active]
        each, more = divmod(min(left), max(1, sum(active)))
        if self.lasts_s is not None and more:
            more = len(active)
        ranks = [sum(active[:worker]) for worker in range(len(active))]
        return [each + (rank < more) if reads else 0 for rank, reads in zip(ranks, active, strict=True)]
