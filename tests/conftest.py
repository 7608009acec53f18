"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

# No example is judged by its wall time: the first one may compile a kernel.
# Every run tries the same examples; `nox -s soak` looks for new ones. Where a bug was planted, the first
# example that fails is enough, and a smaller one would take minutes to find.
settings.register_profile("monolith", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.register_profile(
    "planted",
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "monolith"))
