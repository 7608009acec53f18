"""Which of a row's columns upstream dumps under which name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monolith.core.errors import CheckpointMismatch
from monolith.table import layout
from monolith.table.config import BatchSoftmax, TableConfig
from monolith.table.optimizer_config import Plain, plain
from monolith.wire.entries import EntryShape, State
from monolith.wire.optimizer_pb2 import SingleOptimizerDump

_TYPES: Iterable[Any] = SingleOptimizerDump.DESCRIPTOR.oneofs_by_name["type"].fields
_MEMBERS = {one.message_type.name.removesuffix("OptimizerDump"): one.name for one in _TYPES}
# Optimizer -> the member of SingleOptimizerDump that holds its state, whose fields are called like the parts
# of that state. An optimizer of which upstream dumps nothing at all has no member. Left out is BatchSoftmax,
# whose step is a whole number there and two floats here.
DUMPS: dict[type[Plain], str] = {
    kind: _MEMBERS.get(kind.__name__, "") for kind in layout.PARTS if kind is not BatchSoftmax
}


def entry_shape(config: TableConfig) -> EntryShape:
    """How the rows of a table of `config` are dumped.

    Raises:
        CheckpointMismatch: an optimizer's state has no place in a dump.
    """
    states = []
    for segment, (_, state, dim) in layout.places(config):
        kind = type(plain(segment.optimizer))
        if kind not in DUMPS:
            raise CheckpointMismatch(f"rows that learn by {kind.__name__} cannot be dumped as entries")
        if member := DUMPS[kind]:
            states.append(State(member, _columns(layout.PARTS[kind], int(state), int(dim))))
    return EntryShape(config.dim, layout.slot_dim(config), states)


def _columns(parts: Iterable[layout.Part], first: int, dim: int) -> dict[str, tuple[int, int]]:
    columns = {}
    for part in parts:
        stop = first + (part.of or dim)
        columns[part.name] = (first, stop)
        first = stop
    return columns
