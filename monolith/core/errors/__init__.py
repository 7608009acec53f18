"""Every error Monolith raises, as one tree.

* MonolithError              .operation  .cleanup
  * ConfigError (ValueError) .problems             nothing was tried
  * MissingExtra             .extra                a library that is optional is not installed
  * DataError                .path  .offset
    * RecordCorrupt                                framing or checksum of a record is wrong
    * NoFilesMatched
    * SchemaError                                  the schema, or data that does not follow it
  * StreamError              .topic
    * TopicNotFound
    * BrokersUnreachable     .servers
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
    * CheckpointInaccessible                       the system cannot read it just now
    * CheckpointInUse        .holder               another training writes there
    * CheckpointMismatch                           it belongs to another model
      * CheckpointFormat     .found                it was written by another release
  * ModelError               .model
  * RoundFailed                                  another worker could not do its part of a round
  * ServingError             .model  .version
    * ModelNotFound                                no such model or version is served here
    * InvalidRequest         .input                the request does not fit the model
      * TablesRefused        .tables               the model has no such tables to push rows to
    * VersionUnready                               a file of a version cannot be read yet
    * EmbeddingsMissing                            a version rests on the tables of one before it
    * EverythingNeeded                             a sender of rows must send all it has
    * PushTooEarly                                 rows overtook those that they come after
    * ServerBusy                                   not now
  * PushFailed               .target  .lasting     rows were not taken, and are kept
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

from monolith.core.errors.base import (
    ConfigError,
    DistributedRuntimeError,
    MissingExtra,
    ModelError,
    MonolithError,
    PipelineFull,
    QueueClosed,
    RoundFailed,
    Stopped,
    Trouble,
    cleanup_told,
    told,
)
from monolith.core.errors.checkpoint import (
    CheckpointError,
    CheckpointFormat,
    CheckpointInaccessible,
    CheckpointIncomplete,
    CheckpointInUse,
    CheckpointMismatch,
    CheckpointNotFound,
    CheckpointUnreadable,
    RestoreCkptNotFound,
    RestoreDirEmpty,
    RestoreSyncTimedOut,
)
from monolith.core.errors.data import (
    BrokersUnreachable,
    DataError,
    NoFilesMatched,
    RecordCorrupt,
    SchemaError,
    StreamError,
    TopicNotFound,
)
from monolith.core.errors.discovery import (
    AlreadyRegistered,
    BackendFailed,
    BackendUnreachable,
    BackendWiped,
    CleanupFailed,
    DiscoveryClosed,
    DiscoveryError,
    DiscoveryMisconfigured,
    HostBlacklisted,
    LookupMalformed,
    NeverCleared,
    OperationFailed,
    OperationTimedOut,
    ServiceNotFound,
    ShardsNotFound,
    TakenOver,
)
from monolith.core.errors.launch import (
    ClusterError,
    ClusterMisused,
    CommunicationError,
    EpochTimedOut,
    LaunchError,
    ParameterNotFound,
    RoleDied,
)
from monolith.core.errors.ps import (
    BarrierError,
    BarrierMisused,
    BarrierRpcError,
    BarrierTimedOut,
    DenseNotFound,
    DimensionMismatch,
    GradientNotFinite,
    PsError,
    RemoteError,
    ShardRestarted,
    ShardUnavailable,
    TableConflict,
    TableNotFound,
)
from monolith.core.errors.serving import (
    EmbeddingsMissing,
    EverythingNeeded,
    InvalidRequest,
    ModelNotFound,
    PushTooEarly,
    ServerBusy,
    ServingError,
    TablesRefused,
    VersionUnready,
)
from monolith.core.errors.sync import PushFailed

__all__ = [
    "AlreadyRegistered",
    "BackendFailed",
    "BackendUnreachable",
    "BackendWiped",
    "BarrierError",
    "BarrierMisused",
    "BarrierRpcError",
    "BarrierTimedOut",
    "BrokersUnreachable",
    "CheckpointError",
    "CheckpointFormat",
    "CheckpointInUse",
    "CheckpointInaccessible",
    "CheckpointIncomplete",
    "CheckpointMismatch",
    "CheckpointNotFound",
    "CheckpointUnreadable",
    "CleanupFailed",
    "ClusterError",
    "ClusterMisused",
    "CommunicationError",
    "ConfigError",
    "DataError",
    "DenseNotFound",
    "DimensionMismatch",
    "DiscoveryClosed",
    "DiscoveryError",
    "DiscoveryMisconfigured",
    "DistributedRuntimeError",
    "EmbeddingsMissing",
    "EpochTimedOut",
    "EverythingNeeded",
    "GradientNotFinite",
    "HostBlacklisted",
    "InvalidRequest",
    "LaunchError",
    "LookupMalformed",
    "MissingExtra",
    "ModelError",
    "ModelNotFound",
    "MonolithError",
    "NeverCleared",
    "NoFilesMatched",
    "OperationFailed",
    "OperationTimedOut",
    "ParameterNotFound",
    "PipelineFull",
    "PsError",
    "PushFailed",
    "PushTooEarly",
    "QueueClosed",
    "RecordCorrupt",
    "RemoteError",
    "RestoreCkptNotFound",
    "RestoreDirEmpty",
    "RestoreSyncTimedOut",
    "RoleDied",
    "RoundFailed",
    "SchemaError",
    "ServerBusy",
    "ServiceNotFound",
    "ServingError",
    "ShardRestarted",
    "ShardUnavailable",
    "ShardsNotFound",
    "Stopped",
    "StreamError",
    "TableConflict",
    "TableNotFound",
    "TablesRefused",
    "TakenOver",
    "TopicNotFound",
    "Trouble",
    "VersionUnready",
    "cleanup_told",
    "told",
]
