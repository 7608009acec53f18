"""Event times, from raw columns to the batches that are trained on."""

import attrs
import numpy as np
import pytest

from monolith.core.errors import SchemaError
from monolith.core.progress import Silent
from monolith.data.convert import convert
from monolith.data.reading import Reading
from monolith.data.rows import joined
from tests.unit.data.conftest import ROWS, SCHEMA, chunked, columns

TIMED = attrs.evolve(SCHEMA, time="when")
SECONDS = 4_000_000_000 + np.arange(ROWS)  # beyond what a float32 can tell apart


STAMPS = SECONDS.astype("datetime64[s]")


@pytest.mark.parametrize("when", [SECONDS, STAMPS, STAMPS.astype(str).astype(object)])
def test_times_stay_with_their_rows(tmp_path, when):
    dataset = convert(TIMED, chunked(columns() | {"when": when}), tmp_path / "d", Silent())
    read = joined(list(dataset.batches(Reading(batch_size=7, shuffle=True))))
    assert (read.times - SECONDS[0]).tolist() == read.labels.tolist()


def test_no_column_no_times(tmp_path):
    dataset = convert(SCHEMA, chunked(columns()), tmp_path / "d", Silent())
    assert next(iter(dataset.batches(Reading()))).times is None


@pytest.mark.parametrize("bad", [-1, 2**32])
def test_impossible_times_are_refused(tmp_path, bad):
    when = SECONDS.copy()
    when[3] = bad
    with pytest.raises(SchemaError, match=r"row 4: column 'when' is .*, which is before 1970 or after 2106"):
        convert(TIMED, chunked(columns() | {"when": when}), tmp_path / "d", Silent())
