"""The bugs that are planted, one at a time: what would be wrong, where, and how it comes to be."""

from tests.mutants.joining import JOINS
from tests.mutants.online import ONLINE
from tests.mutants.parted import PARTED
from tests.mutants.planting import Bug
from tests.mutants.progressive import ASKED

AIO, RUNNER, CONFIG, PS = "monolith/aio", "monolith/runner", "monolith/config", "monolith/ps"

CHECKPOINTS = [
    Bug(
        "Two trainings write into one model directory",
        "monolith/estimator/session.py",
        "        self._owning.enter_context(claimed(self._model_dir))\n",
        "",
        "tests/unit/estimator/test_session.py",
    ),
]

CLEANUP = [
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
]

BUDGETS = [
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
        f"{RUNNER}/worker.py",
        "    except OperationTimedOut as exc:\n        raise ShardUnavailable(",
        "    except OperationTimedOut as exc:\n        raise\n        raise ShardUnavailable(",
    ),
]

LIFECYCLE = [
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
        '        unwind.undo(f"deregister {me} from {kind}", lambda: discovery.deregister(str(me)))\n'
        '        connecting = part.ask(f"connect',
    ),
    Bug(
        "The service type, instead of the process, is deregistered",
        f"{RUNNER}/lifecycle.py",
        "discovery.deregister(str(me))",
        "discovery.deregister(kind)",
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
]

ROLES = [
    Bug(
        "The heartbeat is not stopped",
        f"{RUNNER}/part.py",
        '            self.unwind.let_go(f"stop heartbeat of {self.me}", heartbeat.stop, ms=END_WITHIN_MS)\n',
        "",
    ),
    Bug(
        "The heart beats at once",
        f"{RUNNER}/heartbeat.py",
        "        while not self._ending:\n",
        "        await self._beat()\n        while not self._ending:\n",
        "tests/unit/runner/test_heartbeat.py",
    ),
    Bug(
        "One beat that fails is the last",
        f"{RUNNER}/heartbeat.py",
        'log.warning("Discovery heartbeat failed: %s", exc)',
        "return",
        "tests/unit/runner/test_heartbeat.py",
    ),
    Bug(
        "A parameter server registers the address it was given, not the one it listens on",
        f"{RUNNER}/ps.py",
        "advertised(await _listen(part, server), config.advertise_addr)",
        "advertised((await _listen(part, server), config.bind_addr)[1], config.advertise_addr)",
    ),
    Bug(
        "A parameter server that starts again may not replace its entry",
        f"{RUNNER}/ps.py",
        ', allow_update="true")',
        ")",
    ),
    Bug(
        "A server that was told to stop goes on listening",
        f"{RUNNER}/ps.py",
        '    part.unwind.let_go(f"stop {part.me}", lambda: server.stop(GRACE_S), ms=int(2000 * GRACE_S))\n',
        "",
    ),
    Bug(
        "A worker is told of a port that it does not listen on",
        f"{RUNNER}/worker.py",
        "Address(parse_address(address).host, 0)",
        "parse_address(address)",
        "tests/unit/runner/test_lifecycle.py",
    ),
    Bug(
        "Shards are let go of by nobody",
        f"{RUNNER}/worker.py",
        '    part.unwind.let_go(f"close connections of {part.me}", client.close, ms=budget)\n',
        "",
        "tests/unit/runner/test_lifecycle.py",
    ),
    Bug(
        "All servers that are found are used, however many",
        f"{RUNNER}/find_shards.py",
        "return addresses[:expected]",
        "return addresses",
        "tests/unit/runner/test_lifecycle.py",
    ),
    Bug(
        "A run is refused after its checkpoint has been restored",
        f"{RUNNER}/lifecycle.py",
        "    judge(config)\n    restoring",
        "    restoring",
        "tests/unit/runner/test_lifecycle.py",
    ),
    Bug(
        "An error that is raised again says what went wrong before",
        f"{AIO}/unwind.py",
        "        if isinstance(primary, MonolithError):\n",
        "        if isinstance(primary, MonolithError) and troubles:\n",
        "tests/unit/runner/test_lifecycle.py",
    ),
    Bug(
        "A worker trains before the others are there",
        f"{RUNNER}/worker.py",
        "    await barrier.wait(FIRST_BARRIER, runner.index, runner.num_workers)\n",
        "",
    ),
    Bug(
        "A worker waits for one worker fewer than there are",
        f"{RUNNER}/worker.py",
        "runner.index, runner.num_workers)",
        "runner.index, runner.num_workers - 1)",
    ),
    Bug(
        "A barrier opens before the last worker is there",
        f"{PS}/barrier.py",
        "if len(now.there) == now.num_workers:",
        "if len(now.there) == now.num_workers - 1:",
        "tests/unit/ps/test_barriers.py",
    ),
]

