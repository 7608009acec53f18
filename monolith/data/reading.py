"""What a worker asks of a dataset, and what it gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import attrs

from monolith.core.batch import Batch
from monolith.core.errors import ConfigError
from monolith.core.schema import Schema


@attrs.frozen(kw_only=True)
class Bookmark:
    """Where a worker goes on reading: in a dataset, and in streams. To read one leaves the other alone."""

    position: int = 0  # batches of its share of a dataset, over all epochs
    offsets: Mapping[str, int] = attrs.field(factory=dict)  # topic/partition → offset of its next message


@attrs.frozen(kw_only=True)
class Reading:
    """Which part of a dataset one worker reads, how, and from where.

    The same reading gives the same batches, byte for byte. Over all `num_workers` workers every row of the
    split is read `epochs` times. Each epoch ends with what is left, so its last batch may be short.

    Raises:
        ConfigError: a number that cannot be.
    """

    split: str = "train"
    batch_size: int = 512
    seed: int = 0
    shuffle: bool = True
    worker: int = 0
    num_workers: int = 1
    epochs: int = 1
    start: int = 0  # batches to skip: where a resumed job goes on
    offsets: Mapping[str, int] = attrs.field(factory=dict, hash=False)  # where it goes on in streams

    def __attrs_post_init__(self) -> None:
        least = {"batch_size": 1, "num_workers": 1, "epochs": 0, "start": 0, "seed": 0, "worker": 0}
        said = [
            f"{n}={getattr(self, n)}: must be >= {low}" for n, low in least.items() if getattr(self, n) < low
        ]
        if self.worker >= self.num_workers:
            said.append(f"worker={self.worker}: must be < num_workers={self.num_workers}")
        if said:
            raise ConfigError(said)


class Batches(Protocol):
    """Batches in order. `close` ends the reading early and frees what it holds.

    A batch of a stream may be without rows: nothing came for a while, which a reader may want to know.
    """

    @property
    def position(self) -> int:
        """Batches given so far, counting those that `start` skipped, and not those without rows."""

    @property
    def total(self) -> int | None:
        """Batches in this worker's whole reading; None: nobody knows."""

    @property
    def set_aside(self) -> int:
        """Messages that could not be learned from, of those read so far."""

    def __iter__(self) -> Iterator[Batch]: ...
    def __next__(self) -> Batch: ...

    def bookmark(self, given: int) -> Bookmark:
        """Where to go on after the first `given` batches of this reading; `given` never gets smaller."""

    def saved(self, given: int) -> None:
        """Be told that what the first `given` batches taught is in a checkpoint."""

    def close(self) -> None: ...


class Source(Protocol):
    """What a training reads."""

    @property
    def schema(self) -> Schema: ...

    def rows(self, split: str) -> int:
        """How many rows `split` has, as far as that is known."""

    def batches(self, reading: Reading) -> Batches: ...
