"""Which of a row's columns upstream dumps under which name, and as what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from monolith.core.arrays import Rows
from monolith.table import layout
from monolith.table.config import TableConfig
from monolith.table.kernels.descent import DIGIT
from monolith.table.layout import PARTS
from monolith.table.optimizer_config import (
    Adadelta,
    Adagrad,
    Adam,
    Amsgrad,
    BatchSoftmax,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Momentum,
    MovingAverage,
    Plain,
    Rmsprop,
    RmspropV2,
    Sgd,
    plain,
)
from monolith.wire.entries import EntryShape, State

# The member of SingleOptimizerDump that holds an optimizer's state; the fields in it are called as the parts
# in `table.layout`. Of a moving average upstream dumps nothing at all.
MEMBERS: dict[type[Plain], str | None] = {
    Sgd: "sgd",
    Momentum: "momentum",
    MovingAverage: None,
    BatchSoftmax: "batch_softmax",
    Adagrad: "adagrad",
    DynamicWdAdagrad: "dynamic_wd_adagrad",
    GroupAdaGrad: "group_adagrad",
    Adadelta: "adadelta",
    Rmsprop: "rmsprop",
    RmspropV2: "rmspropv2",
    Adam: "adam",
    Amsgrad: "amsgrad",
    Ftrl: "ftrl",
    GroupFtrl: "group_ftrl",
}


def entry_shape(config: TableConfig) -> EntryShape:
    """How the rows of a table of `config` are dumped."""
    states = []
    for segment, (_, state, dim) in layout.places(config):
        kind = type(plain(segment.optimizer))
        if member := MEMBERS[kind]:
            states.append(State(member, _columns(kind, int(state), int(dim))))
    return EntryShape(config.dim, layout.slot_dim(config), states)


def _columns(kind: type[Plain], first: int, dim: int) -> dict[str, tuple[int, int]]:
    columns = {}
    for part in PARTS[kind]:
        stop = first + (part.of or dim)
        columns[part.name] = (first, stop)
        first = stop
    return columns


def digits_to_halves(config: TableConfig, rows: Rows) -> None:
    """Turn int64s in whole `rows`, in place, from our two digits of 24 bits into what an entry has."""
    for high in _whole_numbers(config):
        numbers = (rows[:, high].astype(np.int64) << DIGIT) + rows[:, high + 1].astype(np.int64)
        rows.view(np.uint32)[:, high] = numbers & 0xFFFFFFFF
        rows.view(np.uint32)[:, high + 1] = numbers >> 32


def halves_to_digits(config: TableConfig, rows: Rows) -> None:
    """The way back; numbers of more than 48 bits lose some."""
    for high in _whole_numbers(config):
        lower, upper = (rows.view(np.uint32)[:, high + k].astype(np.int64) for k in (0, 1))
        numbers = lower | upper << 32
        rows[:, high] = numbers >> DIGIT
        rows[:, high + 1] = numbers & (1 << DIGIT) - 1


def _whole_numbers(config: TableConfig) -> Iterator[int]:
    """The columns of the first digits."""
    for segment, (_, state, _) in layout.places(config):
        if isinstance(plain(segment.optimizer), BatchSoftmax):
            yield int(state)
