"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# No example is judged by its wall time: the first one may compile a kernel.
settings.register_profile("monolith", deadline=None)
settings.load_profile("monolith")
