"""What a public dataset is to us."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator

import attrs
import numpy as np

from monolith.core.schema import Schema
from monolith.data.raw import Chunk, Column
from monolith.data.sources import Source

_CHUNK_ROWS = 65_536


@attrs.frozen(kw_only=True)
class Recipe:
    """`rows` gives the columns that the schema names, out of the opened source; it draws with a seed."""

    source: Source
    schema: Schema
    rows: Callable[[zipfile.ZipFile, int], dict[str, Column]]

    def chunks(self, archive: zipfile.ZipFile, seed: int) -> Callable[[], Iterator[Chunk]]:
        """The rows in pieces, as `data.convert` reads them."""
        columns = self.rows(archive, seed)
        total = len(next(iter(columns.values())))

        def pieces() -> Iterator[Chunk]:
            for at in range(0, total, _CHUNK_ROWS):
                piece = {name: values[at : at + _CHUNK_ROWS] for name, values in columns.items()}
                yield Chunk(piece, self.schema.name, at + 1)

        return pieces


def matched(keys: Column, held: Column) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each of `keys` its place in `held`, -1 where it is not there."""
    order = np.argsort(held, kind="stable")
    places = np.searchsorted(held, keys, sorter=order).clip(max=len(held) - 1)
    return np.where(held[order[places]] == keys, order[places], -1)


def looked_up(values: Column, places: Column) -> Column:
    """`values[places]` as objects, None where a place is -1."""
    found = values.astype(object)[places]
    found[places < 0] = None
    return found
