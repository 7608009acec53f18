"""What a model says of itself: its columns, its module, how it learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from monolith.core.errors import ModelError
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.correction import clipped, corrected

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from monolith.core.schema import Schema


class Mode(StrEnum):
    """What a batch is used for."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "predict"


@attrs.frozen
class Features:
    """One batch as the module sees it: columns as the model names them, dense features as the schema does.

    That order is the same in training and in what is exported, so a module may rely on it.
    """

    embeddings: Mapping[str, Tensor]  # column -> [B, width], or [B, max_length, width] for first_n
    dense: Mapping[str, Tensor]  # feature -> [B, width]
    labels: Tensor  # [B]
    weights: Tensor  # [B]
    sample_rates: Tensor  # [B], with which chance the row would have been kept as a negative


@attrs.frozen(kw_only=True)
class EstimatorSpec:
    """What a model says of one batch."""

    mode: Mode
    pred: Tensor  # [B], probabilities where `classification`
    label: Tensor | None = None  # [B]
    loss: Tensor | None = None  # scalar; needed in TRAIN
    head_name: str | None = None
    optimizer: torch.optim.Optimizer | None = None
    classification: bool = True

    def replace(self, **changes: Any) -> EstimatorSpec:
        """A copy with `changes`; the mode is not among what can change.

        Raises:
            ModelError: another mode is asked for.
        """
        if (asked := changes.get("mode", self.mode)) != self.mode:
            here, there = self.mode.capitalize(), Mode(asked).capitalize()
            raise ModelError(f"Cannot change EstimatorSpec mode from {here} to {there}")
        return attrs.evolve(self, **changes)


class MonolithModel:
    """Base of every model. `module` is the one thing a model must say; the rest has good defaults."""

    name: ClassVar[str]  # under which it can be loaded again; checkpoints carry it
    logit_clip_threshold: ClassVar[float | None] = None  # see `correction.clipped`

    def __init_subclass__(cls) -> None:
        cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def columns(self, schema: Schema) -> Sequence[FeatureColumn]:
        """How sparse features become embeddings. Default: every one, 16 wide, summed over its ids."""
        return [FeatureColumn(feature.name) for feature in schema.sparse]

    def module(
        self,
        columns: Sequence[FeatureColumn],  # noqa: ARG002  # for those who override it
        schema: Schema,  # noqa: ARG002
    ) -> torch.nn.Module:
        """The dense part: `forward(embeddings, dense)` takes what `Features` holds and gives logits [B].

        It is built after the random source was set, so its first weights follow the job's seed.

        Raises:
            ModelError: the model has none.
        """
        raise ModelError(f"model {self.name} lacks module(): it must give the dense part", model=self.name)

    def optimizer(
        self, parameters: Iterable[torch.nn.Parameter], learning_rate: float
    ) -> torch.optim.Optimizer:
        """How the dense part learns. Default: Adam."""
        import torch

        held = list(parameters)
        # One call for all takes a third of the time. It goes by memory: for weights that lie in another order
        # it would take what a checkpoint gave back for others. Nor does it take complex numbers.
        at_once = all(p.is_floating_point() and p.is_contiguous() for p in held)
        return torch.optim.Adam(held, lr=learning_rate, fused=at_once)

    def loss(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """What training makes small. Default: weighted mean of the sigmoid cross-entropy.

        The logits are those of the rows that were kept, where negatives were left out.
        """
        from torch.nn.functional import binary_cross_entropy_with_logits

        losses = binary_cross_entropy_with_logits(logits, labels, reduction="none")
        return (losses * weights).sum() / weights.sum()

    def model_fn(self, module: torch.nn.Module, features: Features, mode: Mode) -> EstimatorSpec:
        """Put a batch through `module`. Override for another output than a probability.

        Predictions are of the traffic as it is, whatever part of the negatives the model was trained on.

        Raises:
            ModelError: what `module` gives are no logits [B], or it asks for a feature that is not there.
        """
        try:
            logits = module(features.embeddings, features.dense)
        except KeyError as exc:
            there = ", ".join(map(repr, [*features.embeddings, *features.dense])) or "nothing"
            raise ModelError(f"model {self.name} asks for {exc}: there is {there}", model=self.name) from exc
        given, due = getattr(logits, "shape", None), features.labels.shape
        if mode is not Mode.PREDICT and given != due:
            what = type(logits).__name__ if given is None else f"logits {list(given)}"
            raise ModelError(f"model {self.name} gives {what} instead of logits {list(due)}", model=self.name)
        pred = logits.sigmoid()
        if mode is Mode.PREDICT:
            return EstimatorSpec(mode=mode, pred=pred)
        kept = clipped(corrected(logits, features.sample_rates), self.logit_clip_threshold)
        loss = self.loss(kept, features.labels, features.weights)
        return EstimatorSpec(mode=mode, pred=pred, label=features.labels, loss=loss)
