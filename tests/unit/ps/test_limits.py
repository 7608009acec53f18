"""Limits that go together."""

import pytest

from monolith.core.errors import ConfigError
from monolith.ps.limits import HEADS, Limits


def test_an_answer_to_a_chunk_fits() -> None:
    assert Limits(message=HEADS + 100, chunk=100)
    with pytest.raises(ConfigError, match="chunk=101, message=4196: a chunk must be 4096 bytes smaller"):
        Limits(message=HEADS + 100, chunk=101)


def test_one_attempt_is_too_few() -> None:
    with pytest.raises(ConfigError, match="attempts=1: must be at least 2, the first one counted"):
        Limits(attempts=1)
