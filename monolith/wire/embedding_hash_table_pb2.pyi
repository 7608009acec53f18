from monolith.wire import compressor_pb2 as _compressor_pb2
from monolith.wire import initializer_pb2 as _initializer_pb2
from monolith.wire import optimizer_pb2 as _optimizer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryConfig(_message.Message):
    __slots__ = ("segments", "entry_type")
    class EntryType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[EntryConfig.EntryType]
        TRAINING: _ClassVar[EntryConfig.EntryType]
        SERVING: _ClassVar[EntryConfig.EntryType]
    UNKNOWN: EntryConfig.EntryType
    TRAINING: EntryConfig.EntryType
    SERVING: EntryConfig.EntryType
    class Segment(_message.Message):
        __slots__ = ("init_config", "opt_config", "comp_config", "dim_size")
        INIT_CONFIG_FIELD_NUMBER: _ClassVar[int]
        OPT_CONFIG_FIELD_NUMBER: _ClassVar[int]
        COMP_CONFIG_FIELD_NUMBER: _ClassVar[int]
        DIM_SIZE_FIELD_NUMBER: _ClassVar[int]
        init_config: _initializer_pb2.InitializerConfig
        opt_config: _optimizer_pb2.OptimizerConfig
        comp_config: _compressor_pb2.FloatCompressorConfig
        dim_size: int
        def __init__(self, init_config: _Optional[_Union[_initializer_pb2.InitializerConfig, _Mapping]] = ..., opt_config: _Optional[_Union[_optimizer_pb2.OptimizerConfig, _Mapping]] = ..., comp_config: _Optional[_Union[_compressor_pb2.FloatCompressorConfig, _Mapping]] = ..., dim_size: _Optional[int] = ...) -> None: ...
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_TYPE_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[EntryConfig.Segment]
    entry_type: EntryConfig.EntryType
    def __init__(self, segments: _Optional[_Iterable[_Union[EntryConfig.Segment, _Mapping]]] = ..., entry_type: _Optional[_Union[EntryConfig.EntryType, str]] = ...) -> None: ...

class EntryDump(_message.Message):
    __slots__ = ("id", "num", "opt", "last_update_ts_sec")
    ID_FIELD_NUMBER: _ClassVar[int]
    NUM_FIELD_NUMBER: _ClassVar[int]
    OPT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_TS_SEC_FIELD_NUMBER: _ClassVar[int]
    id: int
    num: _containers.RepeatedScalarFieldContainer[float]
    opt: _optimizer_pb2.OptimizerDump
    last_update_ts_sec: int
    def __init__(self, id: _Optional[int] = ..., num: _Optional[_Iterable[float]] = ..., opt: _Optional[_Union[_optimizer_pb2.OptimizerDump, _Mapping]] = ..., last_update_ts_sec: _Optional[int] = ...) -> None: ...

class SlotExpireTimeConfig(_message.Message):
    __slots__ = ("slot_expire_times", "default_expire_time")
    class SlotExpireTime(_message.Message):
        __slots__ = ("slot", "expire_time")
        SLOT_FIELD_NUMBER: _ClassVar[int]
        EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
        slot: int
        expire_time: int
        def __init__(self, slot: _Optional[int] = ..., expire_time: _Optional[int] = ...) -> None: ...
    SLOT_EXPIRE_TIMES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    slot_expire_times: _containers.RepeatedCompositeFieldContainer[SlotExpireTimeConfig.SlotExpireTime]
    default_expire_time: int
    def __init__(self, slot_expire_times: _Optional[_Iterable[_Union[SlotExpireTimeConfig.SlotExpireTime, _Mapping]]] = ..., default_expire_time: _Optional[int] = ...) -> None: ...

class SlotOccurrenceThresholdConfig(_message.Message):
    __slots__ = ("slot_occurrence_thresholds", "default_occurrence_threshold")
    class SlotOccurrenceThreshold(_message.Message):
        __slots__ = ("slot", "occurrence_threshold")
        SLOT_FIELD_NUMBER: _ClassVar[int]
        OCCURRENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
        slot: int
        occurrence_threshold: int
        def __init__(self, slot: _Optional[int] = ..., occurrence_threshold: _Optional[int] = ...) -> None: ...
    SLOT_OCCURRENCE_THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_OCCURRENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    slot_occurrence_thresholds: _containers.RepeatedCompositeFieldContainer[SlotOccurrenceThresholdConfig.SlotOccurrenceThreshold]
    default_occurrence_threshold: int
    def __init__(self, slot_occurrence_thresholds: _Optional[_Iterable[_Union[SlotOccurrenceThresholdConfig.SlotOccurrenceThreshold, _Mapping]]] = ..., default_occurrence_threshold: _Optional[int] = ...) -> None: ...

