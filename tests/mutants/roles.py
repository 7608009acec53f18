"""Bugs of who does what in a job and finds whom: roles, searches, flags, registrations."""

from tests.mutants.planting import Bug

AIO = "monolith/aio"
RUNNER = "monolith/runner"
CONFIG = "monolith/config"
PS = "monolith/ps"

BUGS = [
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
    Bug(
        "Servers of TF_CONFIG are there before they listen",
        "monolith/discovery/choose.py",
        "read_tf_config(given.environ, FOR_DISCOVERY, given.roles), given.roles",
        "read_tf_config(given.environ, FOR_DISCOVERY, given.roles), {}",
        "tests/unit/discovery/test_choose.py",
    ),
]
