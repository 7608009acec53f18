"""A dataset is a folder: a schema, and per split record files with an index of their blocks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import attrs

from monolith.core.errors import DataError, SchemaError
from monolith.core.schema import Schema
from monolith.data.batches import ShardBatches
from monolith.data.index import Index
from monolith.data.order import share
from monolith.data.reading import Batches, Reading

SCHEMA = "schema.toml"
SPLITS = ("train", "valid", "test")


@attrs.frozen
class Dataset:
    """An open dataset. Opening reads the schema and the indices, not the rows."""

    schema: Schema
    folder: Path
    indices: Mapping[str, Index]

    @staticmethod
    def open(folder: Path | str) -> Dataset:
        """The dataset in `folder`.

        Raises:
            DataError: there is none, or a file is missing or not the size the index says.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise DataError(
                "there is no such folder: `monolith data get` or `convert` makes one", path=folder
            )
        schema = load_schema(folder / SCHEMA)
        return Dataset(schema, folder, {split: Index.load(folder / split) for split in SPLITS})

    def rows(self, split: str) -> int:
        """How many rows `split` has."""
        return self._index(split).rows

    def batches(self, reading: Reading) -> Batches:
        """What `reading` asks for.

        Raises:
            DataError: there is no such split. While reading: a record is damaged, or not as the schema says.
        """
        places = share(self._index(reading.split), reading.worker, reading.num_workers)
        return ShardBatches(self.schema, self.folder / reading.split, places, reading)

    def _index(self, split: str) -> Index:
        try:
            return self.indices[split]
        except KeyError:
            raise DataError(f"there is no split {split!r} (splits: {', '.join(SPLITS)})") from None


def load_schema(path: Path) -> Schema:
    """The schema in a TOML file.

    Raises:
        SchemaError: the file cannot be read, is not TOML, or is no schema.
    """
    try:
        return Schema.from_dict(tomllib.loads(path.read_text()))
    except FileNotFoundError as exc:
        raise SchemaError("there is no schema here", path=path) from exc
    except (OSError, ValueError) as exc:
        raise SchemaError(f"the schema cannot be read ({exc})", path=path) from exc
    except SchemaError as exc:
        raise SchemaError(str(exc), path=path) from exc
