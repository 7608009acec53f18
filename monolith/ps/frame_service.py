"""From a frame to its answer: decode, ask the shard, encode.

What a call of its own tells by a status, a frame tells by the same status as its answer, so that one that
is refused leaves its stream as it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from itertools import takewhile

from google.protobuf.message import DecodeError

from monolith.core.errors import MonolithError, ShardRestarted
from monolith.ps import frames
from monolith.ps.api import Applied
from monolith.ps.bundles import ANSWERED, bundled, frames_of
from monolith.ps.counts import Clock
from monolith.ps.found_frame import FoundFrame
from monolith.ps.frames import NUMBER, Request
from monolith.ps.state import ShardState
from monolith.wire.framing import Buffer
from monolith.wire.status import broken, malformed, to_status, too_large

LOG = logging.getLogger(__name__)

PATIENCE_S = 0.002  # of answers that wait for others: as long as it takes to look up some thousand rows


class FrameService:
    """Answers frames for `state`; an answer of more than `limit` bytes is refused. `clock` gives seconds."""

    def __init__(self, state: ShardState, limit: int, clock: Clock = time.monotonic) -> None:
        self._state = state
        self.limit = limit
        self._clock = clock

    def answers(self, message: bytes, stopped: Callable[[], bool]) -> Iterator[Buffer]:
        """The messages that answer one, until `stopped`: what it holds beyond that stays undone.

        An answer waits for others for `PATIENCE_S`, and for one more if that takes longer.

        Raises:
            DecodeError: it is no message; what it held before that is answered.
        """
        patient_until = self._clock() + PATIENCE_S
        asked = takewhile(lambda _: not stopped(), frames_of(message))
        most = min(ANSWERED, self.limit)
        return bundled(map(self.answer, asked), most, lambda: self._clock() > patient_until)

    def answer(self, frame: Buffer) -> bytes:
        number = frame[:NUMBER]
        try:
            return self._asked(number, Request.of(frame))
        except DecodeError as error:
            _, details = malformed(f"the frame cannot be read: {error}")
        except MonolithError as error:
            _, details = to_status(error)
        except Exception as error:  # whoever asked must not wait in vain
            LOG.exception("a frame could not be answered")
            details = broken(error)
        return _refused(number, details)

    def _asked(self, number: Buffer, request: Request) -> bytes:
        if request.incarnation not in {0, self._state.incarnation}:
            raise ShardRestarted(self._state.shard)
        if request.lookups is None:
            return b"".join((number, *frames.applied_parts(self._applied(request))))
        answer = FoundFrame(request.lookups, half=request.half)
        if answer.size > self.limit:
            return _refused(number, too_large(answer.size, self.limit))
        return answer.filled(number, self._state.lookup)

    def _applied(self, request: Request) -> list[Applied]:
        return self._state.apply(request.updates or (), request.stamp)


def _refused(number: Buffer, details: bytes) -> bytes:
    return b"".join((number, *frames.refused_parts(details)))
