"""How far and how to train."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from monolith.config.checks import int64, not_negative, positive, positive_and_finite
from monolith.config.settings import Problem, Settings, setting


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside Joining as a base
class TrainingConfig(Settings):
    """How far and how to train, whatever the number of processes."""

    # fmt: off
    model_dir: Path | None = setting(None, "Folder of checkpoints and events.", group="model", short="-d")
    epochs: int | None = setting(None, "Passes over the training data; 1 if no --train-steps either.",
                                 group="training")
    train_steps: int | None = setting(None, "Batches to train, summed over the workers.", group="training",
                                      short="-s")
    batch_size: int = setting(512, "Examples in a batch.", group="training", short="-b", check=positive)
    dense_learning_rate: float = setting(0.001, "Learning rate of the model's own dense optimizer.",
                                   group="training", check=positive_and_finite, flag="--learning-rate")
    shuffle: bool = setting(True, "Read the training data in a seeded random order.", group="training")
    seed: int = setting(0, "Seed of everything random.", group="training", check=int64)
    torch_threads: int | None = setting(None, "Threads of a worker; default: its share of the cores.",
                                        group="training")
    dense_sync_steps: int = setting(8, "Steps between two exchanges of the dense parameters.",
                                    group="training", check=positive)
    embedding_prefetch_capacity: int = setting(0, "Batches whose rows are read before their turn, while "
                                               "others are trained: faster, and their rows lack as many "
                                               "updates; 0 reads them in turn.", group="training",
                                               check=not_negative)
    transfer_float16: bool = setting(False, "Let rows and gradients travel to and from parameter servers "
                                     "as float16: half the bytes, and 11 significant bits of each number.",
                                     group="training")
    save_steps: int = setting(1_000, "Steps between two checkpoints; 0 saves at the end only.",
                              group="checkpoint", check=not_negative)
    max_to_keep: int = setting(5, "Checkpoints to keep; 0 keeps all.", group="checkpoint", check=not_negative)
    resume: bool = setting(True, "Go on from the newest complete checkpoint.", group="checkpoint")
    round_timeout_ms: int = setting(600_000, "How long a worker waits for the others at the end of a round.",
                                    group="cluster", check=positive)
    clip_norm: float = setting(1_000.0, "Largest global norm of all gradients of a step together.",
                               group="training", check=positive)
    log_steps: int = setting(100, "Steps between two lines of loss and AUC.", group="training",
                             check=positive)
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        if self.model_dir is None:
            yield Problem(("model_dir",), "must be given")
        for count in ("epochs", "train_steps", "torch_threads"):
            if (value := getattr(self, count)) is not None and value <= 0:
                yield Problem((count,), "must be > 0")