class FilterConfig(_message.Message):
    __slots__ = ("filter_type", "filter_capacity", "filter_split_num", "filter_equal_probability")
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTER_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    FILTER_SPLIT_NUM_FIELD_NUMBER: _ClassVar[int]
    FILTER_EQUAL_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    filter_type: str
    filter_capacity: int
    filter_split_num: int
    filter_equal_probability: bool
    def __init__(self, filter_type: _Optional[str] = ..., filter_capacity: _Optional[int] = ..., filter_split_num: _Optional[int] = ..., filter_equal_probability: bool = ...) -> None: ...

class CuckooEmbeddingHashTableConfig(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EmbeddingHashTableConfig(_message.Message):
    __slots__ = ("entry_config", "initial_capacity", "slot_expire_time_config", "cuckoo", "entry_type", "enable_feature_eviction", "feature_evict_every_n_hours", "skip_zero_embedding", "slot_occurrence_threshold_config", "filter_config", "max_rows", "memory_budget_bytes")
    class EntryType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PACKED: _ClassVar[EmbeddingHashTableConfig.EntryType]
        RAW: _ClassVar[EmbeddingHashTableConfig.EntryType]
    PACKED: EmbeddingHashTableConfig.EntryType
    RAW: EmbeddingHashTableConfig.EntryType
    ENTRY_CONFIG_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    SLOT_EXPIRE_TIME_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CUCKOO_FIELD_NUMBER: _ClassVar[int]
    ENTRY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENABLE_FEATURE_EVICTION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_EVICT_EVERY_N_HOURS_FIELD_NUMBER: _ClassVar[int]
    SKIP_ZERO_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    SLOT_OCCURRENCE_THRESHOLD_CONFIG_FIELD_NUMBER: _ClassVar[int]
    FILTER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    entry_config: EntryConfig
    initial_capacity: int
    slot_expire_time_config: SlotExpireTimeConfig
    cuckoo: CuckooEmbeddingHashTableConfig
    entry_type: EmbeddingHashTableConfig.EntryType
    enable_feature_eviction: bool
    feature_evict_every_n_hours: int
    skip_zero_embedding: bool
    slot_occurrence_threshold_config: SlotOccurrenceThresholdConfig
    filter_config: FilterConfig
    max_rows: int
    memory_budget_bytes: int
    def __init__(self, entry_config: _Optional[_Union[EntryConfig, _Mapping]] = ..., initial_capacity: _Optional[int] = ..., slot_expire_time_config: _Optional[_Union[SlotExpireTimeConfig, _Mapping]] = ..., cuckoo: _Optional[_Union[CuckooEmbeddingHashTableConfig, _Mapping]] = ..., entry_type: _Optional[_Union[EmbeddingHashTableConfig.EntryType, str]] = ..., enable_feature_eviction: bool = ..., feature_evict_every_n_hours: _Optional[int] = ..., skip_zero_embedding: bool = ..., slot_occurrence_threshold_config: _Optional[_Union[SlotOccurrenceThresholdConfig, _Mapping]] = ..., filter_config: _Optional[_Union[FilterConfig, _Mapping]] = ..., max_rows: _Optional[int] = ..., memory_budget_bytes: _Optional[int] = ...) -> None: ...

class MultiEmbeddingHashTableConfig(_message.Message):
    __slots__ = ("names", "configs")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    CONFIGS_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    configs: _containers.RepeatedCompositeFieldContainer[EmbeddingHashTableConfig]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., configs: _Optional[_Iterable[_Union[EmbeddingHashTableConfig, _Mapping]]] = ...) -> None: ...

class MultiHashTableMetadata(_message.Message):
    __slots__ = ("table_name", "num_entries")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    num_entries: int
    def __init__(self, table_name: _Optional[str] = ..., num_entries: _Optional[int] = ...) -> None: ...
