"""A loaded version predicts what can be worked out by hand, and is refused when a byte of it is wrong."""

import errno
import shutil

import numpy as np
import pytest

from monolith.core.batch import Batch
from monolith.core.errors import EmbeddingsMissing, ServingError, VersionUnready
from monolith.core.raw_ids import to_fids
from monolith.serving.columns import RawColumn, empty_batch, to_batch
from monolith.serving.live import LiveTable
from monolith.serving.manifest import ServedTable
from monolith.serving.model import ServingModel
from monolith.table.compressors import decode, encode
from monolith.table.config import FixedR8, Fp16, OneBit
from monolith.table.rows import TableRows
from monolith.testing.exports import GENRES, SCHEMA, USERS, tiny_prediction, write_tiny_export
from monolith.testing.unreadable import unreadable

ROWS = [
    (1, ["comedy", "drama"], (1.0, 2.0)),
    (2, ["noir"], (0.0, -1.0)),
    (2**60, ["noir", "drama", "comedy"], (0.5, 0.5)),  # first_n keeps two
    (3, ["western"], (0.0, 0.0)),  # neither has a row
    (1, [], (0.0, 0.0)),
]


def batch_of(rows):
    users, genres, ages = (list(column) for column in zip(*rows, strict=True))
    return to_batch(
        SCHEMA,
        {
            "user": RawColumn.of_rows("user", users),
            "genres": RawColumn.of_rows("genres", genres),
            "age": RawColumn.of_array("age", np.array(ages)),
        },
    )


def test_predictions_are_what_they_must_be(tiny_model):
    found = tiny_model.predict(batch_of(ROWS)).outputs["prediction"]
    np.testing.assert_allclose(found, [tiny_prediction(*row) for row in ROWS], rtol=1e-6)


@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.ESTALE], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["manifest.json", "dense.onnx", "table-0.safetensors", "warmup.records"])
def test_a_file_that_cannot_be_read_may_be_later(tmp_path, name, error):
    write_tiny_export(tmp_path, 1)
    path = tmp_path / "1" / name
    with pytest.raises(VersionUnready) as caught, unreadable(path, error):
        ServingModel.load(path.parent)
    assert str(path) in str(caught.value)
    ServingModel.load(path.parent)


def test_rows_do_not_see_their_neighbours(tiny_model):
    alone = [tiny_model.predict(batch_of([row])).outputs["prediction"][0] for row in ROWS]
    np.testing.assert_allclose(tiny_model.predict(batch_of(ROWS)).outputs["prediction"], alone, rtol=1e-6)


def test_unknown_ids_are_counted(tiny_model):
    answer = tiny_model.predict(batch_of(ROWS))
    assert (answer.ids, answer.unknown) == (len(USERS) + 1 + len(GENRES) + 1, 2)


def test_feature_that_is_missing_has_no_ids(tiny_model):
    full = empty_batch(SCHEMA, 3)
    bare = Batch({}, full.dense, full.labels, full.weights)
    assert tiny_model.predict(bare).outputs["prediction"].tolist() == [0.5] * 3


def test_no_rows_give_no_predictions(tiny_model):
    assert tiny_model.predict(empty_batch(SCHEMA, 0)).outputs["prediction"].shape == (0,)


@pytest.mark.parametrize(("bits", "close"), [(8, 0.02), (16, 1e-4)])
def test_quantised_rows_predict_nearly_the_same(tmp_path, bits, close):
    write_tiny_export(tmp_path, bits=bits)
    found = ServingModel.load(tmp_path / "1").predict(batch_of(ROWS)).outputs["prediction"]
    np.testing.assert_allclose(found, [tiny_prediction(*row) for row in ROWS], atol=close)


@pytest.mark.parametrize(
    ("compressor", "exact"),
    [
        (Fp16(), True),  # its rows are multiples of a quarter
        (FixedR8(2.0), True),
        (FixedR8(0.5), False),
        (OneBit(), False),
    ],
    ids=str,
)
def test_rows_are_served_as_their_compressors_say(tmp_path, compressor, exact):
    """The second value of each row; the first is kept as it is."""
    tables = write_tiny_export(tmp_path, compressor=compressor).tables
    model = ServingModel.load(tmp_path / "1")
    users, values = np.array(list(USERS)), np.array(list(USERS.values()), np.float32)
    served = values.copy()
    served[:, 1:] = decode(compressor, encode(compressor, values[:, 1:]))
    fids = to_fids(SCHEMA["user"], users.astype(object))
    np.testing.assert_array_equal(model.tables["users"].find(fids)[0], served)
    assert tables["users"].max_error == np.abs(values - served).max()
    assert (tables["users"].max_error == 0) == exact


@pytest.mark.parametrize(
    "name", ["manifest.json", "dense.onnx", "table-0.safetensors", "table-1.safetensors", "warmup.records"]
)
def test_any_wrong_byte_is_noticed(tiny_folder, tmp_path, name):
    """Every 7th byte is flipped, and the file is cut at every 7th length: it is always noticed, and named."""
    shutil.copytree(tiny_folder, tmp_path / "1")
    path = tmp_path / "1" / name
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        for wrong in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            path.write_bytes(wrong)
            with pytest.raises(ServingError, match=name):
                ServingModel.load(tmp_path / "1")


@pytest.mark.parametrize("name", ["manifest.json", "dense.onnx", "table-0.safetensors", "warmup.records"])
def test_missing_file_is_named(tiny_folder, tmp_path, name):
    shutil.copytree(tiny_folder, tmp_path / "1")
    (tmp_path / "1" / name).unlink()
    with pytest.raises(ServingError, match=rf"{name}.*is missing"):
        ServingModel.load(tmp_path / "1")


def test_export_without_embeddings_is_refused(tmp_path):
    write_tiny_export(tmp_path, embeddings=False)
    with pytest.raises(ServingError, match="without the embeddings of genres, users: export it again"):
        ServingModel.load(tmp_path / "1")


def test_tables_that_are_live_are_not_read(tiny_model, tmp_path):
    write_tiny_export(tmp_path, embeddings=False, bias=1.0)
    model = ServingModel.load(tmp_path / "1", tiny_model.tables)
    found = model.predict(batch_of(ROWS)).outputs["prediction"]
    np.testing.assert_allclose(found, [tiny_prediction(*row, bias=1.0) for row in ROWS], rtol=1e-6)


def test_live_tables_of_another_width_are_refused(tiny_model, tmp_path):
    write_tiny_export(tmp_path, embeddings=False)
    rows = TableRows(*(np.empty(shape, dtype) for shape, dtype in ((0, int), ((0, 3), "f4"), ((0, 0), "f4"))))
    wide = {**tiny_model.tables, "genres": LiveTable(ServedTable(dim=3, rows=0), rows)}
    with pytest.raises(
        EmbeddingsMissing, match="takes 2 values for 'genres', and the rows of table 'genres'"
    ):
        ServingModel.load(tmp_path / "1", wide)


def test_warm_up_predicts_what_came_along(tiny_model, monkeypatch):
    asked = []
    monkeypatch.setattr(ServingModel, "predict", lambda self, batch: asked.append(len(batch)))
    tiny_model.warm_up()
    assert asked == [2]
