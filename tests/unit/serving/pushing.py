"""Pushes to a replica of the tiny model, made by hand."""

import numpy as np

from monolith.serving.replica import Replica
from monolith.table.rows import TableRows
from monolith.testing.exports import write_tiny_export
from monolith.wire.pushes import Delta, Push

NOBODY = np.empty(0, np.int64)


class Clock:
    """Unix milliseconds that pass when they are told to."""

    def __init__(self):
        self.ms = 1_700_000_000_000

    def __call__(self):
        return self.ms


def rows_of(values):
    """Rows of two equal values, by fid; whole if the two are equal."""
    held = np.array(list(values.values()), np.float32)
    return np.repeat(held, 2).reshape(-1, 2)


def table_of(values):
    ordered = dict(sorted(values.items()))
    fids = np.array(list(ordered), np.int64)
    return TableRows(fids, rows_of(ordered), np.empty((len(fids), 0), np.float32))


def delta(values=None, removed=(), table="users"):
    """Rows of two equal values."""
    fids = np.array(list(values or ()), np.int64)
    return Delta(table, 2, fids, rows_of(values or {}).reshape(-1), np.array(removed, np.int64))


def push(values=None, removed=(), **more):
    """A push of rows of the users."""
    return Push(**{"model": "tiny", "deltas": [delta(values, removed)], **more})


def everything(values, **more):
    """One push that begins and ends with all there is, of users and genres."""
    begun = {"sender": 7, "sequence": 1, "whole_begin": True, "whole_end": True}
    return push(**{**begun, "deltas": [delta(values), delta(table="genres")], **more})


def served(replica, table="users"):
    """The first of each row's values, by fid."""
    pieces = replica.tables[table].pieces()
    return {fid: value for piece in pieces for fid, value in zip(piece.fids, piece.values[:, 0], strict=True)}


def loaded(folder, users, clock, version=1, **more):
    """A replica of a version that was exported with these users."""
    replica = Replica("tiny", clock)
    load(replica, folder, users, version, **more)
    return replica


def load(replica, folder, users, version, **more):
    if users is None:
        write_tiny_export(folder, version, embeddings=False, **more)
    else:
        write_tiny_export(folder, version, users=table_of(users), **more)
    return replica.load(folder / str(version))
