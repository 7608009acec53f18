"""Bugs of a job on a stream: replicas are asked for predictions before learning, and get the dense part."""

from tests.mutants.planting import Bug

ESTIMATOR = "monolith/estimator"
TESTS = "tests/unit/estimator"

SAVE = (
    "            if (over or self._pace.saves(self._step, self._saved or 0)) and self._step != self._saved:\n"
    "                self._save(number, notes, window.quality)\n"
    "                share.saved()\n"
)
EXPORT = (
    "            if self._around.dense_export:  # it may take seconds: what is learned is safe by then\n"
    "                self._around.dense_export.offer(self._step, self._trainer.parts, last=over)\n"
)

BUGS = [
    Bug(
        "A batch is learned before the predictions of replicas are settled",
        f"{ESTIMATOR}/share.py",
        "        self._around.progressive.settle(asked.batch)\n"
        "        loss = self._trainer.train(asked, step, quality)\n",
        "        loss = self._trainer.train(asked, step, quality)\n"
        "        self._around.progressive.settle(asked.batch)\n",
        f"{TESTS}/test_progressive.py",
    ),
    Bug(
        "A replica that is away is asked about each batch",
        f"{ESTIMATOR}/questions.py",
        "return not self._away or self._timer() >= self._asked_at + ASK_AGAIN_S",
        "return True",
        f"{TESTS}/test_questions.py",
    ),
    Bug(
        "A replica that was away once stays away for ever",
        f"{ESTIMATOR}/questions.py",
        "self._away = bool(complaint)",
        "self._away |= bool(complaint)",
        f"{TESTS}/test_questions.py",
    ),
    Bug(
        "Negatives that were left out are missing from the figures of replicas",
        f"{ESTIMATOR}/questions.py",
        "batch.standing_weights",
        "batch.weights",
        f"{TESTS}/test_questions.py",
    ),
    Bug(
        "What is learned is saved after the dense part is exported, which may take seconds",
        f"{ESTIMATOR}/session.py",
        f"{SAVE}{EXPORT}",
        f"{EXPORT}{SAVE}",
        f"{TESTS}/test_dense_export.py",
    ),
]
