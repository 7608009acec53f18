"""The answering side of the streams that carry frames.

One thread of a stream waits for its next message. It answers it itself, since waking another thread would
take longer than most answers; with a large one it first lets another thread wait in its place, so that
rows are looked up while others travel.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc

from monolith.aio.daemon_pool import DaemonPool
from monolith.ps.calls import Calls
from monolith.ps.frame_service import FrameService
from monolith.wire.framing import Buffer

LOG = logging.getLogger(__name__)

LARGE = 256 << 10  # bytes of a message
UNDER_WAY = 8  # messages of one stream that are answered at a time; the client's next wait in the socket
THREADS = 2048  # made as they come: one a stream, and one a large message; a stream without one is refused

Answer = Callable[[bytes, Callable[[], bool]], Iterable[Buffer]]  # messages to one, until it is closing
Send = Callable[[Buffer | None], None]  # None ends the stream


class Exchange:
    """Answers the frames of all streams, each counted in `calls` until its answer has left."""

    def __init__(self, service: FrameService, calls: Calls, threads: int = THREADS) -> None:
        self.frame_limit = service.limit
        self._answer = service.answers
        self._calls = calls
        self._threads = DaemonPool(threads, "ps-exchange")
        self._lock = threading.Lock()
        self._streams: set[_Stream] = set()
        self._closed = False

    def handler(self) -> grpc.RpcMethodHandler:
        def begin(frames: Iterator[bytes], context: grpc.ServicerContext, send: Send) -> None:
            self._begin(frames, context, send)

        # grpc's own hook for handlers that answer from several threads, and keep none of the server's own.
        begin.experimental_non_blocking = True  # type: ignore[attr-defined]
        behaviour: Any = begin
        return grpc.stream_stream_rpc_method_handler(behaviour)

    def close(self) -> None:
        """Take no further frames; each stream ends when those under way are answered."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.close()

    def join(self, seconds: float) -> None:
        """Wait for the threads, once the server has ended all calls; one that is stuck is left to itself."""
        self._threads.join(seconds)

    def _begin(self, frames: Iterator[bytes], context: grpc.ServicerContext, send: Send) -> None:
        stream = _Stream(frames, context, send, self._answer, self._calls, self._threads)
        with self._lock:
            self._streams.add(stream)
            closed = self._closed
        if closed or not context.add_callback(lambda: self._forget(stream)):
            self._forget(stream)
            stream.close()
        elif not self._threads.submit(stream.lead):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "this server has no thread for another stream")

    def _forget(self, stream: _Stream) -> None:
        with self._lock:
            self._streams.discard(stream)


class _Stream:
    """One client's frames, and the threads that answer them."""

    def __init__(
        self,
        frames: Iterator[bytes],
        context: grpc.ServicerContext,
        send: Send,
        answer: Answer,
        calls: Calls,
        threads: DaemonPool,
    ) -> None:
        self._frames = frames
        self._context = context
        self._send = send
        self._answer = answer
        self._calls = calls
        self._threads = threads
        self._sending = threading.Lock()  # grpc takes one message at a time
        self._lock = threading.Lock()
        self._under_way = 0
        self._closing = False
        self._finished = False

    def lead(self) -> None:
        """Answer messages until another thread waits for the next, or there is none.

        A stream on which one finds no answer, not even a refusal, is broken off: its client opens
        another, and sends again what was not answered.
        """
        try:
            self._lead()
        except Exception:
            LOG.exception("a stream of frames is broken off")
            with self._lock:
                self._closing = self._finished = True
            self._context.cancel()

    def _lead(self) -> None:
        while (message := self._next()) is not None and self._begun():
            followed = self._followed(message)
            try:
                with self._calls.counted():
                    for reply in self._answer(message, lambda: self._closing):
                        self._reply(reply)
            finally:
                self._ended()
            if followed:
                return
        self.close()

    def close(self) -> None:
        """Answer no further frames, and end the stream when those under way are answered."""
        with self._lock:
            self._closing = True
        self._finish()

    def _next(self) -> bytes | None:
        try:
            return next(self._frames, None)
        except grpc.RpcError:  # the client has left
            return None

    def _begun(self) -> bool:
        with self._lock:
            self._under_way += not self._closing
            return not self._closing

    def _ended(self) -> None:
        with self._lock:
            self._under_way -= 1
        self._finish()

    def _followed(self, message: bytes) -> bool:
        """Whether another thread now waits for the next message."""
        if len(message) < LARGE or self._under_way >= UNDER_WAY:
            return False
        return self._threads.submit(self.lead)

    def _finish(self) -> None:
        with self._lock:
            due = self._closing and not self._under_way and not self._finished
            self._finished |= due
        if due:
            self._reply(None)

    def _reply(self, message: Buffer | None) -> None:
        with self._sending:
            self._send(message)
