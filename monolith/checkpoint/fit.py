"""Whether a model may go on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monolith.checkpoint.manifest import Manifest
from monolith.core.errors import CheckpointMismatch
from monolith.table.config import TableConfig
from monolith.table.optimizer_config import plain


def must_fit(manifest: Manifest, model: str, tables: Mapping[str, TableConfig], model_dir: Path) -> None:
    """Refuse a checkpoint whose rows mean something else to `model`.

    Learning rates and initializers may change, the length of a row and the kind of its optimizers may not.
    Tables that only one of the two has are not judged.

    Raises:
        CheckpointMismatch: the checkpoint is another model's, or a table's rows have another layout.
    """
    must_be_of(manifest, model, model_dir)
    for name in sorted(tables.keys() & manifest.tables.keys()):
        saved, wanted = _layout(manifest.tables[name]), _layout(tables[name])
        if saved != wanted:
            raise CheckpointMismatch(
                f"checkpoint-{manifest.step} has rows of {saved} in table {name!r}, where the model wants "
                f"{wanted}: choose another model directory",
                path=model_dir,
            )


def must_be_of(manifest: Manifest, model: str, model_dir: Path) -> None:
    """Raises CheckpointMismatch if the checkpoint is not `model`'s."""
    if manifest.model != model:
        raise CheckpointMismatch(
            f"checkpoint-{manifest.step} belongs to model {manifest.model!r}, not {model!r}: "
            "choose another model directory",
            path=model_dir,
        )


def _layout(table: TableConfig) -> str:
    """What decides the length and meaning of a row: `8 values (Adagrad) + 1 values (Ftrl)`."""
    return " + ".join(f"{s.dim} values ({type(plain(s.optimizer)).__name__})" for s in table.segments)
