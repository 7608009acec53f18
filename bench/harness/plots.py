"""How cost grows, drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.ticker

mpl.use("agg")
from harness.figures import FOLDER, Load, Record
from harness.scaling_model import Prediction
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

COLOURS = {
    "monolith": "tab:red",
    "prefetched": "black",
    "numpy": "tab:gray",
    "torch": "tab:blue",
    "fbgemm": "tab:purple",
    "tfra": "tab:green",
    "redis": "tab:brown",
}
SHOWN = (
    "prefetched gather",
    "monolith find",
    "monolith adagrad",
    "numpy rows[numbers]",
    "torch index_select",
    "torch optim.Adagrad, sparse",
    "fbgemm forward",
    "fbgemm exact_adagrad",
    "tfra lookup",
    "tfra adagrad",
    "redis mget",
    "redis mget, adagrad, mset",
)
AXES = ("rows", "dim", "batch", "threads")


def table(record: Record) -> Path:
    """Lookups above, updates below; one axis of the load a column; zipf is dashed."""
    figure, panels = plt.subplots(2, 4, figsize=(15, 7), layout="constrained", sharey="row")
    for row, kind in zip(panels, ("lookup", "update"), strict=True):
        for axes, axis in zip(row, AXES, strict=True):
            _panel(axes, record, kind, axis)
        row[0].set_ylabel(f"{kind}: ns per id")
        handles = {
            line.get_label(): line for axes in row for line in axes.lines if line.get_linestyle() == "-"
        }
        row[-1].legend(
            handles.values(), handles, frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5)
        )
    path = FOLDER / "table.png"
    figure.savefig(path, dpi=110)
    return path


def _panel(axes: Axes, record: Record, kind: str, axis: str) -> None:
    at = Load(1_000_000, 16)
    for way in SHOWN:
        for skew, style in (("uniform", "-"), ("zipf", "--")):
            points = _along(record, kind, way, axis, replace(at, skew=skew))
            colour = COLOURS[way.split()[0]]
            if points:
                axes.plot(*zip(*points, strict=True), style, marker=".", color=colour, label=way)
    others = ", ".join(f"{name} {getattr(at, name):,}" for name in AXES if name != axis)
    axes.set(xlabel=f"{axis}\n({others})", xscale="log", yscale="log")
    ticks = sorted({getattr(load, axis) for load in (f.load for f in record.figures)})
    axes.set_xticks(ticks, [_short(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)


def _short(number: int) -> str:
    """16384 -> 16k."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number // size}{letter}"
    return str(number)


def _along(record: Record, kind: str, way: str, axis: str, at: Load) -> list[tuple[int, float]]:
    """Figures that differ from `at` in one axis only."""
    same: Callable[[Load], bool] = lambda load: replace(load, **{axis: getattr(at, axis)}) == at  # noqa: E731
    chosen = [f for f in record.figures if f.kind == kind and f.way == way and same(f.load)]
    return sorted((getattr(f.load, axis), f.median) for f in chosen)


def scaling(curves: dict[str, list[Prediction]]) -> Path:
    """Predicted ids a second by the number of servers."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, curve in curves.items():
        axes.plot([one.shards for one in curve], [one.ids_per_s for one in curve], marker=".", label=name)
    axes.set(xlabel="servers", ylabel="ids/s", xscale="log", yscale="log")
    axes.set_xticks([one.shards for one in next(iter(curves.values()))])
    axes.xaxis.set_major_formatter(mpl.ticker.ScalarFormatter())
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    path = FOLDER / "scaling.png"
    figure.savefig(path, dpi=110)
    return path
