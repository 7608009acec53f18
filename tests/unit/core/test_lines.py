"""Lines that are appended are whole, whatever a crash left."""

from hypothesis import given
from hypothesis import strategies as st

from monolith.core.lines import append_line

LINES = st.lists(st.binary(min_size=1).map(lambda line: line.replace(b"\n", b".")), max_size=4)


@given(before=LINES, torn=st.binary().map(lambda rest: rest.replace(b"\n", b".")), after=LINES)
def test_what_was_torn_goes_and_no_line_does(tmp_path_factory, before, torn, after):
    path = tmp_path_factory.mktemp("lines") / "file.jsonl"
    for line in before:
        append_line(path, line)
    with path.open("ab") as file:
        file.write(torn)
    for line in after:
        append_line(path, line)
    left = path.read_bytes() if path.exists() else b""
    assert left == b"".join(line + b"\n" for line in before + after) + (b"" if after else torn)
