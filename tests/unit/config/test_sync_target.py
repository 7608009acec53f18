"""A target, and the option that may follow it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.sync_target import SyncTarget, parse_sync_target
from monolith.core.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "interval_ms"),
    [("h:1", None), ("http://H:1/?interval-ms=30000", 30_000), ("h:1?interval-ms=1", 1)],
)
def test_an_interval_may_follow(text: str, interval_ms: int | None) -> None:
    assert parse_sync_target(text) == SyncTarget(Endpoint("http", "h", 1), interval_ms)


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "x", "\u0663", "86400001", "1&a=b", "9" * 5000])
def test_what_is_no_interval_is_named(value: str) -> None:
    assert parse_sync_target(f"h?interval-ms={value}") == (
        f"interval-ms={value!r} must be a number of milliseconds in 1..86400000"
    )


@pytest.mark.parametrize("query", ["", "every=5", "Interval-ms=5", "interval_ms=5"])
def test_other_options_are_named(query: str) -> None:
    said = parse_sync_target(f"h?{query}")
    assert isinstance(said, str)
    assert said.endswith(f"other than ?interval-ms=N: not {query.partition('=')[0]!r}")


@given(st.text(st.sampled_from("h:/?#=1interval-ms@&")))
def test_text_is_a_target_or_a_complaint(text: str) -> None:
    assert isinstance(parse_sync_target(text), SyncTarget | str)
