"""The checkpoints of one model: what a training writes into them, and how it takes it up again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import torch
from numpy.typing import NDArray

from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointMismatch, CheckpointNotFound
from monolith.estimator.dense import load_module, load_optimizer, module_tensors, optimizer_tensors
from monolith.estimator.tables import configs
from monolith.estimator.trainer import Assembled

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient


@attrs.frozen
class Archive:
    """Checkpoints of the model `parts` in the folder of `store`."""

    store: CheckpointStore
    parts: Assembled

    def save(
        self,
        step: int,
        client: BlockingClient,
        optimizer: torch.optim.Optimizer,
        positions: Mapping[int, int],
        about: Mapping[str, Any],
    ) -> None:
        """Have every server write its rows, add the dense part, and commit. Nobody may train meanwhile."""
        folder = self.store.begin(step)
        files = client.save(folder)
        tensors = module_tensors(self.parts.module) | optimizer_tensors(optimizer)
        dense = self.store.write_dense(folder, tensors)
        self.store.commit(
            Manifest(
                step=step,
                model=self.parts.model.name,
                tables=configs(self.parts.tables),
                files=(*files, dense),
                shards=len({file.shard for file in files}) or 1,
                position=dict(positions),
                config={"schema": self.parts.schema.to_dict(), **about},
            )
        )

    def latest(self) -> Manifest | None:
        """The newest complete checkpoint, if there is one.

        Raises:
            CheckpointMismatch: it is another model's.
        """
        manifest = self.store.latest()
        if manifest:
            self._check(manifest)
        return manifest

    def load(self, manifest: Manifest, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Give the module, and `optimizer`, what `manifest` holds for them.

        Raises:
            CheckpointMismatch: the dense part is another model's.
        """
        tensors: Mapping[str, NDArray[Any]] = self.store.load_dense(manifest)
        load_module(self.parts.module, tensors, path=str(self.store.path(manifest.step)))
        if optimizer:
            load_optimizer(optimizer, tensors)

    def restore(self, manifest: Manifest, client: BlockingClient) -> int:
        """Have the servers, however many there are now, take up the rows; how many there are."""
        return client.restore(self.store.folder(manifest.step), manifest.files)

    def _check(self, manifest: Manifest) -> None:
        here = configs(self.parts.tables)
        for name in sorted(here.keys() | manifest.tables.keys()):
            if here.get(name) != manifest.tables.get(name):
                raise CheckpointMismatch(
                    f"was written by model {manifest.model}, whose table {name!r} is "
                    f"{_told(manifest.tables.get(name))}; in {self.parts.model.name} it is "
                    f"{_told(here.get(name))}: give the model it was trained with, or another model directory",
                    path=self.store.path(manifest.step),
                )


def needed(archive: Archive, model_dir: Path) -> Manifest:
    """The newest checkpoint, where one must be.

    Raises:
        CheckpointNotFound: there is none.
    """
    manifest = archive.latest()
    if manifest is None:
        raise CheckpointNotFound("no complete checkpoint here: train first", path=model_dir)
    return manifest


def _told(config: object) -> str:
    return "missing" if config is None else str(config)
