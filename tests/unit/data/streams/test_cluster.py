"""Properties of librdkafka, and where their values come from."""

import sys

import pytest

from monolith.config.stream import StreamConfig
from monolith.core.errors import ConfigError, MissingExtra
from monolith.data.streams.cluster import kafka_log, properties


def test_pairs_are_split_at_the_first_sign():
    assert properties(("a.b=c=d", "e=")) == {"a.b": "c=d", "e": ""}


def test_a_value_can_stand_in_a_file(tmp_path):
    (tmp_path / "secret").write_text("pass=word\n")
    assert properties((f"sasl.password=@{tmp_path / 'secret'}",)) == {"sasl.password": "pass=word"}


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"sasl\.password cannot be read from .*none"):
        properties((f"sasl.password=@{tmp_path / 'none'}",))


def test_the_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "monolith.data.streams.kafka", raising=False)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(MissingExtra, match=r"monolith-recsys\[kafka\]"):
        kafka_log(StreamConfig(kafka_topics="t", kafka_servers="s:1"), print)
