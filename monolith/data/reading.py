"""What a worker asks of a dataset, and what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from monolith.core.batch import Batch


@attrs.frozen(kw_only=True)
class Reading:
    """Which part of a dataset one worker reads, how, and from where.

    The same reading gives the same batches, byte for byte. Over all `num_workers` workers every row of the
    split is read `epochs` times. Each epoch ends with what is left, so its last batch may be short.
    """

    split: str = "train"
    batch_size: int = 512
    seed: int = 0
    shuffle: bool = True
    worker: int = 0
    num_workers: int = 1
    epochs: int = 1
    start: int = 0  # batches to skip: where a resumed job goes on


class Batches(Protocol):
    """Batches in order. `close` ends the reading early and frees what it holds."""

    @property
    def position(self) -> int:
        """Batches given so far, counting those that `start` skipped."""

    @property
    def total(self) -> int:
        """Batches in this worker's whole reading."""

    def __iter__(self) -> Iterator[Batch]: ...
    def __next__(self) -> Batch: ...
    def close(self) -> None: ...
