"""Our errors as a status, and back. One table; nobody reads the text of a message to learn what happened.

A gRPC status carries google.rpc.ErrorInfo: `reason` says which error, `metadata` its attributes and notes
as JSON. Replies of the reference protocol have a number instead, `status_code`, from the same table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from monolith.core import errors

DOMAIN = "monolith"
DETAILS = "grpc-status-details-bin"  # where gRPC's richer error model keeps a google.rpc.Status
NOTES = "__notes__"  # of an exception, where Python keeps them
IN_BAND_OK, IN_BAND_FAILED, IN_BAND_CANCELLED = 0, 1, 2


class Row(NamedTuple):
    """How one class of errors crosses a socket."""

    error: type[errors.MonolithError]
    code: StatusCode
    reason: str
    attributes: tuple[str, ...]
    in_band: int = IN_BAND_FAILED


_BARRIER = ("shard", "barrier", "worker")
TABLE = (
    Row(errors.ConfigError, StatusCode.INVALID_ARGUMENT, "INVALID_CONFIGURATION", ("problems",)),
    Row(errors.PsError, StatusCode.INTERNAL, "FAILED", ("shard",)),
    Row(errors.ShardUnavailable, StatusCode.UNAVAILABLE, "UNAVAILABLE", ("shard",), IN_BAND_CANCELLED),
    Row(errors.ShardRestarted, StatusCode.FAILED_PRECONDITION, "RESTARTED", ("shard", "checkpoint")),
    Row(errors.TableNotFound, StatusCode.NOT_FOUND, "TABLE_NOT_FOUND", ("shard", "table", "known")),
    Row(errors.TableConflict, StatusCode.ALREADY_EXISTS, "TABLE_CONFLICT", ("shard", "table")),
    Row(errors.DenseNotFound, StatusCode.NOT_FOUND, "DENSE_NOT_FOUND", ("shard", "tensor")),
    Row(
        errors.DimensionMismatch,
        StatusCode.INVALID_ARGUMENT,
        "DIMENSION_MISMATCH",
        ("shard", "expected", "got"),
    ),
    Row(
        errors.GradientNotFinite,
        StatusCode.INVALID_ARGUMENT,
        "GRADIENT_NOT_FINITE",
        ("shard", "fid", "value"),
    ),
    Row(errors.BarrierError, StatusCode.ABORTED, "BARRIER_FAILED", _BARRIER),
    Row(
        errors.BarrierTimedOut,
        StatusCode.DEADLINE_EXCEEDED,
        "BARRIER_TIMED_OUT",
        (*_BARRIER, "arrived", "expected", "missing", "after_ms"),
    ),
    Row(errors.BarrierMisused, StatusCode.FAILED_PRECONDITION, "BARRIER_MISUSED", (*_BARRIER, "problem")),
    Row(errors.BarrierRpcError, StatusCode.ABORTED, "BARRIER_RPC_FAILED", _BARRIER),
    Row(errors.RemoteError, StatusCode.UNKNOWN, "UNKNOWN", ("shard", "code")),
    Row(errors.CheckpointError, StatusCode.INTERNAL, "CHECKPOINT_FAILED", ("path",)),
    Row(errors.CheckpointNotFound, StatusCode.NOT_FOUND, "CHECKPOINT_NOT_FOUND", ("path",)),
    Row(errors.CheckpointUnreadable, StatusCode.DATA_LOSS, "CHECKPOINT_UNREADABLE", ("path",)),
    Row(errors.CheckpointIncomplete, StatusCode.DATA_LOSS, "CHECKPOINT_INCOMPLETE", ("path",)),
    Row(errors.CheckpointInaccessible, StatusCode.INTERNAL, "CHECKPOINT_INACCESSIBLE", ("path",)),
    Row(errors.CheckpointMismatch, StatusCode.FAILED_PRECONDITION, "CHECKPOINT_MISMATCH", ("path",)),
    Row(errors.CheckpointFormat, StatusCode.FAILED_PRECONDITION, "CHECKPOINT_FORMAT", ("path", "found")),
)
_CODES = {code.value[0]: code for code in StatusCode}
_BY_ERROR = {row.error: row for row in TABLE}
_BY_REASON = {row.reason: row for row in TABLE}


def row_of(error: errors.MonolithError) -> Row:
    """The row of the error's class, or of the nearest class above it that has one."""
    for kind in type(error).__mro__:
        if kind in _BY_ERROR:
            return _BY_ERROR[kind]
    return _BY_ERROR[errors.RemoteError]


def malformed(message: str) -> tuple[StatusCode, bytes]:
    """What a body that cannot be parsed is answered with."""
    return StatusCode.INVALID_ARGUMENT, _details(StatusCode.INVALID_ARGUMENT, message, "MALFORMED", {})


def too_large(size: int, limit: int) -> bytes:
    """Details of an answer that its own server may not send."""
    message = f"Sent message larger than max ({size} vs. {limit})"
    return _details(StatusCode.RESOURCE_EXHAUSTED, message, "TOO_LARGE", {})


def broken(error: Exception) -> bytes:
    """Details of a failure that nobody foresaw, in gRPC's words for such."""
    return _details(StatusCode.UNKNOWN, f"Exception calling application: {error}", "BROKEN", {})


def to_status(error: errors.MonolithError) -> tuple[StatusCode, bytes]:
    """The code of `error`, and its details for the trailing metadata `DETAILS`."""
    row = row_of(error)
    told = (*row.attributes, NOTES)
    held = {name: json.dumps(getattr(error, name, None), default=str) for name in told}
    return row.code, _details(row.code, error.args[0], row.reason, held)


def from_status(trailing: Iterable[tuple[str, str | bytes]]) -> errors.MonolithError | None:
    """The error that `to_status` told, with its type, text and attributes; None if none of ours is there."""
    for key, value in trailing:
        if key == DETAILS and isinstance(value, bytes):
            return _from_details(value)
    return None


def code_of(details: bytes) -> tuple[StatusCode, str]:
    """The code and the message of any status; of what is none, UNKNOWN."""
    try:
        status = Status.FromString(details)
    except DecodeError:
        return StatusCode.UNKNOWN, "it gave no reason that can be read"
    return _CODES.get(status.code, StatusCode.UNKNOWN), status.message


def _details(code: StatusCode, message: str, reason: str, held: dict[str, str]) -> bytes:
    status = Status(code=code.value[0], message=message)
    status.details.add().Pack(ErrorInfo(reason=reason, domain=DOMAIN, metadata=held))
    told: bytes = status.SerializeToString()
    return told


def _from_details(details: bytes) -> errors.MonolithError | None:
    try:
        status = Status.FromString(details)
    except DecodeError:
        return None
    info = ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info) and info.domain == DOMAIN and info.reason in _BY_REASON:
            return _rebuilt(_BY_REASON[info.reason], status.message, dict(info.metadata))
    return None


def _rebuilt(row: Row, message: str, held: dict[str, str]) -> errors.MonolithError:
    # Not through the constructor of the class: that composes the sentence anew, from arguments that it
    # does not keep. The sentence and the attributes are what arrived.
    error = row.error.__new__(row.error)
    errors.MonolithError.__init__(error, message)
    for name in row.attributes:
        setattr(error, name, _frozen(json.loads(held.get(name, "null"))))
    for note in json.loads(held.get(NOTES, "null")) or ():
        error.add_note(note)
    return error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
