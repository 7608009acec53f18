"""Which rows are for training, validation and the test."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.errors import SchemaError
from monolith.core.schema import Split
from monolith.data.raw import Chunk
from monolith.data.splits import assigner, by_time
from tests.unit.data.conftest import chunked


def assigned(split, held, size=50):
    chunks = chunked(held, size)
    assign = assigner(split, chunks)
    return np.concatenate([assign(chunk) for chunk in chunks()])


def test_the_latest_rows_are_the_test():
    times = np.random.default_rng(0).permutation(100)
    for values in (times, times.astype(str).astype(object), times.astype("datetime64[s]")):
        places = assigned(Split(time="t", valid=0.1, test=0.2), {"t": values})
        assert [sorted(times[places == p]) for p in range(3)] == [
            list(range(70)),
            list(range(70, 80)),
            list(range(80, 100)),
        ]


def test_rows_of_one_moment_keep_their_order():
    times = np.random.default_rng(0).integers(0, 3, 1000).astype(np.float64)
    in_order = sorted(range(1000), key=times.__getitem__)  # Python's sort is stable
    assert by_time(times, Split(valid=0.2, test=0.1))[in_order].tolist() == [0] * 700 + [1] * 200 + [2] * 100


def test_no_share_means_no_rows():
    assert by_time(np.arange(5.0), Split(valid=0.0, test=0.0)).tolist() == [0] * 5
    assert set(assigned(Split(valid=0.0, test=0.0), {"x": np.arange(500)})) == {0}


def test_lots_fall_as_asked():
    places = assigned(Split(valid=0.1, test=0.3), {"x": np.arange(20_000)})
    shares = np.bincount(places) / len(places)
    assert shares == pytest.approx([0.6, 0.1, 0.3], abs=0.015)


def test_lots_depend_on_seed_and_row_alone():
    held = {"x": np.arange(500)}
    assert assigned(Split(seed=1), held).tolist() == assigned(Split(seed=1), held, size=7).tolist()
    assert assigned(Split(seed=1), held).tolist() != assigned(Split(seed=2), held).tolist()


WRONG = {
    "word": (["2017-01-01T10:00:00", "noon"], "'noon', which is neither a number nor a timestamp"),
    "no time": (["2017-01-01", ""], "'', which is neither"),
    "null": (["2017-01-01", None], "None, which is neither"),
    "no number": (["1", ""], "'', which is not a number"),
    "text among numbers": (["1", "2017-01-01"], "'2017-01-01', which is not a number"),
}


@pytest.mark.parametrize(("times", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_time_is_named(times, said):
    chunk = Chunk({"t": np.array(times, object)}, "log.csv", 5)
    with pytest.raises(SchemaError, match=f"log.csv: row 6: column 't' is {said}"):
        assigner(Split(time="t"), lambda: [chunk])


def test_a_time_that_is_not_is_named():
    chunk = Chunk({"t": np.array(["2017-01-01", "NaT"], "datetime64[s]")}, "log.parquet")
    with pytest.raises(SchemaError, match=r"row 2: column 't' is .*, which is neither"):
        assigner(Split(time="t"), lambda: [chunk])


def test_written_timestamps_are_ordered():
    held = {"t": np.array(["2017-03-01", "2016-01-01T10:00", "2017-01-01 00:00:01Z"], object)}
    assert assigned(Split(time="t", valid=0.3, test=0.3), held).tolist() == [2, 0, 1]
