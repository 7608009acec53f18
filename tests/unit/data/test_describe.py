"""What people are told about a dataset."""

from __future__ import annotations

import sys

import pytest

from monolith.core.errors import DataError, MissingExtra
from monolith.core.progress import Silent
from monolith.data.describe import FeatureFigures, SplitFigures, figures, head, plot
from tests.unit.data.conftest import ROWS


def test_the_first_rows_are_told(stored):
    assert list(head(stored, "train", 3)) == [
        (0, 1, "row 1:0, tags , size 0"),
        (1, 1, "row 1:1, tags 2:0, size 0.5"),
        (2, 1, "row 1:2, tags 2:0 2:1, size 1"),
    ]
    assert len(list(head(stored, "train", 1000))) == ROWS
    assert list(head(stored, "test", 3)) == []


def test_figures_count_everything(stored):
    told = figures(stored, Silent())
    assert told.splits[0] == SplitFigures("train", ROWS, (ROWS - 1) / 2)
    assert [split.rows for split in told.splits[1:]] == [0, 0]
    lengths = [i % 3 for i in range(ROWS)]
    assert told.features == (
        FeatureFigures("row", 1, ROWS, ROWS, 0),
        FeatureFigures("tags", 2, sum(lengths), 2, lengths.count(0)),
    )


def test_figures_can_be_drawn(stored, tmp_path):
    pytest.importorskip("matplotlib")
    plot(figures(stored, Silent()), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("name", ["a.xyz", "nowhere/a.svg"])
def test_what_cannot_be_drawn_is_named(stored, tmp_path, name):
    pytest.importorskip("matplotlib")
    with pytest.raises(DataError, match=f"{tmp_path / name}: cannot be drawn"):
        plot(figures(stored, Silent()), tmp_path / name)


def test_drawing_wants_an_extra(stored, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"monolith-recsys\[plot\]"):
        plot(figures(stored, Silent()), tmp_path / "a.svg")
