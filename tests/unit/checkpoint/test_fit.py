"""Which checkpoints a model may go on from."""

from pathlib import Path

import pytest

from monolith.checkpoint.fit import must_fit
from monolith.checkpoint.manifest import Manifest
from monolith.core.errors import CheckpointMismatch
from monolith.table.config import Adagrad, Adam, Segment, TableConfig, Zeros

SAVED = TableConfig([Segment(8, optimizer=Adagrad()), Segment(1, optimizer=Adam())])
MANIFEST = Manifest(step=5, model="deepfm", tables={"item": SAVED}, shards=1, files=())
OTHER_RATE = TableConfig([Segment(8, Zeros(), Adagrad(learning_rate=9)), Segment(1, optimizer=Adam())])


@pytest.mark.parametrize("tables", [{"item": SAVED}, {"item": OTHER_RATE}, {}, {"new": OTHER_RATE}])
def test_these_may_go_on(tables):
    must_fit(MANIFEST, "deepfm", tables, Path("model"))


@pytest.mark.parametrize(
    "table",
    [
        TableConfig([Segment(9, optimizer=Adagrad())]),
        TableConfig([Segment(8, optimizer=Adam()), Segment(1, optimizer=Adam())]),
        TableConfig([Segment(1, optimizer=Adam()), Segment(8, optimizer=Adagrad())]),
    ],
)
def test_other_rows_are_refused(table):
    with pytest.raises(CheckpointMismatch) as caught:
        must_fit(MANIFEST, "deepfm", {"item": table}, Path("model"))
    assert "checkpoint-5 has rows of 8 values (Adagrad) + 1 values (Adam) in table 'item'" in str(
        caught.value
    )


def test_another_model_is_refused():
    with pytest.raises(CheckpointMismatch, match="belongs to model 'deepfm', not 'wide'"):
        must_fit(MANIFEST, "wide", {}, Path("model"))
