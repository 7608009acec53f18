"""Every error crosses a socket and arrives as it left."""

from __future__ import annotations

import grpc
import pytest

from monolith.core import errors
from monolith.wire.status import DETAILS, IN_BAND_CANCELLED, TABLE, from_status, malformed, row_of, to_status

BARRIER = {"barrier": "round-1", "worker": 2}
SAMPLES = [
    errors.ConfigError(["table t: no segments", "and more"], ["one problem"]),
    errors.PsError("out of luck", shard=3),
    errors.ShardUnavailable("ps-1 is stopping", shard=1),
    errors.ShardRestarted(1),
    errors.TableNotFound("t", known=["b", "a"], shard=1),
    errors.TableConflict("t", "dim 4", "dim 8", shard=1),
    errors.DenseNotFound("bias", shard=1),
    errors.DimensionMismatch(4, 8, what="table t", shard=1),
    errors.GradientNotFinite(7, float("inf"), 3, "table t", shard=1),
    errors.BarrierError("lost", **BARRIER),
    errors.BarrierTimedOut(missing=[0, 1], expected=3, after_ms=50, **BARRIER),
    errors.BarrierTimedOut(missing=None, expected=3, after_ms=50, **BARRIER),
    errors.BarrierMisused("came twice", **BARRIER, shard=0),
    errors.BarrierRpcError("Barrier RPC error: out of luck", **BARRIER),
    errors.RemoteError("strange", code=99, shard=1),
    errors.CheckpointError("disk full", path="/c"),
    errors.CheckpointNotFound("none", path="/c"),
    errors.CheckpointUnreadable("torn", path="/c/x"),
    errors.CheckpointIncomplete("missing", path="/c/x"),
    errors.CheckpointInaccessible("cannot be read", path="/c/x"),
    errors.CheckpointMismatch("another model", path="/c"),
    errors.CheckpointFormat(2, 1, "/c/x"),
]
OF_WORKERS = {  # of a worker's own look at the disk: no server raises them
    errors.RestoreDirEmpty,
    errors.RestoreCkptNotFound,
    errors.RestoreSyncTimedOut,
    errors.CheckpointInUse,
}


def below(kind: type) -> set[type]:
    return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))


def crossed(error: errors.MonolithError) -> errors.MonolithError | None:
    return from_status([("x", "y"), (DETAILS, to_status(error)[1])])


def test_the_table_knows_every_error() -> None:
    wanted = (below(errors.PsError) | below(errors.CheckpointError) | {errors.ConfigError}) - OF_WORKERS
    assert {row.error for row in TABLE} == wanted == {type(sample) for sample in SAMPLES}


def test_reasons_are_unique() -> None:
    assert len({row.reason for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda e: type(e).__name__)
def test_errors_arrive_as_they_left(error: errors.MonolithError) -> None:
    arrived = crossed(error)
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))


def test_unlisted_errors_keep_their_kind() -> None:
    class Special(errors.TableNotFound):
        pass

    assert row_of(Special("t")).error is errors.TableNotFound
    assert row_of(errors.LaunchError("x")).code is grpc.StatusCode.UNKNOWN


def test_only_stopping_counts_as_cancelled() -> None:
    assert {row.error for row in TABLE if row.in_band == IN_BAND_CANCELLED} == {errors.ShardUnavailable}


@pytest.mark.parametrize(
    "trailing", [[], [("other", b"x")], [(DETAILS, b"\xff")], [(DETAILS, malformed("not a message")[1])]]
)
def test_foreign_details_are_not_ours(trailing: list[tuple[str, bytes]]) -> None:
    assert from_status(trailing) is None
