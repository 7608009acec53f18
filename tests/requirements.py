"""What some tests need of the machine: without it they are skipped, and say what to install."""

from __future__ import annotations

import os

import pytest


def require(what: str, install: str) -> None:
    """Skip a test that lacks `what`, which `install` would bring; nothing is lacking if that is empty.

    Where MONOLITH_REQUIRE, a list with commas, names `what`, the test fails instead.
    """
    if not install:
        return
    said = f"{what} is not here: {install}"
    if what in os.environ.get("MONOLITH_REQUIRE", "").split(","):
        pytest.fail(said)
    pytest.skip(said)
