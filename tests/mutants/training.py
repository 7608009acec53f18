"""Bugs of how a worker begins, in which order it reads, learns and saves, and how it is stopped."""

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
        "Adam takes weights by memory, in whatever order they lie",
        "monolith/estimator/model.py",
        "p.is_floating_point() and p.is_contiguous() for p in held",
        "p.is_floating_point() for p in held",
        "tests/unit/estimator/test_dense.py",
    ),
    Bug(
        "A worker trains while its rehearsal is still under way",
        "monolith/cli/roles.py",
        "        rehearsal.wait()\n",
        "",
        "tests/unit/cli/test_rehearsal.py",
    ),
    Bug(
        "What goes wrong in a rehearsal is told by a thread that nobody asked",
        "monolith/cli/rehearsal.py",
        "with contextlib.suppress(Exception):",
        "with contextlib.nullcontext():",
        "tests/unit/cli/test_rehearsal.py",
    ),
    Bug(
        "A second Ctrl-C waits as the first did",
        "monolith/cli/interrupts.py",
        "        if self.by_keyboard:\n",
        "        if False:\n",
        "tests/unit/cli/test_interrupts.py",
    ),
    Bug(
        "A job ends where it stands when its terminal is closed",
        "monolith/cli/interrupts.py",
        "signal.signal(signal.SIGHUP, self._terminated)",
        "pass",
        "tests/unit/cli/test_interrupts.py",
    ),
    Bug(
        "A job ends because nobody can be told how far it is",
        "monolith/cli/screen.py",
        "        except OSError:\n            self.end()\n",
        "        finally:\n            pass\n",
        "tests/unit/cli/test_screen.py",
    ),
    Bug(
        "What is for standard error goes to standard output where there is none",
        "monolith/__main__.py",
        "    _open_standard_streams()\n",
        "",
        "tests/unit/cli/test_main.py",
    ),
    Bug(
        "A request to stop waits for the wait that it interrupts",
        "monolith/core/stop.py",
        "        self._wake: SimpleQueue[None] = SimpleQueue()",
        "        from queue import Queue\n\n        self._wake: Queue[None] = Queue()",
        "tests/unit/core/test_stop.py",
    ),
    Bug(
        "A signal to a whole local job takes the servers away before the last save",
        "monolith/cli/roles.py",
        "stays=role is Role.PS",
        "stays=False",
        "tests/integration/cli/test_job.py::test_whoever_is_asked_to_stop_the_last_step_is_saved",
    ),
    Bug(
        "A session that ends takes the servers away before the last save",
        "monolith/cli/interrupts.py",
        "request not in self._told:",
        "not self._told:",
        "tests/unit/cli/test_interrupts.py",
    ),
    Bug(
        "Gradients become NaN whose squares are too large",
        "monolith/estimator/clipping.py",
        "if math.isinf(norm):",
        "if math.isnan(norm):",
        "tests/unit/estimator/test_clipping.py",
    ),
    Bug(
        "Steps are counted for a worker that has nothing to read",
        "monolith/estimator/session.py",
        'return [some != b"" for some in said]',
        "return [True for some in said]",
        "tests/unit/estimator/test_session.py",
    ),
    Bug(
        "A model's file does not find the modules beside it",
        "monolith/models/registry.py",
        "        sys.path.insert(0, beside)",
        "        pass",
        "tests/unit/models/test_registry.py",
    ),
]
