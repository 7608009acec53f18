"""Draw docs/curve.png: test AUC after each pass over movielens-100k, beside plain PyTorch.

python bench/curve.py --epochs 5
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import matplotlib as mpl
from baseline_torch import Plain, auc, cli, fetched

from monolith.data.dataset import Dataset
from monolith.data.reading import Reading

BATCH = 512
PICTURE = Path(__file__).parents[1] / "docs" / "curve.png"


def ours(data: Path, epochs: int, seed: int) -> list[float]:
    """Test AUC after each pass: the same command, told to go one pass further, resumes."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(1, epochs + 1):
            cluster = ("--num-ps=2", "--num-workers-cluster=2", f"--batch-size={BATCH}", f"--seed={seed}")
            cli("train", f"--data={data}", f"--model-dir={folder}", *cluster, f"--epochs={epoch}")
            figures.append(cli("evaluate", f"--data={data}", f"--model-dir={folder}")["auc"])
    return figures


def plain(data: Path, epochs: int, seed: int) -> list[float]:
    dataset = Dataset.open(data)
    trainer = Plain(dataset, seed)
    given = dataset.batches(Reading(batch_size=BATCH, seed=seed, epochs=epochs))
    assert given.total is not None  # it is no stream
    figures = []
    for _ in range(epochs):
        trainer.train(itertools.islice(given, given.total // epochs))
        figures.append(auc(dataset, trainer.model))
    return figures


def draw(curves: dict[str, list[list[float]]]) -> None:
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for (name, seeds), colour in zip(curves.items(), ("tab:blue", "tab:orange"), strict=True):
        passes = range(1, len(seeds[0]) + 1)
        means = [sum(at) / len(at) for at in zip(*seeds, strict=True)]
        lowest, highest = ([f(at) for at in zip(*seeds, strict=True)] for f in (min, max))
        axes.fill_between(passes, lowest, highest, alpha=0.2, color=colour)
        axes.plot(passes, means, marker="o", label=name, color=colour)
    axes.set(xlabel="passes over the training data", ylabel="test AUC", xticks=list(passes))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(PICTURE, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    data = args.data or fetched("movielens-100k")
    curves = {
        "monolith, 2 servers and 2 workers": [ours(data, args.epochs, seed) for seed in args.seeds],
        "plain PyTorch, one process": [plain(data, args.epochs, seed) for seed in args.seeds],
    }
    for name, seeds in curves.items():
        print(name, *(" ".join(f"{figure:.4f}" for figure in one) for one in seeds), sep="\n  ")
    draw(curves)


if __name__ == "__main__":
    main()