SEARCH = [
    Bug(
        "A worker looks for its own kind",
        f"{RUNNER}/find_shards.py",
        "lambda: discovery.discover(service)",
        "lambda: discovery.discover(config.service_type)",
    ),
    Bug(
        "What is said of a look names the worker's own service type",
        f"{RUNNER}/find_shards.py",
        'f"discover {config.service_id} for {service}"',
        'f"discover {config.service_id} for {config.service_type}"',
    ),
    Bug(
        "There is one look too few",
        f"{RUNNER}/find_shards.py",
        "range(runner.connect_retries + 1)",
        "range(runner.connect_retries)",
    ),
    Bug(
        "There is a pause before the first look",
        f"{RUNNER}/find_shards.py",
        "        if attempt:\n",
        "        if True:\n",
    ),
    Bug(
        "There is a pause after the last look",
        f"{RUNNER}/find_shards.py",
        "            return addresses[:expected]\n",
        "            return addresses[:expected]\n"
        "        if attempt == runner.connect_retries:\n"
        "            await asyncio.sleep(runner.retry_backoff_ms / 1000)\n",
    ),
    Bug(
        "An error of an earlier look is told although a later one succeeded",
        f"{RUNNER}/find_shards.py",
        "    sightings.error = None\n",
        "",
        "tests/unit/runner/test_find_shards.py",
    ),
    Bug(
        "An answer without services makes an ordering issue forgotten",
        f"{RUNNER}/find_shards.py",
        "        elif ordered:\n",
        "        else:\n",
    ),
    Bug(
        "An ordering issue is told although the servers were in order later",
        f"{RUNNER}/find_shards.py",
        "addresses, self.disorder = ordered, None",
        "addresses = ordered",
        "tests/unit/runner/test_find_shards.py",
    ),
    Bug(
        "The most services seen are those of the last look",
        f"{RUNNER}/find_shards.py",
        "max(self.most_seen, len(services))",
        "len(services)",
    ),
    Bug(
        "Shards are in the order of their addresses instead of their indices",
        "monolith/discovery/ordering.py",
        "[next(iter(addresses[index])) for index in range(count)]",
        "sorted(next(iter(addresses[index])) for index in range(count))",
    ),
    Bug(
        "Some services without an index are no ordering issue",
        "monolith/discovery/ordering.py",
        "        return Disorder.MIXED_PRESENCE\n",
        "        services = [s for s in services if s.index is not None]\n",
    ),
]

COMMAND_LINE = [
    Bug(
        "The command line does not print what was noted beside an error",
        "monolith/core/errors/base.py",
        '"\\n  ".join([str(error), *getattr(error, "__notes__", ())])',
        "str(error)",
    ),
    Bug(
        "A flag is refused in the words for code",
        f"{CONFIG}/judging.py",
        "typed = any(_typed(config, name) for name in rule.names)",
        "typed = False",
    ),
]

ZOOKEEPER = [
    Bug(
        "A node of an earlier session is written to, and ends with that session",
        "monolith/discovery/zk_session.py",
        "Act.REPLACE if ours or claim",
        "Act.SET if ours or claim",
        "tests/unit/discovery/test_zk_session.py",
    ),
    Bug(
        "A process fights its successor for the place",
        "monolith/discovery/zk_session.py",
        "ours or claim else",
        "True else",
        "tests/unit/discovery/test_zk_session.py",
    ),
    Bug(
        "Who deregisters takes a successor's node away",
        "monolith/discovery/zk_session.py",
        "Act.DELETE if ours",
        "Act.DELETE if node",
        "tests/unit/discovery/test_zk_session.py",
    ),
    Bug(
        "A session is lost only when the server says so",
        "monolith/discovery/zk_session.py",
        "self.silent_since + self.patience_s if waiting",
        "None if waiting",
        "tests/unit/discovery/test_zk_session.py",
    ),
    Bug(
        "Patience begins anew with each word of the client",
        "monolith/discovery/zk_session.py",
        "case Heard.SUSPENDED if self.link is Link.UP:",
        "case Heard.SUSPENDED:",
        "tests/unit/discovery/test_zk_session.py",
    ),
]

