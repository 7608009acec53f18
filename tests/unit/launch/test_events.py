"""Progress through a pipe arrives as it was told."""

import os

from hypothesis import given
from hypothesis import strategies as st

from monolith.core.progress import Progress, Rows
from monolith.launch.events import EventPipe, read_events, replay


class Recording:
    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, what: str, total: int | None, unit: str) -> None:
        self.told.append(("begin", what, total, unit))

    def advance(self, count: int = 1, **figures: float) -> None:
        self.told.append(("advance", count, figures))

    def say(self, sentence: str) -> None:
        self.told.append(("say", sentence))

    def show(self, sentence: str, table: Rows) -> None:
        self.told.append(("show", sentence, table))

    def end(self) -> None:
        self.told.append(("end",))


ROWS = st.dictionaries(st.text(), st.none() | st.integers() | st.floats(0, 1), max_size=2)
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.text(), st.none() | st.integers(0), st.text()),
        st.tuples(st.just("advance"), st.integers()),
        st.tuples(st.just("say"), st.text()),
        st.tuples(st.just("show"), st.text(), st.lists(ROWS, max_size=2)),
        st.tuples(st.just("end")),
    ),
    max_size=20,
)


def tell(progress: Progress, calls: list[tuple[object, ...]]) -> None:
    for name, *args in calls:
        getattr(progress, str(name))(*args)


@given(calls=CALLS, cut=st.booleans())
def test_pipe_carries_what_was_told(calls: list[tuple[object, ...]], cut: bool) -> None:
    reader, writer = os.pipe()
    tell(EventPipe(writer), calls)
    if cut:  # its writer died in the middle of a line
        os.write(writer, b'{"event": "sa')
    os.close(writer)
    heard, direct = Recording(), Recording()
    for event in read_events(reader):
        replay(event, heard)
    tell(direct, calls)
    assert heard.told == direct.told


def test_nobody_listening_is_no_harm() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    pipe = EventPipe(writer)
    pipe.say("anyone?")
    pipe.say("no")
    os.close(writer)
