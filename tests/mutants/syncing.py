"""Bugs of what is noted of changed rows and pushed to targets."""

from tests.mutants.planting import Bug

JOURNAL = "tests/unit/table/test_journal.py"
PUSHES = "tests/unit/sync/test_replicator.py"

BUGS = [
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
        "A row that moved to where one was that had been noted looks as if it had been, too",
        "monolith/table/journal.py",
        "        self._marks.array[new] = self._marks.array[old]\n",
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
        "monolith/sync/delivery.py",
        "return 2 * self._took_s < self._timeout_s",
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