ORDER = [
    Bug(
        "The rows of the next step are read after the update of this one",
        "monolith/estimator/trainer.py",
        "while len(waiting) > (self._ahead",
        "while len(waiting) >= (self._ahead",
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
]

THREADS = "tests/unit/table/test_threads.py"

ROWS = [
    Bug(
        "A row that is changed while it is read is given out",
        "monolith/table/rowlock.py",
        "return load(cells, place, 1) == word",
        "return True",
        THREADS,
    ),
    Bug(
        "Two threads change a row at once",
        "monolith/table/rowlock.py",
        "return word > 0 and replace(cells, place, 1, word, word | CHANGING)",
        "return replace(cells, place, 1, word, word | CHANGING) or True",
        THREADS,
    ),
    Bug(
        "Who holds a row waits for another",
        "monolith/table/rowlock.py",
        "            if i != begin:\n                return i\n",
        "",
        THREADS,
    ),
    Bug(
        "A row looks as if nobody had changed it",
        "monolith/table/rowlock.py",
        "(np.uint64(word) + np.uint64(CHANGE)) & NOT_CHANGING",
        "np.uint64(word) & NOT_CHANGING",
        THREADS,
    ),
    Bug(
        "Rows move to other places while others read",
        "monolith/table/all_rows.py",
        "            with self._turns.alone:\n                self._store.close_gaps(span)\n",
        "            with self._turns.shared:\n                self._store.close_gaps(span)\n",
        THREADS,
    ),
]

MEMORY = [
    Bug(
        "Each table forgets as many rows, however old they are",
        "monolith/table/eviction.py",
        "[_share(one, cutoff, part) for one in samples]",
        "[min(one.rows, excess // sum(s.row_bytes for s in samples) + 1) for one in samples]",
        "tests/unit/table/test_budget.py",
    ),
    Bug(
        "What rows took that left a while ago is kept, and more rows leave for it",
        "monolith/table/budget.py",
        "            self._close_gaps()\n",
        "",
        "tests/unit/table/test_budget.py",
    ),
    Bug(
        "A quarter of what rows took that left is kept, however few are left",
        "monolith/table/index.py",
        "min(self.spare // KEPT, live // SPARE)",
        "self.spare // KEPT",
        "tests/unit/table/test_budget.py",
    ),
    Bug(
        "A fid that finds no cell in the newest split is let in",
        "monolith/table/admission/cells.py",
        "return after, cell_of(splits[after], begin, sign, steps)",
        "return after, NOWHERE",
        "tests/unit/table/admission/test_hash_filter.py",
    ),
    Bug(
        "A filter takes small integers for each other",
        "monolith/table/admission/cells.py",
        "return mix(fid) >> np.uint64(64 - bits)",
        "return np.uint64(fid) >> np.uint64(64 - bits)",
        "tests/unit/table/admission/test_hash_filter.py",
    ),
    Bug(
        "Steps that stand for times say how late it is, and rows expire by them",
        "monolith/table/all_rows.py",
        "self._store.times.told if now is None",
        "self._store.times.latest if now is None",
        "tests/unit/table/test_retention.py",
    ),
    Bug(
        "Who brings rows does not wait until others have left",
        "monolith/ps/tables.py",
        "        if self.budget:\n            self.budget.hold()\n",
        "        pass\n",
        "tests/unit/ps/test_state.py",
    ),
]

JOURNAL, PUSHES = "tests/unit/table/test_journal.py", "tests/unit/sync/test_replicator.py"

SYNC = [
    Bug(
        "An epoch ends while a row is being changed",
        "monolith/table/journal.py",
        "with self._alone, self._lock:",
        "with self._lock:",
        JOURNAL,
    ),
    Bug(
        "A row that took the place of an evicted one looks as if it had been noted",
        "monolith/table/journal.py",
        "        self._marks.array[numbers, 0] = 0\n",
        "",
        JOURNAL,
    ),
    Bug(
        "A row that took the place of one that moved looks as if it had been noted",
        "monolith/table/journal.py",
        "        self._marks.array[old] = 0\n",
        "",
        JOURNAL,
    ),
    Bug(
        "Nobody is told that changes were forgotten",
        "monolith/table/journal.py",
        "self._known_from = self._closed.pop(0).last + 1",
        "self._closed.pop(0)",
        JOURNAL,
    ),
    Bug(
        "Rows count as pushed before they have arrived",
        "monolith/sync/source.py",
        "return Round(self._changes(changed), reached, whole=False)",
        "reached()\n        return Round(self._changes(changed), reached, whole=False)",
        PUSHES,
    ),
    Bug(
        "Who asks for everything is sent what changed",
        "monolith/sync/target.py",
        "            self._source.send_all()\n            return False\n",
        "            return False\n",
        PUSHES,
    ),
    Bug(
        "What changes while everything is sent is forgotten",
        "monolith/sync/source.py",
        "        return Round(chain([names], rows), lambda: None, undo, whole=True, partial=partial)\n",
        "        def reached() -> None:\n            for one in lost:\n                one.reader.begin()\n\n"
        "        return Round(chain([names], rows), reached, undo, whole=True, partial=partial)\n",
        PUSHES,
    ),
    Bug(
        "A refused push is taken for one that arrived",
        "monolith/sync/target.py",
        "if reply.status in ARRIVED or self._leave_out(reply):",
        "if reply.status is not None:",
        PUSHES,
    ),
    Bug(
        "A table that is left out is not sent whole when it is taken up again",
        "monolith/sync/source.py",
        "            self._followed[name].reader.reached(None)\n        self.left_out |= fewer\n",
        "            pass\n        self.left_out |= fewer\n",
        PUSHES,
    ),
    Bug(
        "The number of a push that was refused is given to another",
        "monolith/sync/target.py",
        "self._sequence += 1",
        "self._sequence = after + 1",
        PUSHES,
    ),
    Bug(
        "A push that came too early counts as one that arrived",
        "monolith/sync/pipeline.py",
        "(await self._early).status == PushStatus.OK",
        "(await self._early).status >= PushStatus.OK",
        PUSHES,
    ),
    Bug(
        "A round ends with a push behind which none was sent",
        "monolith/sync/pipeline.py",
        "taken = following and (self.round.held or _is_sent(coming))",
        "taken = following and _is_sent(coming)",
        PUSHES,
    ),
    Bug(
        "A slow target is sent what it cannot answer in time",
        "monolith/sync/target.py",
        "return 2 * self._took_ms < 1000 * self._pace.timeout_s",
        "return True",
        PUSHES,
    ),
    Bug(
        "What was begun of everything is not ended when a table is refused in the middle",
        "monolith/sync/target.py",
        "if of.whole and not message.first:",
        "if False:",
        PUSHES,
    ),
    Bug(
        "A push that was applied is refused when it comes again",
        "monolith/serving/replica.py",
        "            if push.sender and sender is None:  # even if it would be refused by now\n"
        "                return Applied(again=True)\n            changes = self._changes(push)\n",
        "            changes = self._changes(push)\n            if push.sender and sender is None:\n"
        "                return Applied(again=True)\n",
        "tests/unit/serving/test_push_api.py",
    ),
    Bug(
        "All targets are told of one sender",
        "monolith/sync/target.py",
        "self._sender = world.draw_sender()",
        "self._sender = 7",
        "tests/unit/sync/test_follower.py",
    ),
    Bug(
        "Who was gone for a moment is dropped later all the same",
        "monolith/sync/follower.py",
        "self._leaving.pop(endpoint, None)",
        "self._leaving.get(None)",
        "tests/unit/sync/test_follower.py",
    ),
]

STREAMS = [
    Bug(
        "What a broken stream left unanswered is forgotten",
        f"{PS}/stream.py",
        "self._queue = deque(self._asked)",
        "self._queue = deque()",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A frame that waits too long takes its stream with it",
        f"{PS}/stream.py",
        'self._fail(asked, grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")',
        "self._pump.cancel()",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A server that is never reached is tried forever",
        f"{PS}/stream.py",
        "asked.attempts += not answered",
        "asked.attempts += answered",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A frame that comes while the last message is sent is forgotten",
        f"{PS}/stream.py",
        "                while self._queue:\n                    for",
        "                if self._queue:\n                    for",
        "tests/unit/ps/test_stream.py",
    ),
    Bug(
        "A large answer waits for the others of its bundle",
        f"{PS}/bundles.py",
        "        if size >= most or overdue():\n",
        "        if overdue():\n",
        "tests/unit/ps/test_exchange.py",
    ),
    Bug(
        "Who waits for others waits for all of them",
        f"{PS}/frame_service.py",
        "self._clock() > patient_until",
        "False",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "Small messages together are larger than one may be",
        f"{PS}/frame_service.py",
        "min(ANSWERED, self.limit)",
        "ANSWERED",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "What memory held before travels between arrays",
        "monolith/wire/blocks.py",
        "_PADDING[ALIGNMENT - over]\n        return",
        'b"?" * (ALIGNMENT - over)\n        return',
        "tests/unit/wire/test_blocks.py",
    ),
    Bug(
        "A frame meant for a server of before is answered",
        f"{PS}/frame_service.py",
        "not in {0, self._state.incarnation}",
        "in ()",
        "tests/unit/ps/test_frame_service.py",
    ),
    Bug(
        "A closing stream ends before its last answer",
        f"{PS}/exchange.py",
        "self._closing and not self._under_way and not self._finished",
        "self._closing and not self._finished",
        "tests/unit/ps/test_exchange.py",
    ),
    Bug(
        "A change that is sent again loses its stamp",
        f"{PS}/frames.py",
        "_STAMPED * (self.stamp is not None)",
        "0",
        "tests/unit/ps/test_frame_service.py",
    ),
]

BUGS = [
    *CLEANUP,
    *BUDGETS,
    *LIFECYCLE,
    *ROLES,
    *SEARCH,
    *COMMAND_LINE,
    *ZOOKEEPER,
    *ORDER,
    *ROWS,
    *MEMORY,
    *SYNC,
    *STREAMS,
    *PARTED,
    *JOINS,
    *ONLINE,
    *ASKED,
    *CHECKPOINTS,
]
