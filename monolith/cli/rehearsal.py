"""A worker's first step, rehearsed while it waits for the others: that loads PyTorch and compiles kernels."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from monolith.aio.in_turn import answered
from monolith.core.arrays import Fids, Rows

if TYPE_CHECKING:
    from monolith.data.dataset import Dataset
    from monolith.estimator.tables import PlannedTable
    from monolith.ps.blocking import BlockingClient


class Rehearsal:
    """A step of a model of ours on a row of `data`, in a thread beside; nothing of it stays.

    What goes wrong is not told: training will meet it again, and say it. But for a library that cannot be
    loaded: PyTorch, tried again, complains of the first attempt.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._unloadable: ImportError | None = None
        self._thread = threading.Thread(target=self._run, name="rehearsal", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until it is over: it draws from PyTorch's random source, and takes the processor from who trains.

        Raises:
            ImportError: a library is there, and cannot be loaded.
        """
        self._thread.join()
        if self._unloadable:
            raise self._unloadable

    def _run(self) -> None:
        from monolith.data.dataset import Dataset

        with contextlib.suppress(Exception):
            try:
                rehearse(Dataset.open(self._data))
            except ImportError as exc:
                self._unloadable = exc


def rehearse(dataset: Dataset) -> None:
    """Learn from the first row of `dataset`, without servers; from an empty one if it has only streams.

    Raises:
        DataError: the row cannot be read.
        MissingExtra: PyTorch is not installed.
    """
    from monolith.data.reading import Reading
    from monolith.models.registry import check_torch
    from monolith.serving.columns import empty_batch

    first = Reading(batch_size=1, shuffle=False)
    batch = next(dataset.batches(first)) if dataset.rows("train") else empty_batch(dataset.schema, 1)

    check_torch()
    import torch

    from monolith.estimator.trainer import Trainer, assemble
    from monolith.metrics.streaming import Quality
    from monolith.models.lr import LogisticRegression

    with torch.random.fork_rng(devices=()):  # a model of one's own may draw before its seed is set
        model = LogisticRegression()
        parts = assemble(model, dataset.schema)
        optimizer = model.optimizer(parts.module.parameters(), learning_rate=0.0)
        client = cast("BlockingClient", _NoServers(parts.tables))
        trainer = Trainer(parts, client, optimizer, clip_norm=1.0, sync_steps=2)
        for asked in trainer.asked([batch]):
            trainer.train(asked, 0, Quality())


class _NoServers:
    """A client whose rows are all zeros: with a table of its own it would compile kernels no worker needs."""

    def __init__(self, tables: Mapping[str, PlannedTable]) -> None:
        self._dims = {name: table.config.dim for name, table in tables.items()}

    def submit_lookup(self, fids: Mapping[str, Fids], **_how: Any) -> Future[dict[str, Rows]]:
        rows = {name: np.zeros((len(ids), self._dims[name]), np.float32) for name, ids in fids.items()}
        return answered(rows)

    def submit_apply(self, _updates: object, **_how: Any) -> Future[None]:
        return answered(None)
