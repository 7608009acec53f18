"""A dataset is a folder: a schema, and per split record files with an index of their blocks."""

from __future__ import annotations

from pathlib import Path

import attrs

from monolith.core.schema import Schema
from monolith.data.reading import Batches, Reading


@attrs.frozen
class Dataset:
    """An open dataset. Opening reads the schema and the indices, not the rows."""

    schema: Schema
    folder: Path

    @staticmethod
    def open(folder: Path | str) -> Dataset:
        """The dataset in `folder`.

        Raises:
            DataError: there is none, or a file is missing or not the size the index says.
        """
        raise NotImplementedError

    def rows(self, split: str) -> int:
        """How many rows `split` has."""
        raise NotImplementedError

    def batches(self, reading: Reading) -> Batches:
        """What `reading` asks for, an iterator of Batch with `.position` and `.total`."""
        raise NotImplementedError
