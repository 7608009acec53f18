from monolith.wire import embedding_hash_table_pb2 as _embedding_hash_table_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LookupRequest(_message.Message):
    __slots__ = ("table_name", "fids", "dim_size", "create_if_missing", "timeout_ms", "fids_le", "afresh")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    FIDS_FIELD_NUMBER: _ClassVar[int]
    DIM_SIZE_FIELD_NUMBER: _ClassVar[int]
    CREATE_IF_MISSING_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    FIDS_LE_FIELD_NUMBER: _ClassVar[int]
    AFRESH_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    fids: _containers.RepeatedScalarFieldContainer[int]
    dim_size: int
    create_if_missing: bool
    timeout_ms: int
    fids_le: bytes
    afresh: bool
    def __init__(self, table_name: _Optional[str] = ..., fids: _Optional[_Iterable[int]] = ..., dim_size: _Optional[int] = ..., create_if_missing: bool = ..., timeout_ms: _Optional[int] = ..., fids_le: _Optional[bytes] = ..., afresh: bool = ...) -> None: ...

class LookupResponse(_message.Message):
    __slots__ = ("status_code", "error_message", "embeddings", "found", "num_found", "num_initialized")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    NUM_FOUND_FIELD_NUMBER: _ClassVar[int]
    NUM_INITIALIZED_FIELD_NUMBER: _ClassVar[int]
    status_code: int
    error_message: str
    embeddings: bytes
    found: bytes
    num_found: int
    num_initialized: int
    def __init__(self, status_code: _Optional[int] = ..., error_message: _Optional[str] = ..., embeddings: _Optional[bytes] = ..., found: _Optional[bytes] = ..., num_found: _Optional[int] = ..., num_initialized: _Optional[int] = ...) -> None: ...

