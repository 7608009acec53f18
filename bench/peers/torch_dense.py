"""PyTorch's dense tables, with row numbers: there is nothing to hash, and nothing to grow.

Adagrad comes twice: torch.optim.Adagrad with a sparse gradient, and the same by hand with index operations.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional
from worker import EPSILON, LEARNING_RATE, START, Contender, Way, serve

Query = tuple[torch.Tensor, torch.Tensor]  # row numbers, gradients


class TorchDense(Contender):
    def __init__(self, fids: np.ndarray, dim: int) -> None:
        super().__init__(fids, dim)
        torch.set_num_threads(1)  # threads are Python's here, as for everybody
        self._rows = torch.nn.Parameter(torch.full((len(fids), dim), 0.5))
        self._adagrad = torch.optim.Adagrad(
            [self._rows], lr=LEARNING_RATE, initial_accumulator_value=START, eps=EPSILON
        )
        self._squares = self._adagrad.state[self._rows]["sum"]

    def lookups(self) -> dict[str, Way]:
        return {"torch index_select": self._select, "torch embedding_bag": self._bag}

    def updates(self) -> dict[str, Way]:
        return {"torch optim.Adagrad, sparse": self._step, "torch adagrad by hand": self._by_hand}

    def query(self, numbers: np.ndarray) -> object:
        return torch.from_numpy(numbers), torch.from_numpy(self.grads(numbers))

    @torch.no_grad()
    def _select(self, query: Query) -> torch.Tensor:
        return torch.index_select(self._rows, 0, query[0])

    @torch.no_grad()
    def _bag(self, query: Query) -> torch.Tensor:
        return functional.embedding_bag(query[0][:, None], self._rows, mode="sum")

    def _step(self, query: Query) -> None:
        numbers, grads = query
        self._rows.grad = torch.sparse_coo_tensor(
            numbers[None], grads, self._rows.shape, check_invariants=False
        )
        self._adagrad.step()

    @torch.no_grad()
    def _by_hand(self, query: Query) -> None:
        numbers, grads = query
        self._squares.index_add_(0, numbers, grads * grads)
        step = grads / (self._squares.index_select(0, numbers).sqrt_() + EPSILON)
        self._rows.index_add_(0, numbers, step, alpha=-LEARNING_RATE)


if __name__ == "__main__":
    serve(TorchDense)
