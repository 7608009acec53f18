"""Which of a row's columns upstream dumps under which name."""

from __future__ import annotations

from monolith.core.errors import CheckpointMismatch
from monolith.table import layout
from monolith.table.config import Adagrad, Adam, Ftrl, Optimizer, Sgd, TableConfig
from monolith.wire.entries import EntryShape, State

# Optimizer -> the member of SingleOptimizerDump that holds its state, and that member's fields in the order
# in which `table.layout` has them, each with whether there is one a value or one a row. An optimizer of which
# upstream dumps nothing at all has no member.
DUMPS: dict[type[Optimizer], tuple[str, dict[str, bool]]] = {
    Sgd: ("sgd", {}),
    Adagrad: ("adagrad", {"norm": True}),
    Adam: ("adam", {"m": True, "v": True, "beta1_power": False, "beta2_power": False}),
    Ftrl: ("ftrl", {"norm": True, "zero": True}),
}


def entry_shape(config: TableConfig) -> EntryShape:
    """How the rows of a table of `config` are dumped.

    Raises:
        CheckpointMismatch: an optimizer's state has no place in a dump.
    """
    states = []
    for segment, (_, state, dim) in layout.places(config):
        kind = type(segment.optimizer)
        if kind not in DUMPS:
            raise CheckpointMismatch(f"rows that learn by {kind.__name__} cannot be dumped as entries")
        member, fields = DUMPS[kind]
        if member:
            states.append(State(member, _columns(fields, int(state), int(dim))))
    return EntryShape(config.dim, layout.slot_dim(config), states)


def _columns(fields: dict[str, bool], first: int, dim: int) -> dict[str, tuple[int, int]]:
    columns = {}
    for name, one_a_value in fields.items():
        stop = first + (dim if one_a_value else 1)
        columns[name] = (first, stop)
        first = stop
    return columns
