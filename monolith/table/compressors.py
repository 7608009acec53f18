"""Values in fewer bytes: what training reads of them, and what serving keeps of them.

A table keeps full precision and rounds what it gives out, so that a model trains on the values it will be
served with. Rows come as the (n, dim) values of one segment. `scale` is OneBit's alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from monolith.table.compiling import kernel
from monolith.table.config import Compressor, FixedR8, Fp16, Fp32, OneBit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monolith.core.arrays import Rows

F32 = np.float32
_STEPS = 128  # of FixedR8, on either side of zero


def scale_at(compressor: OneBit, step: int) -> np.float32:
    """How steep the tanh is at `step` (HashNet: Cao and others, 2017).

    init_scale · √(1 + 0.005 · s), at most max_scale; s is the last multiple of step_size up to `step`.
    Upstream takes over a scale only at a step that is such a multiple, and misses those it does not see.
    """
    reached = step - step % int(compressor.step_size)
    return F32(min(compressor.init_scale * math.sqrt(1 + 0.005 * reached), compressor.max_scale))


def as_read(compressor: Compressor, rows: Rows, first: int, stop: int, step: int) -> None:
    """Turn columns `first` to `stop` of `rows`, in place, into what training reads of them at `step`."""
    match compressor:
        case FixedR8(r=r):
            _round(rows, np.uint64(first), np.uint64(stop), F32(r / _STEPS))
        case OneBit(amplitude=amplitude):
            values = rows[:, first:stop]
            np.multiply(np.tanh(scale_at(compressor, step) * values), F32(amplitude), out=values)


def backward(compressor: Compressor, values: Rows, grads: Rows, step: int) -> None:
    """Turn `grads` of what was read of `values` into gradients of `values` themselves, in place.

    OneBit: g · A · s · (1 - tanh²(s · x)). Rounding passes them on as they are.
    """
    if isinstance(compressor, OneBit):
        scale = scale_at(compressor, step)
        grads *= F32(compressor.amplitude) * scale * (1 - np.tanh(scale * values) ** 2)


def encode(compressor: Compressor, values: Rows) -> NDArray[Any]:
    """What serving keeps of `values`: float32, float16, or int8.

    FixedR8 keeps how many steps of r / 128 a value is, from half a step on the next one, within -128 … 127;
    NaN counts as 0. OneBit keeps the sign, that of zero being negative, in an int8 as upstream does.
    """
    match compressor:
        case Fp32():
            return values
        case Fp16():
            with np.errstate(over="ignore"):  # what no half can hold becomes infinite, as in hardware
                return values.astype(np.float16)
        case FixedR8(r=r):
            rounded = values.copy()
            _round(rounded, np.uint64(0), np.uint64(values.shape[1]), F32(r / _STEPS))
            steps: NDArray[Any] = np.rint(rounded / F32(r / _STEPS)).astype(np.int8)
            return steps
        case OneBit():
            signs: NDArray[Any] = np.where(values > 0, np.int8(1), np.int8(-1))
            return signs


def decode(compressor: Compressor, kept: NDArray[Any]) -> Rows:
    """The float32 values that serving makes of what it kept."""
    values: Rows = kept.astype(np.float32)
    if isinstance(compressor, FixedR8):
        values *= F32(compressor.r / _STEPS)
    elif isinstance(compressor, OneBit):
        values *= F32(compressor.amplitude)
    return values


@kernel
def _round(rows: Rows, first: np.uint64, stop: np.uint64, step: np.float32) -> None:
    """To multiples of `step`: half a step is added, away from zero, and what exceeds a multiple cut off."""
    for i in range(len(rows)):
        for j in range(first, stop):
            steps = min(max(rows[i, j] / step, F32(-_STEPS)), F32(_STEPS - 1))
            whole = math.trunc(steps + math.copysign(F32(0.5), steps))
            rows[i, j] = F32(0) if math.isnan(rows[i, j]) else F32(whole) * step
