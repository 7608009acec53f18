"""librdkafka's clients: made, listened to, and quiet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from monolith.core.errors import ConfigError

# Each attempt to connect would be a line on standard error: what matters, we tell.
log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())

Properties = Mapping[str, Any]


class Trouble:
    """What librdkafka last complained of. It is told in a call of ours, in the thread that polls."""

    def __init__(self) -> None:
        self.why = "no answer"
        self.all_down = False

    def __call__(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # how the library spells it
            self.all_down = True
        else:
            self.why = error.str()


def made(kind: Callable[..., Any], wanted: Properties, trouble: Trouble) -> Any:
    try:
        return kind({**wanted, "error_cb": trouble}, logger=log)
    except (KafkaException, TypeError, ValueError) as exc:
        said = exc.args[0].str() if isinstance(exc, KafkaException) else str(exc)
        raise ConfigError([f"kafka_config: {said}"]) from exc
