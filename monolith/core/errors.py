"""Every error Monolith raises, as one tree.

* MonolithError              .operation  .cleanup
  * ConfigError (ValueError) .problems             nothing was tried
  * MissingExtra             .extra                a library that is optional is not installed
  * DataError                .path  .offset
    * RecordCorrupt                                framing or checksum of a record is wrong
    * NoFilesMatched
    * SchemaError                                  the schema, or data that does not follow it
  * DiscoveryError
    * OperationFailed                              __cause__ is a backend's own, which is not of this tree
    * BackendFailed                                a backend of ours could not do it
    * BackendUnreachable                           what a backend of ours rests on does not answer
    * BackendWiped                                 what a backend of ours rests on has lost its data
    * DiscoveryMisconfigured                       a backend of ours cannot be asked like that
    * ServiceNotFound        .service
    * AlreadyRegistered      .service
    * TakenOver              .service  .by         another process has registered in its place
    * OperationTimedOut (TimeoutError)  .after_ms
    * LookupMalformed        .entry                what Consul tells is not what a process told it
    * NeverCleared (TimeoutError)                  who registered before us in Consul stays there
    * HostBlacklisted (OSError)                    Consul takes what we say, and tells nobody
    * CleanupFailed                                all went well until it had to be undone
    * DiscoveryClosed
    * ShardsNotFound         .found  .expected
  * DistributedRuntimeError                        __cause__ is the runner's own
  * Stopped                                        someone asked for an end before the role had begun
  * PsError                  .shard
    * ShardUnavailable
    * ShardRestarted         .checkpoint           its rows are gone: resume from a checkpoint
    * TableNotFound          .table
    * TableConflict          .table                two definitions under one name
    * DenseNotFound          .tensor
    * DimensionMismatch (ValueError)  .expected  .got
    * GradientNotFinite (ValueError)  .fid  .value
    * BarrierError           .barrier  .worker
      * BarrierTimedOut (TimeoutError)  .arrived  .expected  .missing
      * BarrierMisused         .problem
      * BarrierRpcError                            __cause__ is the server's own, or of the way to it
    * RemoteError            .code                 a peer said what our table does not know
  * CheckpointError          .path
    * CheckpointNotFound
      * RestoreDirEmpty                            it has no `checkpoint` file
      * RestoreCkptNotFound  .restore_ckpt
    * RestoreSyncTimedOut (TimeoutError)           the chief did not copy restore_dir in time
    * CheckpointUnreadable
    * CheckpointIncomplete
    * CheckpointMismatch                           it belongs to another model
  * ModelError               .model
  * RoundFailed                                  another worker could not do its part of a round
  * ServingError             .model  .version
    * ModelNotFound                                no such model or version is served here
    * InvalidRequest         .input                the request does not fit the model
  * QueueClosed                                  nothing goes in any more, and all has been taken
  * PipelineFull             .function           more was put off than is ever done
  * LaunchError
    * RoleDied               .role  .status
    * ClusterError                                 a job in one process, stepped by hand
      * ClusterMisused                             it cannot be, or is not in the state for this
      * CommunicationError
      * ParameterNotFound    .parameter
      * EpochTimedOut (TimeoutError)  .epoch  .after_ms
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def told(error: BaseException) -> str:
    """What `error` says, and below it what was noted beside it: for people."""
    return "\n  ".join([str(error), *getattr(error, "__notes__", ())])


class MonolithError(Exception):
    """Base of all. Carries what was being done, and what went wrong while undoing it."""

    def __init__(self, message: str, *, operation: str = "") -> None:
        super().__init__(message)
        self.operation = operation
        self.cleanup: tuple[Trouble, ...] = ()

    def sentence(self) -> str:
        """What went wrong, without what went wrong after it."""
        return super().__str__()

    def __str__(self) -> str:
        return " ".join([self.sentence(), *cleanup_told(self.cleanup)])


class Trouble(NamedTuple):
    """What went wrong while a step was undone, in words: an error may be raised again, and then say more."""

    operation: str
    said: str
    error: MonolithError

    def __str__(self) -> str:
        return f"{self.operation}: {self.said}"


def cleanup_told(troubles: Sequence[Trouble], when: str = "after role error") -> list[str]:
    """What is said beside an error of what went wrong while undoing: one parenthesis, or nothing."""
    items = "; ".join(map(str, troubles))
    return [f"(discovery cleanup encountered issues {when}: {items})"] if items else []


class ConfigError(MonolithError, ValueError):
    """Settings that cannot be: each line names the culprits, their values and where those came from."""

    def __init__(self, said: Sequence[str], problems: Sequence[object] = ()) -> None:
        super().__init__("\n".join(said))
        self.problems = tuple(problems)


class MissingExtra(MonolithError):
    """An optional library is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional library: pip install 'monolith-recsys[{extra}]'")
        self.extra = extra


