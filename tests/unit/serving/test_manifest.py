"""The manifest says the same after a journey through its file, and notices when it was tampered with."""

import pytest

from monolith.checkpoint.sealed import sealed
from monolith.core.errors import ServingError
from monolith.serving.manifest import FORMAT, MANIFEST, read_manifest
from monolith.testing.exports import write_tiny_export


def test_manifest_reads_as_it_was_written(tmp_path):
    written = write_tiny_export(tmp_path, 3, bits=8)
    assert read_manifest(tmp_path / "3") == written


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is missing"),
        (b"", "is cut short or altered"),
        (sealed({"format": FORMAT}), "is not the manifest of an exported model: 'schema'"),
        (
            sealed({"format": FORMAT + 1}),
            f"{MANIFEST} has format {FORMAT + 1}, and this program reads {FORMAT}: serve it with",
        ),
    ],
)
def test_what_is_no_manifest_is_named(tmp_path, content, told):
    if content is not None:
        (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(ServingError) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path / MANIFEST) in str(caught.value)
    assert told in str(caught.value)
