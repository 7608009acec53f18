"""What a stream may be told."""

import pytest

from monolith.config.building import build
from monolith.config.settings import Layer, Source
from monolith.config.stream import StreamConfig
from monolith.core.errors import ConfigError

GIVEN = {"kafka_topics": "clicks, views", "kafka_servers": "a:1,b:2"}


def told(**more):
    return build(StreamConfig, Layer(Source.COMMAND_LINE, {**GIVEN, **more}))


def test_topics_are_parted_by_commas():
    assert told().topics == ("clicks", "views")
    assert StreamConfig().topics == ()


@pytest.mark.parametrize(
    ("timeout_ms", "poll_ms", "silence_s"),
    [(-1, 10_000, None), (0, 10_000, 10), (60_000, 10_000, 60), (5, 7, 0.007)],
)
def test_the_longer_timeout_ends_a_stream(timeout_ms, poll_ms, silence_s):
    config = told(stream_timeout_ms=timeout_ms, stream_poll_timeout_ms=poll_ms)
    assert config.silence_s == silence_s


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kafka_servers": None}, "--kafka-servers"),
        ({"kafka_topics": None}, "must name a topic"),
        ({"kafka_topics": "a,a"}, "twice"),
        ({"kafka_config": ("a=b", "c")}, "'c' is not"),
        ({"stream_batch_wait_ms": 0}, "must be > 0"),
    ],
)
def test_what_cannot_be_is_named(more, said):
    with pytest.raises(ConfigError, match=said):
        told(**more)