class DataError(MonolithError):
    """Something is wrong with data on disk, at a place that is named."""

    def __init__(self, message: str, *, path: Path | str = "", offset: int | None = None) -> None:
        at = f" at byte {offset}" if offset is not None else ""
        super().__init__(f"{path}{at}: {message}" if path else message)
        self.path = str(path)
        self.offset = offset


class RecordCorrupt(DataError):
    """A record's framing or checksum is wrong: the file is cut short, altered, or not a record file."""


class NoFilesMatched(DataError):
    """A file pattern matched nothing."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"No files matched pattern: {pattern}")
        self.pattern = pattern


class SchemaError(DataError):
    """The schema cannot be, or the data does not follow it."""


class DiscoveryError(MonolithError):
    """Finding each other went wrong."""


class OperationFailed(DiscoveryError):
    """The other side answered, and the answer was an error."""


class BackendFailed(DiscoveryError):
    """What a backend rests on, say a disk, refused."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Internal error: {message}")


class BackendUnreachable(DiscoveryError):
    """The server that a backend asks is not there, or does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Connection failed: {message}")


class BackendWiped(DiscoveryError):
    """The server that a backend asks is another than it was, or has forgotten what it knew."""


class DiscoveryMisconfigured(DiscoveryError):
    """A backend was set up with, or asked for, what cannot be."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Configuration error: {message}")


class ServiceNotFound(DiscoveryError):
    """Nothing is registered under this id, or not by us."""

    def __init__(self, service: str) -> None:
        super().__init__(f"Service not found: {service}")
        self.service = service


class AlreadyRegistered(DiscoveryError):
    """The id is taken, and the newcomer does not claim to be its successor."""

    def __init__(self, service: str) -> None:
        super().__init__(f"Service already registered: {service}")
        self.service = service


class TakenOver(DiscoveryError):
    """Another process registered under our service type and index, after us: it is the one that is found."""

    def __init__(self, service: str, *, by: str) -> None:
        super().__init__(
            f"{service} was replaced by another process, at {by}: give each process an index of its own"
        )
        self.service = service
        self.by = by


class OperationTimedOut(DiscoveryError, TimeoutError):
    """The other side did not answer within its budget."""

    def __init__(self, operation: str, after_ms: int, scope: str = "discovery operation") -> None:
        super().__init__(f"Timed out during {scope}: {operation} after {after_ms}ms", operation=operation)
        self.after_ms = after_ms


class LookupMalformed(DiscoveryError):
    """An entry in Consul is not what a process of a job registers; `entry` counts from 0."""

    def __init__(self, entry: int, what: str) -> None:
        super().__init__(f"Malformed consul lookup response at entry {entry}: {what}")
        self.entry = entry


class NeverCleared(DiscoveryError, TimeoutError):
    """Consul was asked again and again to forget who had our place before."""

    def __init__(self, service_type: str, index: int) -> None:
        super().__init__(f"Timed out clearing existing consul registration for {service_type}.{index}")


class HostBlacklisted(DiscoveryError, OSError):
    """Consul accepts what this machine registers, and never shows it."""

    def __init__(self) -> None:
        super().__init__("This machine is blacklisted by consul.")


