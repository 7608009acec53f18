"""FBGEMM's table-batched embedding on the CPU, with row numbers: its update happens in the backward pass."""

from __future__ import annotations

import numpy as np
import torch
from fbgemm_gpu.split_embedding_configs import EmbOptimType
from fbgemm_gpu.split_table_batched_embeddings_ops_common import EmbeddingLocation
from fbgemm_gpu.split_table_batched_embeddings_ops_training import (
    ComputeDevice,
    SplitTableBatchedEmbeddingBagsCodegen,
)
from worker import EPSILON, LEARNING_RATE, Contender, Way, serve

Query = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # row numbers, bags of one, gradients


class Fbgemm(Contender):
    def __init__(self, fids: np.ndarray, dim: int) -> None:
        super().__init__(fids, dim)
        torch.set_num_threads(1)
        self._rows = SplitTableBatchedEmbeddingBagsCodegen(
            [(len(fids), dim, EmbeddingLocation.HOST, ComputeDevice.CPU)],
            optimizer=EmbOptimType.EXACT_ADAGRAD,
            learning_rate=LEARNING_RATE,
            eps=EPSILON,
        )
        self._rows.init_embedding_weights_uniform(0.5, 0.5)

    def lookups(self) -> dict[str, Way]:
        return {"fbgemm forward": self._forward}

    def updates(self) -> dict[str, Way]:
        return {"fbgemm exact_adagrad": lambda query: self._rows(*query[:2]).backward(query[2])}

    def query(self, numbers: np.ndarray) -> object:
        bags = torch.arange(len(numbers) + 1)
        return torch.from_numpy(numbers), bags, torch.from_numpy(self.grads(numbers))

    @torch.no_grad()
    def _forward(self, query: Query) -> torch.Tensor:
        return self._rows(*query[:2])


if __name__ == "__main__":
    serve(Fbgemm)
