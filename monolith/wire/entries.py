"""Rows as upstream's tables dump them: one EntryDump message a row."""

from __future__ import annotations

import numpy as np

from monolith.core.arrays import Fids, Rows
from monolith.wire.embedding_hash_table_pb2 import EntryDump
from monolith.wire.fields import Octets

_FIXED64, _FIXED32 = 1, 5  # wire types


def entry_dumps(fids: Fids, rows: Rows) -> Octets:
    """A message for each of n fids, (n, bytes of one): all are equally long. `rows` (n, dim) are their `num`.

    `num` is not packed, as proto2 has it: a tag before each number.
    """
    entry = np.dtype(
        [
            ("id_tag", "u1"),
            ("id", "<i8"),
            ("num", [("tag", "u1"), ("value", "<f4")], (rows.shape[1],)),
        ]
    )
    entries = np.empty(len(fids), entry)
    entries["id_tag"] = EntryDump.ID_FIELD_NUMBER << 3 | _FIXED64
    entries["id"] = fids
    entries["num"]["tag"] = EntryDump.NUM_FIELD_NUMBER << 3 | _FIXED32
    entries["num"]["value"] = rows
    return entries.view(np.uint8).reshape(len(fids), entry.itemsize)
