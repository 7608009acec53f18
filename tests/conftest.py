"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# No example is judged by its wall time: the first one may compile a kernel.
# Every run tries the same examples; `nox -s soak` looks for new ones.
settings.register_profile("monolith", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "monolith"))
