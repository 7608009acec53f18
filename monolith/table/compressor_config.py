"""What is served of a value, and read of it in training: classes and fields called as in their message."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from monolith.config.checks import positive
from monolith.table.fields import number


@attrs.frozen
class Fp32:
    """A value is served, and read in training, as it is."""


@attrs.frozen
class Fp16:
    """A value is served as a half; training reads it as it is."""


@attrs.frozen
class FixedR8:
    """A value is served as one of 256 in [-r, r), and training reads it so rounded."""

    r: float = number(1.0, positive)


@attrs.frozen
class OneBit:
    """A value is served as plus or minus `amplitude`; training reads a tanh, steeper step by step.

    The order of upstream's builder, and its amplitude, are those here; its message has 0.1.
    """

    step_size: int = number(200, positive)
    amplitude: float = number(0.05, positive)
    init_scale: float = number(1.0, positive)
    max_scale: float = number(10000.0, positive)


Compressor: TypeAlias = Fp32 | Fp16 | FixedR8 | OneBit
