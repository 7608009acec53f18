"""From a frame to its answer: decode, ask the shard, encode.

What a call of its own tells by a status, a frame tells by the same status as its answer, so that one that
is refused leaves its stream as it was.
"""

from __future__ import annotations

import logging

from google.protobuf.message import DecodeError

from monolith.core.errors import MonolithError, ShardRestarted
from monolith.ps import frames
from monolith.ps.frames import NUMBER, Request
from monolith.ps.state import ShardState
from monolith.wire.framing import Buffer
from monolith.wire.status import broken, malformed, to_status, too_large

LOG = logging.getLogger(__name__)


class FrameService:
    """Answers frames for `state`; an answer of more than `limit` bytes is refused."""

    def __init__(self, state: ShardState, limit: int) -> None:
        self._state = state
        self.limit = limit

    def answer(self, frame: bytes) -> bytes:
        number = frame[:NUMBER]
        answer = b"".join((number, *self._parts(frame)))
        if len(answer) <= self.limit:
            return answer
        return b"".join((number, *frames.refused_parts(too_large(len(answer), self.limit))))

    def _parts(self, frame: bytes) -> list[Buffer]:
        try:
            return self._asked(Request.of(frame))
        except DecodeError as error:
            _, details = malformed(f"the frame cannot be read: {error}")
        except MonolithError as error:
            _, details = to_status(error)
        except Exception as error:  # whoever asked must not wait in vain
            LOG.exception("a frame could not be answered")
            details = broken(error)
        return frames.refused_parts(details)

    def _asked(self, request: Request) -> list[Buffer]:
        if request.incarnation not in {0, self._state.incarnation}:
            raise ShardRestarted(self._state.shard)
        if request.lookups is not None:
            return frames.found_parts(self._state.lookup(request.lookups), half=request.half)
        return frames.applied_parts(self._state.apply(request.updates or (), request.stamp))
