"""The built-in DeepFM, trained by monolith and by plain PyTorch: how good, and how fast.

    python bench/baseline_torch.py quality    AUC on the test split of movielens-100k, mean of three seeds
    python bench/baseline_torch.py speed      examples/s on complete-journey, median of three interleaved runs

Plain PyTorch is an EmbeddingBag per feature with sparse gradients and Adagrad, the same dense module with
Adam, the same batches of the same dataset, two threads. It first reads all ids to give each a row, which is
not timed; monolith does not need to.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from monolith.core.batch import Batch
from monolith.data.dataset import Dataset
from monolith.data.prefetch import prefetched
from monolith.data.reading import Reading
from monolith.estimator.columns import LEARNS, STARTS, FeatureColumn
from monolith.metrics.streaming import Quality
from monolith.models.deepfm import DeepFm

THREADS = 2
FETCHED = {"quality": "movielens-100k", "speed": "complete-journey"}


class PlainDeepFm(nn.Module):
    """What one writes without a parameter server: a row for every id that the training data has."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self.columns = DeepFm().columns(dataset.schema)
        self.ids = known_ids(dataset)
        self.bags = nn.ModuleDict({c.feature: self._bag(c) for c in self.columns})
        self.dense = DeepFm().module(self.columns, dataset.schema)

    def _bag(self, column: FeatureColumn) -> nn.EmbeddingBag:
        rows = len(self.ids[column.feature]) + 1  # the last is for ids that were not seen
        bag = nn.EmbeddingBag(rows, column.width, mode="sum", sparse=True, include_last_offset=True)
        nn.init.uniform_(bag.weight[:, 1:], STARTS.minval, STARTS.maxval)
        with torch.no_grad():
            bag.weight[:, 0] = 0
            bag.weight[-1] = 0
        return bag

    def forward(self, batch: Batch) -> torch.Tensor:
        embeddings = {name: self._embedded(name, batch) for name in self.bags}
        logits: torch.Tensor = self.dense(
            embeddings, {name: torch.from_numpy(v) for name, v in batch.dense.items()}
        )
        return logits

    def _embedded(self, name: str, batch: Batch) -> torch.Tensor:
        known, ids = self.ids[name], batch.sparse[name]
        at = np.searchsorted(known, ids.fids)
        at[known[np.minimum(at, len(known) - 1)] != ids.fids] = len(known)
        pooled: torch.Tensor = self.bags[name](torch.from_numpy(at), torch.from_numpy(ids.row_splits))
        return pooled


def known_ids(dataset: Dataset) -> dict[str, np.ndarray]:
    """The distinct ids of every feature of the training split, sorted."""
    found: dict[str, np.ndarray] = {f.name: np.empty(0, np.int64) for f in dataset.schema.sparse}
    for batch in dataset.batches(Reading(batch_size=65_536, shuffle=False)):
        for name, ids in batch.sparse.items():
            found[name] = np.union1d(found[name], ids.fids)
    return found


def batches(dataset: Dataset, args: argparse.Namespace, seed: int) -> Iterator[Batch]:
    """What both sides learn from, in the same order."""
    reading = Reading(batch_size=args.batch_size, seed=seed, epochs=args.epochs)
    return itertools.islice(prefetched(dataset.batches(reading)), args.steps)


def plain_auc(dataset: Dataset, args: argparse.Namespace, seed: int) -> float:
    """Test AUC of the plain model."""
    plain = Plain(dataset, seed)
    plain.train(batches(dataset, args, seed))
    return auc(dataset, plain.model)


