"""A gRPC channel that is kept for long, to a server that may be another program's."""

from __future__ import annotations

# A machine that loses its power closes no connection, and TCP notices a quarter of an hour later. So one asks
# after an answer that is overdue; never without a call, which servers of others take for an attack.
OVERDUE_MS = 1_000
DEAD_MS = 3_000  # a connection on which nobody says anything for so long after that


def kept_open(connect_ms: int) -> list[tuple[str, int]]:
    """Options of grpc; one try to connect may take `connect_ms` milliseconds."""
    return [
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", connect_ms),  # in truth how long a try may take
        ("grpc.max_reconnect_backoff_ms", 1_000),  # the default is two minutes: how late a return is noticed
        ("grpc.max_send_message_length", -1),  # the server says what it takes
        ("grpc.use_local_subchannel_pool", 1),  # a slow server must not share its connection with another
        ("grpc.keepalive_time_ms", OVERDUE_MS),
        ("grpc.keepalive_timeout_ms", DEAD_MS),
        ("grpc.http2.ping_timeout_ms", DEAD_MS),  # the default is a minute, and holds as well
    ]
