"""Bugs of what is kept of a model directory, passed over and set aside, and of who may write there."""

from tests.mutants.planting import Bug

CHECKPOINT = "monolith/checkpoint"
PASSING_OVER = "tests/unit/checkpoint/test_passing_over.py"

BUGS = [
    Bug(
        "Two trainings write into one model directory",
        "monolith/estimator/session.py",
        "        self._owning.enter_context(self._claim)\n",
        "",
        "tests/unit/estimator/test_session.py",
    ),
    Bug(
        "A checkpoint of a later release is taken for a damaged one",
        "monolith/checkpoint/manifest.py",
        "            raise CheckpointFormat(version, FORMAT, path)\n",
        '            raise CheckpointUnreadable(f"has format {version}", path=path)\n',
        "tests/unit/checkpoint/test_store.py",
    ),
    Bug(
        "A model directory that is a file is told as a failing disk",
        "monolith/checkpoint/boundary.py",
        "isinstance(exc, (FileExistsError, NotADirectoryError))",
        "isinstance(exc, ())",
        "tests/unit/checkpoint/test_store.py",
    ),
    Bug(
        "A file that cannot be read just now makes its checkpoint a damaged one",
        f"{CHECKPOINT}/boundary.py",
        "raise CheckpointInaccessible(exc.strerror or str(exc), path) from exc",
        'raise CheckpointUnreadable("cannot be read", path=path) from exc',
        PASSING_OVER,
    ),
    Bug(
        "Retention deletes what cannot be read just now",
        f"{CHECKPOINT}/store.py",
        " and not old.withheld:",
        ":",
        PASSING_OVER,
    ),
    Bug(
        "Whoever evaluates sets damaged checkpoints aside",
        "monolith/estimator/archive.py",
        "self.store.newest(self._restore)",
        "self.store.resume(self._restore)",
        "tests/unit/estimator/test_estimator.py::test_evaluating_tells_what_it_passed_over_and_changes_nothing",
    ),
    Bug(
        "A damaged checkpoint is deleted by the next save",
        f"{CHECKPOINT}/store.py",
        "for step in aside if step >= kept[0]",
        "for step in aside if False",
        PASSING_OVER,
    ),
    Bug(
        "A reader whom a training overtakes finds nothing whole",
        f"{CHECKPOINT}/catalogue.py",
        "        while fresh := [",
        "        if fresh := [",
        PASSING_OVER,
    ),
    Bug(
        "A reader on NFS whom a training overtakes takes it for a failing disk",
        f"{CHECKPOINT}/catalogue.py",
        "                    if step not in self._steps():",
        "                    if isinstance(exc, DAMAGE) and step not in self._steps():",
        PASSING_OVER,
    ),
    Bug(
        "A model directory that cannot be read just now is taken for an empty one",
        f"{CHECKPOINT}/catalogue.py",
        "[path.name for path in self.model_dir.iterdir()]",
        "[path.name for path in self.model_dir.iterdir()] if self.model_dir.is_dir() else []",
        PASSING_OVER,
    ),
    Bug(
        "A save fails because somebody on NFS still reads what it deletes",
        f"{CHECKPOINT}/store.py",
        "            if exc.errno not in _OPEN_ON_NFS:\n                raise",
        "            raise",
        PASSING_OVER,
    ),
    Bug(
        "A checkpoint of another release that was set aside ends the training that gets to its step",
        f"{CHECKPOINT}/store.py",
        "except CheckpointError:  # torn",
        "except CheckpointUnreadable:  # torn",
        PASSING_OVER,
    ),
    Bug(
        "What one server does not see is passed over as damaged",
        f"{CHECKPOINT}/catalogue.py",
        "isinstance(exc, _WITHHELD) or _is_here(exc):",
        "isinstance(exc, _WITHHELD):",
        PASSING_OVER,
    ),
    Bug(
        "All attempts to save a step write into one folder",
        f"{CHECKPOINT}/store.py",
        "part_name(step, self._attempt())",
        'part_name(step, "0")',
        "tests/unit/checkpoint/test_store.py",
    ),
    Bug(
        "A model directory that was taken away is written to as if it were still ours",
        f"{CHECKPOINT}/claim.py",
        "if self._lock and self._is_there(self._lock):",
        "if self._lock:",
        "tests/unit/estimator/test_session.py",
    ),
    Bug(
        "A version that is replaced has no folder for a moment",
        "monolith/core/swap.py",
        "        disk.exchange(folder, target)\n",
        "        _exchange_by_three(folder, target, disk)\n",
        "tests/unit/core/test_swap.py",
    ),
    Bug(
        "A version whose name cannot be made durable stays all the same",
        "monolith/core/swap.py",
        "            move(target, folder, disk)\n",
        "            pass\n",
        "tests/unit/serving/test_export.py",
    ),
    Bug(
        "Trouble with what an export leaves behind hides what went wrong",
        "monolith/serving/export.py",
        "        except OSError as exc:\n            if error:",
        "        except ZeroDivisionError as exc:\n            if error:",
        "tests/unit/serving/test_export.py",
    ),
    Bug(
        "A lock that another machine deleted on NFS is told as a failing disk",
        f"{CHECKPOINT}/claim.py",
        "exc.errno != errno.ESTALE",
        "exc.errno",
        "tests/unit/checkpoint/test_claim.py",
    ),
]
