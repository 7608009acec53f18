"""One worker's training, from the first look for a checkpoint to the last save.

A round is: train this worker's share of steps, then meet all the others. What they tell each other there
is all that coordinates them, so all of them know alike how far the job is and when it is over.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch

from monolith.checkpoint.manifest import Manifest
from monolith.checkpoint.store import CheckpointStore
from monolith.config.job import RunConfig
from monolith.core.errors import CheckpointError, ModelError, MonolithError, ShardRestarted
from monolith.core.progress import Progress, Silent
from monolith.core.stop import Stop
from monolith.data.dataset import Dataset
from monolith.data.prefetch import prefetched
from monolith.data.reading import Batches, Reading
from monolith.estimator.archive import Archive
from monolith.estimator.hooks import Hook, HookAction, HookList, Metrics
from monolith.estimator.model import MonolithModel
from monolith.estimator.rounds import Note, Pace, Place, resume_at
from monolith.estimator.tables import configs
from monolith.estimator.trainer import Trainer, assemble
from monolith.metrics.streaming import Quality

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient


@attrs.frozen(kw_only=True)
class Around:
    """Who listens to a session, and who may end it early."""

    progress: Progress = attrs.field(factory=Silent)
    stop: Stop = attrs.field(factory=Stop)
    hooks: Sequence[Hook] = ()


@attrs.frozen(kw_only=True)
class TrainResult:
    """What a training came to; the same for all its workers."""

    global_step: int
    training: dict[str, float]  # figures of what was predicted before it was learned, over this run
    evaluation: dict[str, float]  # figures on the validation split; empty where it was not asked for
    stopped_early: bool


class TrainingSession:
    """One worker's training. It blocks, so it runs in a thread where there is an event loop."""

    def __init__(
        self,
        model: MonolithModel,
        dataset: Dataset,
        client: BlockingClient,
        config: RunConfig,
        *,
        place: Place = Place(),
        around: Around | None = None,
    ) -> None: ...

    def run(self) -> TrainResult:
        """Train until the data, the steps or someone's patience end; the last act is a checkpoint.

        Raises:
            ShardRestarted: a server lost its rows; it says which checkpoint to resume from.
            CheckpointMismatch: `model_dir` holds another model's checkpoints.
            CheckpointError: it holds checkpoints, and the config says not to resume.
            ModelError: the loss is not a finite number.
        """
        raise NotImplementedError
