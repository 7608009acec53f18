"""The batches of one reading: windows of blocks, read, mixed and cut to size."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from monolith.core.batch import Batch
from monolith.core.errors import DataError, RecordCorrupt
from monolith.core.records import read_record_at
from monolith.core.schema import Schema
from monolith.data.order import Place, Window, windows
from monolith.data.reading import Bookmark, Reading
from monolith.data.rows import cut, joined, sized, take


class ShardBatches:
    """Reads the `places` of one worker out of `folder`, as `Batches` promises."""

    set_aside = 0  # what is not right was refused when the dataset was made

    def __init__(self, schema: Schema, folder: Path, places: list[Place], reading: Reading) -> None:
        self._schema = schema
        self._folder = folder
        self._places = places
        self._reading = reading
        rows = sum(place.block.rows for place in places)
        self._per_epoch = -(-rows // reading.batch_size)
        self.position = min(reading.start, self.total)
        self._given = self._all()

    @property
    def total(self) -> int:
        """Batches in this worker's whole reading."""
        return self._per_epoch * self._reading.epochs

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch = next(self._given)
        self.position += 1
        return batch

    def bookmark(self, given: int) -> Bookmark:
        """Where to go on after the first `given` batches."""
        begun = min(self._reading.start, self.total)
        return Bookmark(position=begun + given, offsets=self._reading.offsets)

    def saved(self, given: int) -> None:
        """Nobody watches."""

    def close(self) -> None:
        self._given.close()

    def _all(self) -> Generator[Batch, None, None]:
        while self.position < self.total:
            epoch, skipped = divmod(self.position, self._per_epoch)
            size = self._reading.batch_size
            yield from sized(self._epoch(epoch, skipped * size), size)

    def _epoch(self, epoch: int, skip: int) -> Iterator[Batch]:
        """The windows of one epoch after its first `skip` rows; those wholly skipped are not read."""
        for window in windows(self._places, self._reading, epoch):
            if skip < window.rows:
                yield cut(self._load(window), skip, window.rows)
            skip = max(skip - window.rows, 0)

    def _load(self, window: Window) -> Batch:
        batch = joined([self._read(place) for place in window.places])
        if window.seed is None:
            return batch
        return take(batch, np.random.default_rng(window.seed).permutation(len(batch)))

    def _read(self, place: Place) -> Batch:
        from monolith.wire.examples import parse_example_batch  # brings a compiler: not for --help

        path, block = self._folder / place.file, place.block
        try:
            with path.open("rb") as file:
                payload = read_record_at(file, path, block.offset)
        except RecordCorrupt as exc:
            exc.add_note("The dataset was cut short or altered after it was made: make it again.")
            raise
        except OSError as exc:
            raise DataError(f"cannot be read ({exc.strerror})", path=path, offset=block.offset) from exc
        try:
            batch = parse_example_batch(payload, self._schema)
        except DataError as exc:
            raise type(exc)(str(exc), path=path, offset=block.offset) from exc
        if len(batch) != block.rows:
            said = f"the record has {len(batch)} rows, the index says {block.rows}"
            raise DataError(said, path=path, offset=block.offset)
        return batch