class ApplyGradientsRequest(_message.Message):
    __slots__ = ("table_name", "fids", "gradients", "dim_size", "learning_rate", "global_step", "timeout_ms", "fids_le", "learning_rates", "change", "counts_le", "times_le", "latest")
    class Change(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LEARN: _ClassVar[ApplyGradientsRequest.Change]
        ASSIGN: _ClassVar[ApplyGradientsRequest.Change]
        ADD: _ClassVar[ApplyGradientsRequest.Change]
    LEARN: ApplyGradientsRequest.Change
    ASSIGN: ApplyGradientsRequest.Change
    ADD: ApplyGradientsRequest.Change
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    FIDS_FIELD_NUMBER: _ClassVar[int]
    GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    DIM_SIZE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_STEP_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    FIDS_LE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATES_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_LE_FIELD_NUMBER: _ClassVar[int]
    TIMES_LE_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    fids: _containers.RepeatedScalarFieldContainer[int]
    gradients: bytes
    dim_size: int
    learning_rate: float
    global_step: int
    timeout_ms: int
    fids_le: bytes
    learning_rates: _containers.RepeatedScalarFieldContainer[float]
    change: ApplyGradientsRequest.Change
    counts_le: bytes
    times_le: bytes
    latest: bytes
    def __init__(self, table_name: _Optional[str] = ..., fids: _Optional[_Iterable[int]] = ..., gradients: _Optional[bytes] = ..., dim_size: _Optional[int] = ..., learning_rate: _Optional[float] = ..., global_step: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., fids_le: _Optional[bytes] = ..., learning_rates: _Optional[_Iterable[float]] = ..., change: _Optional[_Union[ApplyGradientsRequest.Change, str]] = ..., counts_le: _Optional[bytes] = ..., times_le: _Optional[bytes] = ..., latest: _Optional[bytes] = ...) -> None: ...

class ApplyGradientsResponse(_message.Message):
    __slots__ = ("status_code", "error_message", "num_updated", "num_not_found", "num_inserted", "duplicate")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NUM_UPDATED_FIELD_NUMBER: _ClassVar[int]
    NUM_NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    NUM_INSERTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    status_code: int
    error_message: str
    num_updated: int
    num_not_found: int
    num_inserted: int
    duplicate: bool
    def __init__(self, status_code: _Optional[int] = ..., error_message: _Optional[str] = ..., num_updated: _Optional[int] = ..., num_not_found: _Optional[int] = ..., num_inserted: _Optional[int] = ..., duplicate: bool = ...) -> None: ...

class BarrierRequest(_message.Message):
    __slots__ = ("barrier_id", "worker_id", "num_workers", "timeout_ms")
    BARRIER_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_WORKERS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    barrier_id: str
    worker_id: int
    num_workers: int
    timeout_ms: int
    def __init__(self, barrier_id: _Optional[str] = ..., worker_id: _Optional[int] = ..., num_workers: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class BarrierResponse(_message.Message):
    __slots__ = ("status_code", "error_message", "num_arrived")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NUM_ARRIVED_FIELD_NUMBER: _ClassVar[int]
    status_code: int
    error_message: str
    num_arrived: int
    def __init__(self, status_code: _Optional[int] = ..., error_message: _Optional[str] = ..., num_arrived: _Optional[int] = ...) -> None: ...

class HealthCheckRequest(_message.Message):
    __slots__ = ("component",)
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    component: str
    def __init__(self, component: _Optional[str] = ...) -> None: ...

class HealthCheckResponse(_message.Message):
    __slots__ = ("status", "message", "uptime_seconds", "incarnation", "packed_fids", "frame_limit", "frame_bundles")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[HealthCheckResponse.Status]
        HEALTHY: _ClassVar[HealthCheckResponse.Status]
        UNHEALTHY: _ClassVar[HealthCheckResponse.Status]
        DEGRADED: _ClassVar[HealthCheckResponse.Status]
    UNKNOWN: HealthCheckResponse.Status
    HEALTHY: HealthCheckResponse.Status
    UNHEALTHY: HealthCheckResponse.Status
    DEGRADED: HealthCheckResponse.Status
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIDS_FIELD_NUMBER: _ClassVar[int]
    FRAME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    FRAME_BUNDLES_FIELD_NUMBER: _ClassVar[int]
    status: HealthCheckResponse.Status
    message: str
    uptime_seconds: int
    incarnation: int
    packed_fids: bool
    frame_limit: int
    frame_bundles: bool
    def __init__(self, status: _Optional[_Union[HealthCheckResponse.Status, str]] = ..., message: _Optional[str] = ..., uptime_seconds: _Optional[int] = ..., incarnation: _Optional[int] = ..., packed_fids: bool = ..., frame_limit: _Optional[int] = ..., frame_bundles: bool = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ("include_table_stats", "incarnation")
    INCLUDE_TABLE_STATS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    include_table_stats: bool
    incarnation: int
    def __init__(self, include_table_stats: bool = ..., incarnation: _Optional[int] = ...) -> None: ...

class GetStatsResponse(_message.Message):
    __slots__ = ("shard_id", "total_embeddings", "memory_bytes", "table_stats", "lookup_count", "apply_gradients_count", "avg_lookup_latency_us", "avg_apply_latency_us", "incarnation", "uptime_s", "memory_budget_bytes", "evicted_for_memory")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    TABLE_STATS_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    APPLY_GRADIENTS_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_LOOKUP_LATENCY_US_FIELD_NUMBER: _ClassVar[int]
    AVG_APPLY_LATENCY_US_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    EVICTED_FOR_MEMORY_FIELD_NUMBER: _ClassVar[int]
    shard_id: int
    total_embeddings: int
    memory_bytes: int
    table_stats: _containers.RepeatedCompositeFieldContainer[TableStats]
    lookup_count: int
    apply_gradients_count: int
    avg_lookup_latency_us: int
    avg_apply_latency_us: int
    incarnation: int
    uptime_s: float
    memory_budget_bytes: int
    evicted_for_memory: int
    def __init__(self, shard_id: _Optional[int] = ..., total_embeddings: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., table_stats: _Optional[_Iterable[_Union[TableStats, _Mapping]]] = ..., lookup_count: _Optional[int] = ..., apply_gradients_count: _Optional[int] = ..., avg_lookup_latency_us: _Optional[int] = ..., avg_apply_latency_us: _Optional[int] = ..., incarnation: _Optional[int] = ..., uptime_s: _Optional[float] = ..., memory_budget_bytes: _Optional[int] = ..., evicted_for_memory: _Optional[int] = ...) -> None: ...

class TableStats(_message.Message):
    __slots__ = ("name", "num_embeddings", "dim_size", "memory_bytes", "report")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    DIM_SIZE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    name: str
    num_embeddings: int
    dim_size: int
    memory_bytes: int
    report: TableReport
    def __init__(self, name: _Optional[str] = ..., num_embeddings: _Optional[int] = ..., dim_size: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., report: _Optional[_Union[TableReport, _Mapping]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("rows", "asked", "hits", "evicted", "filtered", "not_finite")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    EVICTED_FIELD_NUMBER: _ClassVar[int]
    FILTERED_FIELD_NUMBER: _ClassVar[int]
    NOT_FINITE_FIELD_NUMBER: _ClassVar[int]
    rows: int
    asked: int
    hits: int
    evicted: int
    filtered: int
    not_finite: int
    def __init__(self, rows: _Optional[int] = ..., asked: _Optional[int] = ..., hits: _Optional[int] = ..., evicted: _Optional[int] = ..., filtered: _Optional[int] = ..., not_finite: _Optional[int] = ...) -> None: ...

class TableReport(_message.Message):
    __slots__ = ("usage", "memory_bytes", "filter_bytes", "row_bytes", "load", "probe_mean", "probe_max", "slots", "most_rows")
    class SlotsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: Usage
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILTER_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROW_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    PROBE_MEAN_FIELD_NUMBER: _ClassVar[int]
    PROBE_MAX_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    MOST_ROWS_FIELD_NUMBER: _ClassVar[int]
    usage: Usage
    memory_bytes: int
    filter_bytes: int
    row_bytes: int
    load: float
    probe_mean: float
    probe_max: int
    slots: _containers.MessageMap[int, Usage]
    most_rows: int
    def __init__(self, usage: _Optional[_Union[Usage, _Mapping]] = ..., memory_bytes: _Optional[int] = ..., filter_bytes: _Optional[int] = ..., row_bytes: _Optional[int] = ..., load: _Optional[float] = ..., probe_mean: _Optional[float] = ..., probe_max: _Optional[int] = ..., slots: _Optional[_Mapping[int, Usage]] = ..., most_rows: _Optional[int] = ...) -> None: ...

class BatchLookupRequest(_message.Message):
    __slots__ = ("requests", "incarnation")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[LookupRequest]
    incarnation: int
    def __init__(self, requests: _Optional[_Iterable[_Union[LookupRequest, _Mapping]]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class BatchLookupResponse(_message.Message):
    __slots__ = ("responses", "incarnation")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[LookupResponse]
    incarnation: int
    def __init__(self, responses: _Optional[_Iterable[_Union[LookupResponse, _Mapping]]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class BatchApplyGradientsRequest(_message.Message):
    __slots__ = ("requests", "incarnation", "stamp")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    STAMP_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[ApplyGradientsRequest]
    incarnation: int
    stamp: Stamp
    def __init__(self, requests: _Optional[_Iterable[_Union[ApplyGradientsRequest, _Mapping]]] = ..., incarnation: _Optional[int] = ..., stamp: _Optional[_Union[Stamp, _Mapping]] = ...) -> None: ...

class BatchApplyGradientsResponse(_message.Message):
    __slots__ = ("responses", "incarnation")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[ApplyGradientsResponse]
    incarnation: int
    def __init__(self, responses: _Optional[_Iterable[_Union[ApplyGradientsResponse, _Mapping]]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class Stamp(_message.Message):
    __slots__ = ("worker", "sequence", "part")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    worker: int
    sequence: int
    part: int
    def __init__(self, worker: _Optional[int] = ..., sequence: _Optional[int] = ..., part: _Optional[int] = ...) -> None: ...

class CreateTablesRequest(_message.Message):
    __slots__ = ("tables", "incarnation")
    class TablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _embedding_hash_table_pb2.EmbeddingHashTableConfig
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_embedding_hash_table_pb2.EmbeddingHashTableConfig, _Mapping]] = ...) -> None: ...
    TABLES_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.MessageMap[str, _embedding_hash_table_pb2.EmbeddingHashTableConfig]
    incarnation: int
    def __init__(self, tables: _Optional[_Mapping[str, _embedding_hash_table_pb2.EmbeddingHashTableConfig]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class CreateTablesResponse(_message.Message):
    __slots__ = ("incarnation",)
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    incarnation: int
    def __init__(self, incarnation: _Optional[int] = ...) -> None: ...

class DenseTensor(_message.Message):
    __slots__ = ("name", "shape", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    values: bytes
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., values: _Optional[bytes] = ...) -> None: ...

class SyncDenseRequest(_message.Message):
    __slots__ = ("deltas", "incarnation", "stamp")
    DELTAS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    STAMP_FIELD_NUMBER: _ClassVar[int]
    deltas: _containers.RepeatedCompositeFieldContainer[DenseTensor]
    incarnation: int
    stamp: Stamp
    def __init__(self, deltas: _Optional[_Iterable[_Union[DenseTensor, _Mapping]]] = ..., incarnation: _Optional[int] = ..., stamp: _Optional[_Union[Stamp, _Mapping]] = ...) -> None: ...

class SetDenseRequest(_message.Message):
    __slots__ = ("values", "overwrite", "incarnation")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[DenseTensor]
    overwrite: bool
    incarnation: int
    def __init__(self, values: _Optional[_Iterable[_Union[DenseTensor, _Mapping]]] = ..., overwrite: bool = ..., incarnation: _Optional[int] = ...) -> None: ...

class DenseResponse(_message.Message):
    __slots__ = ("values", "incarnation")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[DenseTensor]
    incarnation: int
    def __init__(self, values: _Optional[_Iterable[_Union[DenseTensor, _Mapping]]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class GatherRequest(_message.Message):
    __slots__ = ("barrier_id", "worker_id", "num_workers", "timeout_ms", "payload", "attempt", "incarnation")
    BARRIER_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_WORKERS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    barrier_id: str
    worker_id: int
    num_workers: int
    timeout_ms: int
    payload: bytes
    attempt: int
    incarnation: int
    def __init__(self, barrier_id: _Optional[str] = ..., worker_id: _Optional[int] = ..., num_workers: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., payload: _Optional[bytes] = ..., attempt: _Optional[int] = ..., incarnation: _Optional[int] = ...) -> None: ...

class GatherResponse(_message.Message):
    __slots__ = ("payloads", "incarnation")
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    payloads: _containers.RepeatedScalarFieldContainer[bytes]
    incarnation: int
    def __init__(self, payloads: _Optional[_Iterable[bytes]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class SavedFile(_message.Message):
    __slots__ = ("name", "kind", "size", "crc32c", "table", "shard", "count", "slots")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    size: int
    crc32c: int
    table: str
    shard: int
    count: int
    slots: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., size: _Optional[int] = ..., crc32c: _Optional[int] = ..., table: _Optional[str] = ..., shard: _Optional[int] = ..., count: _Optional[int] = ..., slots: _Optional[_Iterable[int]] = ...) -> None: ...

class SaveRequest(_message.Message):
    __slots__ = ("folder", "shard", "shards", "incarnation")
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    folder: str
    shard: int
    shards: int
    incarnation: int
    def __init__(self, folder: _Optional[str] = ..., shard: _Optional[int] = ..., shards: _Optional[int] = ..., incarnation: _Optional[int] = ...) -> None: ...

class SaveResponse(_message.Message):
    __slots__ = ("files", "incarnation")
    FILES_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[SavedFile]
    incarnation: int
    def __init__(self, files: _Optional[_Iterable[_Union[SavedFile, _Mapping]]] = ..., incarnation: _Optional[int] = ...) -> None: ...

class RestoreRequest(_message.Message):
    __slots__ = ("folder", "files", "shard", "shards", "incarnation")
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    folder: str
    files: _containers.RepeatedCompositeFieldContainer[SavedFile]
    shard: int
    shards: int
    incarnation: int
    def __init__(self, folder: _Optional[str] = ..., files: _Optional[_Iterable[_Union[SavedFile, _Mapping]]] = ..., shard: _Optional[int] = ..., shards: _Optional[int] = ..., incarnation: _Optional[int] = ...) -> None: ...

class RestoreResponse(_message.Message):
    __slots__ = ("rows", "incarnation")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    rows: int
    incarnation: int
    def __init__(self, rows: _Optional[int] = ..., incarnation: _Optional[int] = ...) -> None: ...
