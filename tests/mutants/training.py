"""Bugs of the order in which a worker reads, learns and saves."""

from tests.mutants.planting import Bug

AIO = "monolith/aio"

BUGS = [
    Bug(
        "The rows of the next step are read after the update of this one",
        "monolith/estimator/trainer.py",
        "while len(waiting) > (self._ahead",
        "while len(waiting) > (max(self._ahead - 1, 0)",
        "tests/unit/estimator/test_order.py",
    ),
    Bug(
        "The rows of the next step are read while the last update is still under way",
        f"{AIO}/in_turn.py",
        "idle, self._busy = not self._busy, True",
        "idle = True",
        "tests/unit/estimator/test_order.py",
    ),
    Bug(
        "A round ends while its last update is still under way",
        "monolith/estimator/trainer.py",
        "        self._inputs.settle()\n",
        "",
        "tests/unit/estimator/test_order.py",
    ),
    Bug(
        "Two trainings write into one model directory",
        "monolith/estimator/session.py",
        "        self._owning.enter_context(claimed(self._model_dir))\n",
        "",
        "tests/unit/estimator/test_session.py",
    ),
]