class CleanupFailed(DiscoveryError):
    """The role succeeded; undoing what it had begun did not."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        first = troubles[0]
        super().__init__(first.said, operation=first.operation)
        self.cleanup = tuple(troubles)

    def __str__(self) -> str:
        first, *rest = self.cleanup
        led = str(first) if rest else first.said
        return " ".join([led, *cleanup_told(rest or [first], "after successful role completion")])


class DistributedRuntimeError(MonolithError):
    """A distributed run that an estimator was asked for went wrong; `__cause__` is how."""


class Stopped(MonolithError):
    """Someone asked for an end before the role had begun."""


class DiscoveryClosed(DiscoveryError):
    """The backend was disconnected before it was asked."""


class ShardsNotFound(DiscoveryError):
    """Patience ran out before enough parameter servers were seen."""

    def __init__(self, message: str, *, found: int, expected: int) -> None:
        super().__init__(message)
        self.found = found
        self.expected = expected


class PsError(MonolithError):
    """A parameter server could not do what it was asked. `shard` is its index, -1 when not known."""

    def __init__(self, message: str, *, shard: int = -1) -> None:
        super().__init__(message)
        self.shard = shard


class ShardUnavailable(PsError):
    """A parameter server did not answer: it is not there, or not in time."""


class ShardRestarted(PsError):
    """A parameter server answers that is not the one the job began with: its rows are gone."""

    def __init__(self, shard: int, *, checkpoint: str | None = None) -> None:
        self.checkpoint = checkpoint
        super().__init__(f"ps-{shard} was restarted and lost its rows", shard=shard)

    def sentence(self) -> str:
        resume = f"resume from {self.checkpoint}" if self.checkpoint else "start the job again"
        return f"{super().sentence()}: {resume}"


class TableNotFound(PsError):
    """No table of that name has been created on this server."""

    def __init__(self, table: str, *, known: Sequence[str] = (), shard: int = -1) -> None:
        there = ", ".join(sorted(known)) or "none"
        super().__init__(f"Table not found: {table} (tables here: {there})", shard=shard)
        self.table = table
        self.known = tuple(sorted(known))


class TableConflict(PsError):
    """A table exists under this name with another definition."""

    def __init__(self, table: str, there: str, asked: str, *, shard: int = -1) -> None:
        super().__init__(f"Table {table} exists as {there}, asked for {asked}", shard=shard)
        self.table = table


class DenseNotFound(PsError):
    """No dense value of that name has been set on this server."""

    def __init__(self, tensor: str, *, shard: int = -1) -> None:
        super().__init__(f"Dense value not found: {tensor} was never set", shard=shard)
        self.tensor = tensor


class DimensionMismatch(PsError, ValueError):
    """A row length is not the table's."""

    def __init__(self, expected: int, got: int, *, what: str = "", shard: int = -1) -> None:
        suffix = f" ({what})" if what else ""
        super().__init__(f"Dimension mismatch: expected {expected}, got {got}{suffix}", shard=shard)
        self.expected = expected
        self.got = got


class GradientNotFinite(PsError, ValueError):
    """A gradient is NaN or infinite, and what travelled with it was refused as well."""

    def __init__(self, fid: int, value: float, column: int, table: str, *, shard: int = -1) -> None:
        super().__init__(
            f"the gradient of fid {fid} in column {column} of {table} is {value}, so all of its request was "
            "refused: lower the learning rates, or let the servers skip or clip such gradients",
            shard=shard,
        )
        self.fid = fid
        self.value = value


class BarrierError(PsError):
    """Meeting the other workers went wrong."""

    def __init__(self, message: str, *, barrier: str, worker: int, shard: int = -1) -> None:
        super().__init__(message, shard=shard)
        self.barrier = barrier
        self.worker = worker


class BarrierTimedOut(BarrierError, TimeoutError):
    """Not everyone arrived in time; a note says who did not.

    `missing` are the indices of those who had not when `worker` gave up; None when the server, which would
    know, did not answer.
    """

    def __init__(
        self, *, barrier: str, worker: int, missing: Sequence[int] | None, expected: int, after_ms: int
    ) -> None:
        super().__init__("Barrier timeout", barrier=barrier, worker=worker)
        self.missing = None if missing is None else tuple(missing)
        self.arrived = None if missing is None else expected - len(missing)
        self.expected = expected
        self.after_ms = after_ms
        self.add_note(self._who(barrier))

    def _who(self, barrier: str) -> str:
        if self.missing is None:
            return f"no answer about {barrier} within {self.after_ms}ms"
        named = ", ".join(f"worker-{index}" for index in self.missing[:5])
        more = f" and {rest} more" if (rest := len(self.missing) - 5) > 0 else ""
        there = f"{self.arrived} of {self.expected} arrived at {barrier} within {self.after_ms}ms"
        return f"{there}, missing {named}{more}"


