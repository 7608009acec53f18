"""What a worker asks of a dataset, and what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from monolith.core.batch import Batch
from monolith.core.errors import ConfigError


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
