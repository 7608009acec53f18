"""Bugs of the run itself: its lifecycle, its budgets of time, and what it undoes at the end."""

from tests.mutants.planting import Bug

AIO = "monolith/aio"
RUNNER = "monolith/runner"
CONFIG = "monolith/config"

BUGS = [
    Bug(
        "The oldest step is undone first",
        f"{AIO}/unwind.py",
        "in reversed(self._undos)",
        "in self._undos",
    ),
    Bug(
        "What goes wrong while cleaning up is swallowed",
        f"{AIO}/unwind.py",
        "                troubles += [Trouble(operation, str(error), error)] if told else []\n",
        "",
    ),
    Bug(
        "A deregistration that fails keeps the connection open",
        f"{AIO}/unwind.py",
        "                troubles += [Trouble(operation, str(error), error)] if told else []\n",
        "                troubles += [Trouble(operation, str(error), error)] if told else []\n"
        "                break\n",
    ),
    Bug(
        "Cleanup that fails hides the error before it",
        f"{AIO}/unwind.py",
        "        if isinstance(primary, MonolithError):\n",
        "        if troubles:\n            raise CleanupFailed(troubles)\n"
        "        if isinstance(primary, MonolithError):\n",
    ),
    Bug(
        "An error that is not ours gets no note of the cleanup",
        f"{AIO}/unwind.py",
        "primary.add_note(note)",
        "pass",
    ),
    Bug(
        "A second cancellation interrupts the cleanup",
        f"{AIO}/unwind.py",
        "await asyncio.shield(task)",
        "await task",
        "tests/matrix/test_interruption.py",
    ),
    Bug(
        "A cancellation during the cleanup is forgotten",
        f"{AIO}/unwind.py",
        "        raise cancelled\n",
        "        return []\n",
        "tests/unit/aio/test_unwind.py",
    ),
    Bug(
        "A hanging undo is told as if it were an operation of the role",
        f"{AIO}/unwind.py",
        'scope="discovery cleanup" if told else "cleanup"',
        'scope="discovery operation"',
    ),
    Bug(
        "An undo has the budget of an operation",
        f"{RUNNER}/lifecycle.py",
        "Unwind(config.runner.discovery_cleanup_timeout_ms)",
        "Unwind(config.runner.discovery_operation_timeout_ms)",
    ),
    Bug(
        "After success the last trouble of the cleanup leads",
        "monolith/core/errors/discovery.py",
        "first, *rest = self.cleanup\n",
        "*rest, first = self.cleanup\n",
    ),
    Bug(
        "Budgets in milliseconds are taken for seconds",
        f"{AIO}/bounded.py",
        "timeout=ms / 1000",
        "timeout=ms",
    ),
    Bug(
        "A call that ignores its cancellation is waited for",
        f"{AIO}/bounded.py",
        "        _abandon(operation, task)\n        raise OperationTimedOut(",
        "        task.cancel()\n        await asyncio.wait({task})\n        raise OperationTimedOut(",
        "tests/unit/aio/test_bounded.py",
    ),
    Bug(
        "The barrier has the budget of an operation",
        f"{RUNNER}/worker.py",
        "PsBarrier(client, runner.barrier_timeout_ms,",
        "PsBarrier(client, budget,",
    ),
    Bug(
        "Shards that do not answer are told as another operation that timed out",
        "monolith/ps/connect.py",
        "    except OperationTimedOut as exc:\n        raise ShardUnavailable(",
        "    except OperationTimedOut as exc:\n        raise\n        raise ShardUnavailable(",
    ),
    Bug(
        "Settings are not judged",
        f"{RUNNER}/lifecycle.py",
        "    judge(config)\n    return await _run(discovery, config, World(**ways))\n",
        "    return await _run(discovery, config, World(**ways))\n",
    ),
    Bug(
        "A connection that fails is not disconnected",
        f"{RUNNER}/lifecycle.py",
        '        unwind.undo(f"disconnect {me} via {kind}", discovery.disconnect)\n'
        '        connecting = part.ask(f"connect {me} via {kind}", discovery.connect)\n'
        "        await unless_stopped(world.stop, "
        'f"{me} was asked to stop before it was connected", connecting)\n',
        '        connecting = part.ask(f"connect {me} via {kind}", discovery.connect)\n'
        "        await unless_stopped(world.stop, "
        'f"{me} was asked to stop before it was connected", connecting)\n'
        '        unwind.undo(f"disconnect {me} via {kind}", discovery.disconnect)\n',
    ),
    Bug(
        "A connection that fails also deregisters",
        f"{RUNNER}/lifecycle.py",
        '        connecting = part.ask(f"connect',
        '        unwind.undo(f"deregister {me} from {kind}", part.deregister)\n'
        '        connecting = part.ask(f"connect',
    ),
    Bug(
        "The service type, instead of the process, is deregistered",
        f"{RUNNER}/part.py",
        "discovery.deregister(self.me)",
        "discovery.deregister(self.config.service_type)",
    ),
    Bug(
        "What is said of a deregistration names the role instead of the service type",
        f"{RUNNER}/lifecycle.py",
        'f"deregister {me} from {kind}"',
        'f"deregister {me} from {config.role}"',
    ),
    Bug(
        "Every process takes itself for the first of its role",
        f"{CONFIG}/distributed.py",
        "ServiceId(self.role, self.runner.index)",
        "ServiceId(self.role, 0)",
    ),
    Bug(
        "A parameter server registers as a worker",
        f"{CONFIG}/distributed.py",
        "Role.PS: runner.discovery_service_type_ps",
        "Role.PS: runner.discovery_service_type_worker",
    ),
    Bug(
        "A merge forgets the names of service types",
        f"{CONFIG}/runner.py",
        'if k != "enable_parameter_sync"}',
        'if k != "enable_parameter_sync" and not k.startswith("discovery_service_type")}',
    ),
    Bug(
        "A refusal does not name the flag",
        f"{CONFIG}/judging.py",
        "({blame})",
        "",
    ),
    Bug(
        "A parameter server that listens everywhere registers 0.0.0.0",
        f"{CONFIG}/rules.py",
        "parse_address(told).everywhere",
        "False",
        "tests/unit/config/test_rules.py",
    ),
    Bug(
        "Statistics of a server that stands still are waited for longer than was said",
        "monolith/cli/ps_stats.py",
        "        await connect_all(shards, addresses, settings.discovery_operation_timeout_ms)\n",
        "",
        "tests/integration/ps/test_stats_command.py::test_a_server_that_stands_still_is_told_in_time",
    ),
]