class BarrierMisused(BarrierError):
    """Someone came twice, out of range, or with another count: `problem` says it without the preamble."""

    def __init__(
        self,
        problem: str,
        *,
        barrier: str,
        worker: int,
        shard: int = -1,
        preamble: str = "Invalid configuration",
    ) -> None:
        super().__init__(f"{preamble}: {problem}", barrier=barrier, worker=worker, shard=shard)
        self.problem = problem


class BarrierRpcError(BarrierError):
    """The server of a barrier could not be asked, or could not do what it was asked."""


class RemoteError(PsError):
    """A peer answered with a status this program does not know."""

    def __init__(self, message: str, *, code: int, shard: int = -1) -> None:
        super().__init__(message, shard=shard)
        self.code = code


class CheckpointError(MonolithError):
    """Saving or loading went wrong; what was stored before is as it was."""

    def __init__(self, message: str, *, path: Path | str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = str(path)


class CheckpointNotFound(CheckpointError):
    """There is no checkpoint where one is needed."""


class RestoreDirEmpty(CheckpointNotFound):
    """The folder to start from has no file that names its checkpoints."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"restore_dir does not contain checkpoint file: {path}")
        self.path = str(path)


class RestoreCkptNotFound(CheckpointNotFound):
    """The folder to start from does not know the checkpoint that was asked for; a note says which it does."""

    def __init__(self, restore_ckpt: str, *, known: Sequence[str], path: Path) -> None:
        super().__init__(f"restore_ckpt {restore_ckpt} is not in checkpoint.all_model_checkpoint_paths")
        self.add_note(f"{path} names: {', '.join(known) or 'none'}")
        self.restore_ckpt = restore_ckpt
        self.path = str(path)


class RestoreSyncTimedOut(CheckpointError, TimeoutError):
    """The chief did not prepare the model directory in time."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Timed out waiting for restore synchronization file: {path}")
        self.path = str(path)


class CheckpointUnreadable(CheckpointError):
    """A file of the checkpoint is torn or altered."""


class CheckpointIncomplete(CheckpointError):
    """A file that the manifest names is not there."""


class CheckpointMismatch(CheckpointError):
    """The checkpoint belongs to another model."""


class ModelError(MonolithError):
    """A model is unknown, or is not what a model must be."""

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class RoundFailed(MonolithError):
    """Another worker could not do its part of a round; what it said is in the message."""


class ServingError(MonolithError):
    """An exported model cannot be loaded, or a request cannot be answered."""

    def __init__(self, message: str, *, model: str = "", version: int | None = None) -> None:
        super().__init__(message)
        self.model = model
        self.version = version


class ModelNotFound(ServingError):
    """The model, or the version of it, that a request names is not served here."""


class InvalidRequest(ServingError):
    """A request does not fit the model. `input` is the part of it that does not, where one can be named."""

    def __init__(self, message: str, *, input: str = "") -> None:  # noqa: A002  # TF-Serving's word
        super().__init__(message)
        self.input = input


class QueueClosed(MonolithError):
    """A queue takes nothing any more, or has nothing left to give."""

    def __init__(self) -> None:
        super().__init__("queue closed")


class PipelineFull(MonolithError):
    """More calls were put off than steps came to make them."""

    def __init__(self, function: str, capacity: int) -> None:
        super().__init__(
            f"{capacity} calls of {function} wait for a step: call it at most once a step, and give its hook "
            "to the training"
        )
        self.function = function


class LaunchError(MonolithError):
    """Starting or watching the processes of a job went wrong."""


class RoleDied(LaunchError):
    """A process of the job ended when it should not have."""

    def __init__(self, message: str, *, role: str, status: int) -> None:
        super().__init__(message)
        self.role = role
        self.status = status


class ClusterError(LaunchError):
    """A job in one process was asked for what it cannot do."""


class ClusterMisused(ClusterError):
    """The cluster cannot be, or is not in the state for this."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid cluster configuration: {message}")


class CommunicationError(ClusterError):
    """A role of the cluster cannot take what was sent to it."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Communication error: {message}")


class ParameterNotFound(ClusterError):
    """No parameter of that name has been registered."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"Parameter not found: {parameter}")
        self.parameter = parameter


class EpochTimedOut(ClusterError, TimeoutError):
    """Not all workers came to the barrier of an epoch in time."""

    def __init__(self, epoch: int, after_ms: int) -> None:
        super().__init__(f"Barrier timeout at epoch {epoch} after {after_ms} ms")
        self.epoch = epoch
        self.after_ms = after_ms
