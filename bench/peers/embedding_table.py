"""monolith's own table."""

from __future__ import annotations

import numpy as np
from worker import LEARNING_RATE, START, Contender, Way, serve

from monolith.table.config import Adagrad, Segment, TableConfig
from monolith.table.table import Table

BATCH = 1 << 16


class EmbeddingTable(Contender):
    def __init__(self, fids: np.ndarray, dim: int) -> None:
        super().__init__(fids, dim)
        adagrad = Adagrad(learning_rate=LEARNING_RATE, initial_accumulator_value=START)
        self._table = Table(TableConfig((Segment(dim, optimizer=adagrad),)))
        for at in range(0, len(fids), BATCH):
            self._table.find_or_insert(fids[at : at + BATCH])

    def lookups(self) -> dict[str, Way]:
        return {
            "monolith find": lambda query: self._table.find(query[0]),
            "monolith look_up, into": self._into,
        }

    def updates(self) -> dict[str, Way]:
        return {"monolith adagrad": lambda query: self._table.apply(*query)}

    def _into(self, query: tuple[np.ndarray, np.ndarray]) -> None:
        fids = query[0]
        self._table.look_up(fids, create=True, out=self.out()[: len(fids)])

    def query(self, numbers: np.ndarray) -> object:
        return self.fids[numbers], self.grads(numbers)


if __name__ == "__main__":
    serve(EmbeddingTable)
