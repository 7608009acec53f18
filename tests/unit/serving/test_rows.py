"""Rows written by hand become the same batch as when HTTP carries them."""

import pytest

from monolith.core.errors import InvalidRequest
from monolith.serving.inputs import from_instances, from_tensors
from monolith.serving.rows import to_arrays
from monolith.testing.exports import SCHEMA
from monolith.wire.tensors import to_tensor


@pytest.mark.parametrize(
    "rows",
    [
        [{"user": 1, "genres": ["a", "b"], "age": [1, 2]}, {"user": 2, "genres": [], "age": [3, 4.5]}],
        [{"user": 1}, {"genres": "a"}, {}],
        [{"age": [-1, 0]}],
        [{"age": [1.5, 2]}, {}, {"user": 3}],
    ],
)
def test_tensors_mean_what_json_means(rows):
    tensors = {name: to_tensor(values) for name, values in to_arrays(rows).items()}
    sent, meant = from_tensors(SCHEMA, tensors), from_instances(SCHEMA, rows)
    for name, ids in meant.sparse.items():
        assert sent.sparse[name].fids.tolist() == ids.fids.tolist()
        assert sent.sparse[name].row_splits.tolist() == ids.row_splits.tolist()
    assert sent.dense["age"].tolist() == meant.dense["age"].tolist()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"age": [1.5, 2]}, {"age": 1.5}], "input 'age' has more numbers in some rows than in others"),
        ([{"user": 1}, {"user": "x"}], "input 'user' mixes kinds of values: int, str"),
        ([{"user": {}}], "input 'user' mixes kinds of values: dict"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows, told):
    with pytest.raises(InvalidRequest) as caught:
        to_arrays(rows)
    assert str(caught.value) == told
