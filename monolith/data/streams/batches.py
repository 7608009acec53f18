"""The batches of a stream: rows of messages, as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import attrs

from monolith.core.batch import Batch
from monolith.data.reading import Bookmark
from monolith.data.rows import joined
from monolith.data.streams.dead_letters import DeadLetters
from monolith.data.streams.decoding import Decoder
from monolith.data.streams.held import HeldRows
from monolith.data.streams.log import Message, Offsets, Reader, as_text
from monolith.data.streams.silence import Silence


@attrs.frozen(kw_only=True)
class Flow:
    """How a stream is cut into batches, and when it is over."""

    batch_size: int
    wait_s: float  # how long a row may wait for its batch to fill
    silence: Silence
    timer: Callable[[], float]  # seconds since any moment


class StreamBatches:
    """As `Batches` promises, of the messages of `reader` from `offsets` on.

    What comes is given within `wait_s`, be the batch full or not; a batch without rows says that nothing
    came. `position` counts the batches with rows. `elsewhere`: what bookmarks say of what is not read here.
    """

    total = None

    def __init__(
        self,
        reader: Reader,
        offsets: Offsets,
        decoder: Decoder,
        dead: DeadLetters,
        flow: Flow,
        elsewhere: Bookmark = Bookmark(),
    ) -> None:
        self._reader = reader
        self._elsewhere = elsewhere
        self._decoder = decoder
        self._dead = dead
        self._flow = flow
        self._held = HeldRows(offsets)
        self._marks: deque[tuple[int, Offsets]] = deque([(0, self._held.offsets)])  # after so many batches
        self.position = 0

    @property
    def set_aside(self) -> int:
        return self._dead.count

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self._fill()
        taken = self._held.take(self._flow.batch_size)
        if not taken:
            self._marks[-1] = (self.position, self._held.offsets)  # poison may have passed
            if self._flow.silence.over:
                raise StopIteration
            return self._decoder.empty()
        self.position += 1
        self._marks.append((self.position, self._held.offsets))
        return joined(taken)

    def bookmark(self, given: int) -> Bookmark:
        """Where to go on after the first `given` batches; earlier ones may not be asked for again."""
        while self._marks[0][0] < given:
            self._marks.popleft()
        here = as_text(self._marks[0][1].items())
        return attrs.evolve(self._elsewhere, offsets={**self._elsewhere.offsets, **here})

    def saved(self, given: int) -> None:
        """A checkpoint holds what the first `given` batches taught: let those see it who watch the log."""
        self.bookmark(given)
        self._reader.commit(self._marks[0][1])

    def close(self) -> None:
        self._reader.close()

    def _fill(self) -> None:
        """Hold a whole batch, or what came in time."""
        size, timer, silence = self._flow.batch_size, self._flow.timer, self._flow.silence
        until = timer() + self._flow.wait_s
        while self._held.rows < size and not silence.over and (now := timer()) < until:
            messages = self._reader.poll(self._decoder.at_once(size - self._held.rows), until - now)
            silence.lasted(timer() - now, messages)
            self._take_in(messages)

    def _take_in(self, messages: Sequence[Message]) -> None:
        for piece in self._decoder.decode(messages):
            self._held.add(piece)
            if piece.poison:
                self._dead.put(piece.poison)


class NoBatches:
    """What a worker reads that has no partition: nothing."""

    position, total, set_aside = 0, None, 0

    def __init__(self, elsewhere: Bookmark) -> None:
        self._elsewhere = elsewhere

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        raise StopIteration

    def bookmark(self, given: int) -> Bookmark:  # noqa: ARG002
        return self._elsewhere

    def saved(self, given: int) -> None: ...
    def close(self) -> None: ...
