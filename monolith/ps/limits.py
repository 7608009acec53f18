"""How much, how long, how often: what the two ends of a channel must agree on, said once."""

from __future__ import annotations

import json

import attrs

from monolith.core.errors import ConfigError
from monolith.wire.ps_training_pb2 import DESCRIPTOR

SERVICE = DESCRIPTOR.services_by_name["ParameterServerTraining"].full_name
# Of the same service, but not in its description: what travels there are frames and no messages.
EXCHANGE = "Exchange"

METADATA = 256 << 10
HEADS = 4 << 10  # of a message: what is neither ids nor rows
HANDSHAKE_MS = 5_000  # for whoever connects and then says nothing


@attrs.frozen(kw_only=True)
class Limits:
    """Of one channel. Times are in milliseconds, sizes in bytes.

    Raises:
        ConfigError: an answer to a chunk might not fit into a message, and would break the stream of others;
            or there is but one attempt, which gRPC refuses.
    """

    call_ms: int = 30_000  # deadline of a call that reads or changes memory
    storage_ms: int = 600_000  # deadline of a save or a restore
    margin_ms: int = 5_000  # a barrier's own timeout comes first, and tells more than the deadline
    message: int = 64 << 20  # largest message either side takes
    chunk: int = 2 << 20  # ids and rows of one message; more travels in several
    in_flight: int = 4  # messages of one client on their way to one shard at a time, of all its calls
    attempts: int = 5  # at a server that cannot be reached, with growing pauses of up to a second
    # A machine that loses its power closes no connection, and TCP notices minutes later.
    ping_every_ms: int = 10_000  # on a connection on which nothing comes
    # Without an answer in this time it is dead, and another is made. No sooner than a call's deadline: who
    # only stood still, or was cut off, may not end a job.
    ping_answer_ms: int = 30_000

    def __attrs_post_init__(self) -> None:
        if self.chunk + HEADS > self.message:
            said = f"chunk={self.chunk}, message={self.message}: a chunk must be {HEADS} bytes smaller"
            raise ConfigError([f"{said} than the largest message"])
        if self.attempts < 2:
            raise ConfigError([f"attempts={self.attempts}: must be at least 2, the first one counted"])


def client_options(limits: Limits) -> list[tuple[str, int | str]]:
    """Options of grpc for the asking side."""
    return [
        *_sizes(limits),
        *_pings(limits),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.enable_retries", 1),
        # A call whose request does not fit is never retried; the default is a quarter of a MiB.
        ("grpc.per_rpc_retry_buffer_size", limits.message),
        ("grpc.service_config", json.dumps(_service_config(limits))),
        # Two clients of one server in one process are two: one closed connection must not be shared.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def server_options(limits: Limits) -> list[tuple[str, int]]:
    """Options of grpc for the answering side."""
    return [
        *_sizes(limits),
        *_pings(limits),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        # Pings also measure a line. On a busy machine they come in heaps, for which a client is not cut off.
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.so_reuseport", 0),  # a port that is taken is an error, not half of the calls
    ]


def _pings(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.keepalive_time_ms", limits.ping_every_ms),
        ("grpc.keepalive_timeout_ms", limits.ping_answer_ms),
        ("grpc.http2.ping_timeout_ms", limits.ping_answer_ms),  # the default is a minute, and holds as well
        ("grpc.http2.max_pings_without_data", 0),  # any number: who waits for others hears nothing for long
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _sizes(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_send_message_length", limits.message),
        ("grpc.max_receive_message_length", limits.message),
        # An error tells both definitions of a table, or all tables' names; the default is 8 KiB.
        ("grpc.max_metadata_size", METADATA),
        ("grpc.absolute_max_metadata_size", 2 * METADATA),
    ]


def _service_config(limits: Limits) -> dict[str, object]:
    """Retry only what did not get through; every change carries what makes a second arrival harmless."""
    retry = {
        "maxAttempts": limits.attempts,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return {
        "methodConfig": [
            {"name": [{"service": SERVICE}], "retryPolicy": retry},
            {"name": [{"service": SERVICE, "method": EXCHANGE}]},  # which asks again by itself
        ]
    }
