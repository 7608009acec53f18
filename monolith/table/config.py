"""What an embedding table is: its segments, and the names of all that a segment can be told.

Values only. The formulas stand in `kernels/`, `initializers.py` and `compressors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from monolith.core.errors import ConfigError
from monolith.table.compressor_config import Compressor, FixedR8, Fp16, Fp32, OneBit
from monolith.table.initializer_config import (
    Constants,
    Initializer,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
    Zeros,
    batch_softmax_initializer,
)
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
    Rmsprop,
    RmspropV2,
    Sgd,
    StochasticRoundingFloat16,
    plain,
)

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "Amsgrad",
    "BatchSoftmax",
    "Compressor",
    "Constants",
    "Dc",
    "DynamicWdAdagrad",
    "FixedR8",
    "Fp16",
    "Fp32",
    "Ftrl",
    "GroupAdaGrad",
    "GroupFtrl",
    "Initializer",
    "Momentum",
    "MovingAverage",
    "OneBit",
    "Ones",
    "Optimizer",
    "RandomNormal",
    "RandomUniform",
    "Rmsprop",
    "RmspropV2",
    "Segment",
    "Sgd",
    "StochasticRoundingFloat16",
    "TableConfig",
    "TruncatedNormal",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "batch_softmax_initializer",
]


@attrs.frozen
class Segment:
    """Part of a row: `dim` neighbouring values that start and learn, and are served, alike."""

    dim: int
    initializer: Initializer = RandomUniform()
    optimizer: Optimizer = Adagrad()
    compressor: Compressor = Fp32()

    def __attrs_post_init__(self) -> None:
        if self.dim <= 0:
            raise ConfigError([f"segment dim={self.dim}: must be > 0"])
        if self.dim != 1 and isinstance(plain(self.optimizer), BatchSoftmax):
            raise ConfigError([f"segment dim={self.dim}: must be 1 for BatchSoftmax"])


def _in_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    return tuple(segments)


@attrs.frozen
class TableConfig:
    """A table's rows: the values of the segments one after the other, then their optimizers' state.

    With `skip_zero_embedding` a row that is assigned or restored as nothing but zeros is forgotten instead:
    a lookup gives zeros for it all the same. For tables that serve; it is not asked when a row learns.
    """

    segments: tuple[Segment, ...] = attrs.field(converter=_in_order)
    skip_zero_embedding: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.segments:
            raise ConfigError(["a table without segments: needs at least one"])

    @property
    def dim(self) -> int:
        """Values in a row, without optimizer state."""
        return sum(s.dim for s in self.segments)
