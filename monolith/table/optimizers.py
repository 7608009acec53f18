"""Which kernel is an optimizer's formula, what it is told, and what the wrappers do around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from monolith.table.compiling import given
from monolith.table.drawing import seed_of
from monolith.table.kernels import adaptive, descent, moments, proximal, wrapping
from monolith.table.optimizer_config import (
    Adadelta,
    Adagrad,
    Adam,
    Amsgrad,
    BatchSoftmax,
    Dc,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Momentum,
    MovingAverage,
    Optimizer,
    Plain,
    Rmsprop,
    RmspropV2,
    Sgd,
    StochasticRoundingFloat16,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from monolith.core.arrays import Fids, Indices, Rows
    from monolith.table.layout import Place


class Formula(NamedTuple):
    """A kernel, and the fields of the optimizer, or of the `Update`, that it is told, in its order."""

    kernel: Callable[..., None]
    fields: tuple[str, ...] = ()


class Update(NamedTuple):
    """One step of rows `numbers` (n,), which belong to `fids`.

    A row that occurs twice is updated twice, in order. `latest` holds the values that the gradients were
    computed with; None: those that are there now.
    """

    rows: Rows
    numbers: Indices
    fids: Fids
    grads: Rows  # (n, dim of the whole row)
    latest: Rows | None = None  # (n, dim of the whole row)
    step: int = 0
    seed: int = 0


_BETAS = ("beta1", "beta2", "epsilon", "weight_decay_factor", "use_nesterov")
_LEADER = ("beta", "l1_regularization_strength", "l2_regularization_strength")
_RMS = ("momentum", "weight_decay_factor")
FORMULAS: dict[type[Plain], Formula] = {
    Sgd: Formula(descent.sgd),
    Momentum: Formula(descent.momentum, ("momentum", "weight_decay_factor", "use_nesterov")),
    MovingAverage: Formula(descent.moving_average, ("momentum",)),
    BatchSoftmax: Formula(descent.batch_softmax, ("step",)),
    Adagrad: Formula(adaptive.adagrad, ("weight_decay_factor",)),
    DynamicWdAdagrad: Formula(adaptive.dynamic_wd_adagrad, ("weight_decay_factor", "decouple_weight_decay")),
    GroupAdaGrad: Formula(
        proximal.group_adagrad, ("beta", "l2_regularization_strength", "weight_decay_factor")
    ),
    Adadelta: Formula(adaptive.adadelta, ("averaging_ratio", "epsilon", "weight_decay_factor")),
    Rmsprop: Formula(adaptive.rmsprop, _RMS),
    RmspropV2: Formula(adaptive.rmsprop_v2, _RMS),
    Adam: Formula(moments.adam, _BETAS),
    Amsgrad: Formula(moments.amsgrad, _BETAS),
    Ftrl: Formula(proximal.ftrl, _LEADER),
    GroupFtrl: Formula(proximal.group_ftrl, _LEADER),
}


def apply(optimizer: Optimizer, update: Update, place: Place, rate: np.float32) -> None:
    """Make the update in one segment, in its columns of rows and gradients."""
    match optimizer:
        case Dc():
            apply(optimizer.optimizer, _compensated(optimizer, update, place), place, rate)
        case StochasticRoundingFloat16():
            apply(optimizer.optimizer, update, place, rate)
            seed, step = seed_of(update.seed), np.uint64(update.step)
            wrapping.round_to_half(update.rows, update.numbers, update.fids, place, seed, step)
        case _:
            kernel, fields = FORMULAS[type(optimizer)]
            settings = tuple(_told(update if f in Update._fields else optimizer, f) for f in fields)
            kernel(update.rows, update.numbers, update.grads, place, rate, settings)


def _told(owner: object, field: str) -> Any:
    value = getattr(owner, field)
    return np.float32(value) if isinstance(value, float) else value


def _compensated(optimizer: Dc, update: Update, place: Place) -> Update:
    if update.latest is None:
        return update
    grads = np.empty_like(update.grads)
    settings = (np.float32(optimizer.lambda_), grads)
    wrapping.compensate(update.rows, update.numbers, update.grads, place, update.latest, settings)
    return update._replace(grads=given(grads))
