"""A manifest is written and read back whole, or refused by name."""

import json
import math
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.manifest import Manifest
from monolith.core.errors import CheckpointMismatch, CheckpointUnreadable
from monolith.testing.small_job import TABLES

PATH = Path("model/checkpoint-3.json")
ROWS = FileEntry(name="b", kind="rows", size=100, crc32c=2**32 - 1, table="item", shard=1, count=9)
DENSE = FileEntry(name="a", kind="dense", size=20, crc32c=0)


def manifest(**changes):
    return Manifest(
        **{"step": 3, "model": "m", "tables": TABLES, "shards": 2, "files": [ROWS, DENSE], **changes}
    )


def resealed(document):
    """`document` with a checksum that fits, as one who means well could have written it."""

    def text(value):
        return json.dumps(value, indent=1).encode() + b"\n"

    return text({**document, "crc32c": google_crc32c.value(text(document))})


def document(**changes):
    plain = json.loads(manifest().to_json())
    del plain["crc32c"]
    return {**plain, **changes}


@given(
    step=st.integers(0, 2**62),
    position=st.dictionaries(st.integers(0, 1000), st.integers(0, 2**62)),
    quality=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    config=st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
    ),
)
def test_what_is_written_is_read_back(**fields):
    one = manifest(folder="checkpoint-3", **fields)
    assert Manifest.from_json(one.to_json(), PATH) == one


def test_order_does_not_change_the_bytes():
    turned = manifest(
        files=[DENSE, ROWS], tables=dict(reversed(TABLES.items())), position={2: 1, 10: 1, 1: 1}
    )
    assert turned.to_json() == manifest(position={1: 1, 2: 1, 10: 1}).to_json()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_figure_that_is_no_number_is_null(value):
    text = manifest(quality={"auc": value}).to_json()
    assert json.loads(text)["quality"] == {"auc": None}
    assert math.isnan(Manifest.from_json(text, PATH).quality["auc"])


def test_settings_of_any_type_are_written():
    config = {"path": Path("a/b"), "rate": np.float32(0.5), "steps": np.int64(3), "names": ("a", "b")}
    back = Manifest.from_json(manifest(config=config).to_json(), PATH)
    assert back.config == {"path": "a/b", "rate": 0.5, "steps": 3, "names": ["a", "b"]}


def test_rows_and_size_are_summed():
    assert (manifest().rows, manifest().size) == (9, 120)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cut short or altered"),
        (b"[]", "cut short or altered"),
        (b"{}", "cut short or altered"),
        (b"[" * 100_000, "cut short or altered"),
        (b"\xff", "cut short or altered"),
        (b'{"crc32c": 0}', "checksum does not fit"),
        (resealed(document(extra=1)), "is not a manifest"),
        (resealed(document(files=[{"name": "a"}])), "is not a manifest"),
        (resealed(document(position={"x": 1})), "is not a manifest"),
        (resealed(document(tables=[])), "is not a manifest"),
        (resealed(document(tables={"t": {"kind": "zeros"}})), "a table is expected"),
        (resealed(document(tables={"t": {"kind": "lamp"}})), "kind 'lamp' is not known"),
    ],
)
def test_what_is_no_manifest_is_refused_by_name(content, said):
    with pytest.raises(CheckpointUnreadable, match=said) as caught:
        Manifest.from_json(content, PATH)
    assert caught.value.path == str(PATH)


def test_another_format_is_no_damage():
    said = "has format 2, and this program reads 1: use the monolith that wrote it"
    with pytest.raises(CheckpointMismatch, match=said) as caught:
        Manifest.from_json(resealed(document(format=2)), PATH)
    assert caught.value.path == str(PATH)
