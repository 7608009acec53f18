"""Bugs of the frames between a client and a server."""

from tests.mutants.planting import Bug

PS = "monolith/ps"

BUGS = [
    Bug(
        "What a broken stream left unanswered is forgotten",
        f"{PS}/stream.py",
        "self._queue = deque(self._asked)",
        "self._queue = deque()",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A frame that waits too long takes its stream with it",
        f"{PS}/stream.py",
        'self._fail(asked, grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")',
        "self._pump.cancel()",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "Only what waits longest is ever given up",
        f"{PS}/stream.py",
        "                self._alarm = loop.call_at(due, self._expire)\n                return\n",
        "                return\n",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A server that is never reached is tried forever",
        f"{PS}/stream.py",
        "asked.attempts += not answered",
        "asked.attempts += answered",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A frame that comes while the last message is sent is forgotten",
        f"{PS}/stream.py",
        "                while self._queue:\n                    for",
        "                if self._queue:\n                    for",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A large answer waits for the others of its bundle",
        f"{PS}/bundles.py",
        "        if size >= most or overdue():\n",
        "        if overdue():\n",
        "tests/unit/ps/test_exchange.py",
    ),
    Bug(
        "Who waits for others waits for all of them",
        f"{PS}/frame_service.py",
        "self._clock() > patient_until",
        "False",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "Small messages together are larger than one may be",
        f"{PS}/frame_service.py",
        "min(ANSWERED, self.limit)",
        "ANSWERED",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "What memory held before travels between arrays",
        "monolith/wire/blocks.py",
        "_PADDING[ALIGNMENT - over]\n        return",
        'b"?" * (ALIGNMENT - over)\n        return',
        "tests/unit/wire/test_blocks.py",
    ),
    Bug(
        "A frame meant for a server of before is answered",
        f"{PS}/frame_service.py",
        "not in {0, self._state.incarnation}",
        "in ()",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "A closing stream ends before its last answer",
        f"{PS}/exchange.py",
        "self._closing and not self._under_way and not self._finished",
        "self._closing and not self._finished",
        "tests/unit/ps/test_exchange.py",
    ),
    Bug(
        "A change that is sent again loses its stamp",
        f"{PS}/frames.py",
        "_STAMPED * (self.stamp is not None)",
        "0",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "A connection that died in silence is kept for a minute",
        f"{PS}/limits.py",
        '("grpc.http2.ping_timeout_ms", limits.ping_answer_ms)',
        '("grpc.http2.ping_timeout_ms", 60_000)',
        "tests/integration/ps/test_faults.py::test_a_line_that_dies_in_silence_is_replaced",
    ),
    Bug(
        "A target's connection that died in silence is kept",
        "monolith/wire/channel.py",
        '("grpc.http2.ping_timeout_ms", DEAD_MS)',
        '("grpc.http2.ping_timeout_ms", 60_000)',
        "tests/integration/sync/test_pushing.py::test_a_line_that_dies_in_silence_is_replaced",
    ),
    Bug(
        "Only what the last round set aside is told",
        "monolith/estimator/window.py",
        "self.set_aside + later.set_aside",
        "later.set_aside",
        "tests/unit/estimator/test_streaming.py",
    ),
]
