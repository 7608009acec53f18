"""What an error is called over gRPC and over HTTP."""

from __future__ import annotations

import logging
from typing import NamedTuple

from monolith.core.errors import InvalidRequest, ModelNotFound, MonolithError, ServerBusy

log = logging.getLogger(__name__)


class Status(NamedTuple):
    """`code` is a canonical status code's name, `http` the number that TensorFlow Serving gives for it."""

    code: str
    http: int


_INTERNAL = Status("INTERNAL", 500)
_STATUS: dict[type[MonolithError], Status] = {
    InvalidRequest: Status("INVALID_ARGUMENT", 400),
    ModelNotFound: Status("NOT_FOUND", 404),
    ServerBusy: Status("UNAVAILABLE", 503),
}


def status_of(exc: MonolithError) -> Status:
    """The status of an error; of one that the caller can do nothing about, INTERNAL."""
    return next((status for kind, status in _STATUS.items() if isinstance(exc, kind)), _INTERNAL)


def answered(exc: MonolithError) -> Status:
    """The same, for an answer that goes out: what is our fault is logged, since the caller cannot mend it."""
    status = status_of(exc)
    if status is _INTERNAL:
        log.error("a request was answered %s: %s", status.code, exc, exc_info=exc)
    return status
