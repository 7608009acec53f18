"""The checkpoints of one model: what a training writes into them, and how it takes them up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from monolith.checkpoint.fit import Wanted, files_for, moved
from monolith.checkpoint.layout import prefix
from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError, CheckpointMismatch, CheckpointNotFound
from monolith.data.reading import Bookmark
from monolith.estimator.dense import (
    load_module,
    load_optimizer,
    module_tensors,
    optimizer_tensors,
    param_groups,
)
from monolith.estimator.tables import configs
from monolith.estimator.trainer import Assembled

if TYPE_CHECKING:
    from monolith.core.progress import Progress
    from monolith.ps.blocking import BlockingClient

OPTIMIZER = "optimizer"  # the part of a checkpoint with the dense optimizer's state


class Archive:
    """Checkpoints of the model `parts` in `model_dir`."""

    def __init__(
        self, model_dir: Path, parts: Assembled, client: BlockingClient, *, max_to_keep: int = 5
    ) -> None:
        self.store = CheckpointStore(model_dir, max_to_keep=max_to_keep, model=parts.model.name)
        self._parts = parts
        self._client = client

    def save(
        self,
        step: int,
        optimizer: torch.optim.Optimizer,
        bookmarks: Sequence[Bookmark],
        quality: Mapping[str, float],
        config: Mapping[str, Any],
    ) -> None:
        """Have every server write its rows, add the dense part, and commit. Nobody may train meanwhile.

        `bookmarks` say where each worker goes on reading.

        Raises:
            CheckpointError: the disk is full or fails.
        """
        folder, wanted = self.store.begin(step), self._wanted()
        files = self._client.save(folder)
        dense = self.store.write_dense(folder, module_tensors(self._parts.module))
        state = self.store.write_dense(folder, optimizer_tensors(optimizer), OPTIMIZER)
        self.store.commit(
            Manifest(
                step=step,
                model=self._parts.model.name,
                tables=wanted.tables,
                shards=self._client.num_shards,
                files=(*files, dense, state),
                num_workers=len(bookmarks),
                position={worker: mark.position for worker, mark in enumerate(bookmarks)},
                offsets={name: offset for mark in bookmarks for name, offset in mark.offsets.items()},
                param_groups=param_groups(optimizer),
                quality=quality,
                config={"schema": self._parts.schema.to_dict(), "columns": wanted.columns, **config},
            )
        )

    def resume(self) -> Manifest | None:
        """Give the servers the rows, and the module the values, of the newest checkpoint to go on from.

        If there is none, the servers drop what an earlier training may have left with them.

        Raises:
            CheckpointMismatch: it is another model's.
            CheckpointUnreadable: there are checkpoints, and none can be read.
            CheckpointInaccessible: the system cannot read the newest one just now.
        """
        manifest = self.store.resume(self._restore_to_train)
        if manifest is None:
            self._client.restore(self.store.model_dir, ())
        return manifest

    def tell(self, resumed: Manifest | None, progress: Progress) -> None:
        """Say what was passed over, and whose rows are not where the checkpoint has them."""
        self.store.tell(progress)
        if resumed and (said := moved(resumed, self._wanted().columns)):
            progress.say(said)

    def restore_newest(self) -> Manifest:
        """The same, where there must be one, and nobody is going to train: the directory is only read.

        Raises:
            CheckpointNotFound: there is none.
        """
        manifest = self.store.newest(self._restore)
        if manifest is None:
            raise CheckpointNotFound("no checkpoint here: train first", path=self.store.model_dir)
        return manifest

    def load_optimizer(self, step: int, optimizer: torch.optim.Optimizer) -> Manifest:
        """Give `optimizer` its state of `step`."""
        manifest = self.store.get(step)
        load_optimizer(optimizer, self.store.load_dense(manifest, OPTIMIZER))
        return manifest

    def must_be_empty(self) -> None:
        """Raises CheckpointError where a training that starts afresh would write among other checkpoints."""
        if stored := self.store.list():
            raise CheckpointError(
                f"{prefix(stored[-1].step)} is here: resume from it, or choose another model directory",
                path=self.store.model_dir,
            )

    def newest(self) -> str | None:
        """Where to resume from, for people; None also where what is there cannot be read."""
        try:
            manifest = self.store.latest()
        except CheckpointError:
            return None
        return str(self.store.model_dir / prefix(manifest.step)) if manifest else None

    def _restore_to_train(self, manifest: Manifest) -> Manifest:
        """Reads also what each worker loads once all stand at this step: damage must be found before."""
        self.store.load_dense(manifest, OPTIMIZER)
        return self._restore(manifest)

    def _restore(self, manifest: Manifest) -> Manifest:
        files = files_for(manifest, self._wanted(), self.store.model_dir)
        try:
            load_module(self._parts.module, self.store.load_dense(manifest))
        except CheckpointMismatch as exc:
            raise CheckpointMismatch(str(exc), path=self.store.model_dir) from exc
        self._client.restore(self.store.folder(manifest), files)
        return manifest

    def _wanted(self) -> Wanted:
        slots = {feature.name: feature.slot for feature in self._parts.schema.sparse}
        columns = {
            name: {column.name: slots[column.feature] for column in table.columns}
            for name, table in self._parts.tables.items()
        }
        return Wanted(configs(self._parts.tables), columns)