class Plain:
    """Trains the plain model."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        torch.set_num_threads(THREADS)
        torch.sparse.check_sparse_tensor_invariants.disable()  # said aloud, or PyTorch warns
        torch.manual_seed(seed)
        self.model = PlainDeepFm(dataset)
        self._sparse = torch.optim.Adagrad(
            self.model.bags.parameters(),
            lr=LEARNS.learning_rate,
            initial_accumulator_value=LEARNS.initial_accumulator_value,
        )
        self._dense = DeepFm().optimizer(self.model.dense.parameters(), 0.001)
        self._loss = nn.BCEWithLogitsLoss()

    def train(self, given: Iterator[Batch]) -> float:
        """Learn from what is given; examples/s."""
        begun, examples = time.perf_counter(), 0
        for batch in given:
            self._sparse.zero_grad()
            self._dense.zero_grad()
            self._loss(self.model(batch), torch.from_numpy(batch.labels)).backward()
            self._sparse.step()
            self._dense.step()
            examples += len(batch)
        return examples / (time.perf_counter() - begun)


def auc(dataset: Dataset, model: PlainDeepFm) -> float:
    quality = Quality()
    with torch.no_grad():
        for batch in dataset.batches(Reading(split="test", batch_size=4096, shuffle=False)):
            quality.update(model(batch).sigmoid().numpy(), batch.labels, batch.weights)
    return quality.figures()["auc"]


def monolith(dataset: Path, args: argparse.Namespace, seed: int, processes: int) -> dict[str, float]:
    """What `monolith train` says, or, if it is about quality, `monolith evaluate`."""
    with tempfile.TemporaryDirectory() as folder:
        told = cli(
            "train", f"--data={dataset}", f"--model-dir={folder}", f"--num-ps={processes}",
            f"--num-workers-cluster={processes}", f"--batch-size={args.batch_size}", f"--seed={seed}",
            f"--epochs={args.epochs}", f"--torch-threads={THREADS // processes}", "--save-steps=0",
            *([f"--train-steps={args.steps}"] if args.steps else []),
        )  # fmt: skip
        if args.what == "speed":
            return told
        return cli("evaluate", f"--data={dataset}", f"--model-dir={folder}", "--split=test")


def cli(*argv: str) -> dict[str, float]:
    """What a command says."""
    line = [sys.executable, "-m", "monolith", *argv, "--json"]
    told: dict[str, float] = json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout)
    return told


def quality(args: argparse.Namespace) -> None:
    dataset = Dataset.open(args.data)
    plain = [plain_auc(dataset, args, seed) for seed in args.seeds]
    ours = [monolith(args.data, args, seed, processes=2)["auc"] for seed in args.seeds]
    for name, figures in (("plain PyTorch", plain), ("monolith, 2 servers and 2 workers", ours)):
        seeds = ", ".join(f"{figure:.4f}" for figure in figures)
        print(f"{name:36s} AUC {statistics.mean(figures):.4f}  (seeds: {seeds})")


def speed(args: argparse.Namespace) -> None:
    dataset, plain, ours = Dataset.open(args.data), [], []
    for seed in args.seeds:
        plain.append(Plain(dataset, seed).train(batches(dataset, args, seed)))
        ours.append(monolith(args.data, args, seed, processes=1)["examples_per_s"])
    for name, figures in (("plain PyTorch", plain), ("monolith, 1 server and 1 worker", ours)):
        print(f"{name:36s} {statistics.median(figures):9.0f} examples/s")
    ratios = [a / b for a, b in zip(ours, plain, strict=True)]
    print(f"{'ratio':36s} {statistics.median(ratios):9.2f}  ({', '.join(f'{r:.2f}' for r in ratios)})")


def fetched(name: str) -> Path:
    """The folder of a public dataset."""
    folder = Path("data") / name
    if not folder.exists():
        cli("data", "get", name, f"--output-path={folder}")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=[*FETCHED], nargs="?", default="quality")
    parser.add_argument("--data", type=Path, help="dataset folder; default: fetched into data/")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int, help="batches, where an epoch is too long")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    usual = {"quality": (512, 2, None), "speed": (4096, 1, 200)}[args.what]
    for name, value in zip(("batch_size", "epochs", "steps"), usual, strict=True):
        setattr(args, name, getattr(args, name) or value)
    args.data = args.data or fetched(FETCHED[args.what])
    {"quality": quality, "speed": speed}[args.what](args)


if __name__ == "__main__":
    main()
