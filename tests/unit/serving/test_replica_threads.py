"""Readers beside pushes and new versions: no row is torn, none is older than it was."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from monolith.serving.replica import Replica
from monolith.serving.versions import Versions
from monolith.table.rows import TableRows
from monolith.testing.exports import write_tiny_export
from monolith.wire.pushes import Delta, Push
from tests.unit.serving.pushing import NOBODY, Clock

FIDS = np.arange(64)
DIM = 48  # more than a processor copies in one go
READERS = 3


def rows(number):
    """A row's values are all the same: how often it was learned."""
    return np.full((len(FIDS), DIM), number, np.float32)


class Trainer:
    """Pushes rows that all grow by one each time; every so often it exports them."""

    def __init__(self, folder, replica, versions, clock):
        self.folder, self.replica, self.versions, self.clock = folder, replica, versions, clock
        self.number, self.version, self.sequence = 0, 1, 0

    def push(self, *, whole):
        self.number, self.sequence = self.number + 1, self.sequence + 1
        users = Delta("users", DIM, FIDS, rows(self.number).reshape(-1), NOBODY)
        genres = Delta("genres", 2, NOBODY, np.empty(0, np.float32), NOBODY)
        self.replica.push(
            Push(
                model="tiny",
                deltas=[users, genres] if whole else [users],
                sender=1,
                sequence=self.sequence,
                whole_begin=whole,
                whole_end=whole,
                as_of_ms=self.clock.ms,
            )
        )

    def export(self, later_ms):
        """Of now; told to be of a little later or earlier, which decides how rows are taken over."""
        self.version += 1
        users = TableRows(FIDS, rows(self.number), np.empty((len(FIDS), 0), np.float32))
        write_tiny_export(self.folder, self.version, users=users, as_of_ms=self.clock.ms + later_ms)

    def work(self, turn):
        """Ten pushes, a version that is older than five of them, and now and then one that is newer."""
        for _ in range(5):
            self.push(whole=turn % 3 == 0)
        self.export(later_ms=500 if turn % 3 == 2 else -1)
        if turn % 3 != 2:
            for _ in range(5):
                self.push(whole=False)
        self.versions.poll()
        self.clock.ms += 1000


@pytest.mark.parametrize("reads", [100_000, pytest.param(10_000_000, marks=pytest.mark.soak)])
def test_readers_see_whole_rows_that_only_grow(tmp_path, reads):
    clock = Clock()
    replica = Replica("tiny", clock)
    versions = Versions(tmp_path, replica.load, name="tiny")
    trainer = Trainer(tmp_path, replica, versions, clock)
    trainer.export(0)
    versions.poll()
    ended = threading.Event()

    def read():
        newest, count = np.zeros(len(FIDS)), 0
        while count < reads // READERS or not ended.is_set():
            with versions.lease() as model:
                found, _ = model.tables["users"].find(FIDS)
            assert (found == found[:, :1]).all()
            assert (found[:, 0] >= newest).all()
            newest, count = found[:, 0], count + len(FIDS)
        return newest

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read) for _ in range(READERS)]
        try:
            turn = 0
            while turn < 9 or not all(reader.running() for reader in readers):
                trainer.work(turn)
                turn += 1
        finally:
            ended.set()
    for reader in readers:
        assert reader.result().tolist() == [trainer.number] * len(FIDS)
