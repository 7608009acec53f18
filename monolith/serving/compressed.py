"""A table's values as its compressors keep them for serving: a tensor a segment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Rows
from monolith.table.compressors import decode, encode
from monolith.table.config import Fp32, TableConfig


def is_compressed(config: TableConfig) -> bool:
    """Whether any segment is served in fewer bytes than it trains in."""
    return any(not isinstance(segment.compressor, Fp32) for segment in config.segments)


def compress(config: TableConfig, values: Rows) -> dict[str, NDArray[Any]]:
    """`values` (n, dim) by segment: float32, float16 or int8, each (n, dim of the segment)."""
    tensors, first = {}, 0
    for k, segment in enumerate(config.segments):
        part = np.ascontiguousarray(values[:, first : first + segment.dim])
        tensors[_name(k)] = encode(segment.compressor, part)
        first += segment.dim
    return tensors


def decompress(config: TableConfig, tensors: Mapping[str, NDArray[Any]]) -> Rows:
    """The (n, dim) values that the tensors stand for."""
    kept = enumerate(config.segments)
    return np.concatenate([decode(segment.compressor, tensors[_name(k)]) for k, segment in kept], axis=1)


def _name(segment: int) -> str:
    return f"segment-{segment}"
