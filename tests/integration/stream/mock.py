"""librdkafka's own mock cluster: brokers on loopback ports that fail as they are told."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import confluent_kafka

PRODUCE, FETCH, LIST_OFFSETS, METADATA = range(4)  # Kafka's API keys
_PRODUCER = 0
_HANDLES = ("rd_kafka_new", "rd_kafka_mock_cluster_new")


def _library() -> ctypes.CDLL:
    """The library that the client itself is linked with."""
    beside = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(beside.glob("librdkafka*"))))
    for name in _HANDLES:
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


class MockCluster:
    """`brokers` brokers, numbered from 1."""

    def __init__(self, brokers: int = 1) -> None:
        self._library = _library()
        self._brokers = range(1, brokers + 1)
        said = ctypes.create_string_buffer(512)
        self._client = ctypes.c_void_p(self._library.rd_kafka_new(_PRODUCER, None, said, 512))
        assert self._client, said.value
        self._cluster = ctypes.c_void_p(self._library.rd_kafka_mock_cluster_new(self._client, brokers))
        self.servers = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, partitions: int) -> None:
        self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)

    def down(self, *brokers: int) -> None:
        """These, or all."""
        for broker in brokers or self._brokers:
            self._library.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def up(self, *brokers: int) -> None:
        """These, or all."""
        for broker in brokers or self._brokers:
            self._library.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def fail(self, api: int, errors: Sequence[int]) -> None:
        """Answer the next requests of that kind with these errors."""
        array = (ctypes.c_int * len(errors))(*errors)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(api), ctypes.c_size_t(len(errors)), array
        )

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)
