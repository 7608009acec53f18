"""Bugs of a job on a stream that is served meanwhile: what would be lost, come twice, or go back in time."""

from tests.mutants.planting import Bug

STREAMS, SERVING = "monolith/data/streams", "monolith/serving"
BATCHES, REPLICA = "tests/unit/data/streams/test_batches.py", "tests/unit/serving/test_replica.py"

BUGS = [
    Bug(
        "A checkpoint tells of messages that were read and not trained",
        f"{STREAMS}/batches.py",
        "here = as_text(self._marks[0][1].items())",
        "here = as_text(self._marks[-1][1].items())",
        BATCHES,
    ),
    Bug(
        "A message counts as read when its first row has gone",
        f"{STREAMS}/held.py",
        "self.passed = self.given // self.rows_each",
        "self.passed = -(-self.given // self.rows_each)",
        BATCHES,
    ),
    Bug(
        "A reader of brokers that stand still never ends",
        f"{STREAMS}/kafka_reader.py",
        "closing.join(CLOSE_S)",
        "closing.join()",
        "tests/unit/data/streams/test_kafka_reader.py",
    ),
    Bug(
        "A leader who tells an end too low for a moment has all of a partition read again",
        f"{STREAMS}/kafka_reader.py",
        "if known > span.end:",
        "if offset == known:",
        "tests/unit/data/streams/test_kafka_reader.py",
    ),
    Bug(
        "A reader that has jumped over deleted messages takes the topic for one that was made anew",
        f"{STREAMS}/kafka_reader.py",
        "if said or span.end < self._next[partition]:",
        "if span:",
        "tests/unit/data/streams/test_kafka_reader.py",
    ),
    Bug(
        "A partition without leader counts as one that is read",
        f"{STREAMS}/kafka_links.py",
        "not in connected - {_NOBODY}",
        "not in connected",
        "tests/unit/data/streams/test_kafka_links.py",
    ),
    Bug(
        "A partition whose leader is being elected ends a job at once",
        f"{STREAMS}/kafka.py",
        "if self.timer() >= until:",
        "if until:",
        "tests/unit/data/streams/test_kafka.py",
    ),
    Bug(
        "The silence of a broker that stands still ends a stream",
        f"{STREAMS}/silence.py",
        "self.over = left is None",
        "self.over = True",
        "tests/unit/data/streams/test_silence.py",
    ),
    Bug(
        "What a target did not take counts as pushed",
        "monolith/sync/delivery.py",
        "            await self._failed(failure)\n            return None\n",
        '            await self._failed(failure)\n            return Reply(PushStatus.OK, "")\n',
        "tests/unit/sync/test_replicator.py",
    ),
    Bug(
        "A replica applies a push that it has applied already",
        f"{SERVING}/senders.py",
        "push.sequence <= sender.sequence",
        "push.sequence < 0",
        REPLICA,
    ),
    Bug(
        "A replica does not notice that a push is missing",
        f"{SERVING}/senders.py",
        "if after > sender.sequence:",
        "if after < 0:",
        REPLICA,
    ),
    Bug(
        "All rows of some tables count as everything",
        f"{SERVING}/senders.py",
        "if push.whole_begin and not push.partial:",
        "if push.whole_begin:",
        REPLICA,
    ),
    Bug(
        "A table that is sent whole is told to be all there is",
        "monolith/sync/source.py",
        "undo, whole=True, partial=partial)",
        "undo, whole=True)",
        "tests/unit/sync/test_replicator.py",
    ),
    Bug(
        "Half of everything counts as all of it",
        f"{SERVING}/senders.py",
        "        if sender.whole_since is None:\n            sender.as_of_ms",
        "        if sender.sequence:\n            sender.as_of_ms",
        REPLICA,
    ),
    Bug(
        "A version that comes late takes back what was pushed after it was exported",
        f"{SERVING}/replica.py",
        "self._senders.of(fids, holding) | (stamps >= since)",
        "self._senders.of(fids, holding)",
        REPLICA,
    ),
    Bug(
        "Rows that their sender has no more stay in a replica",
        f"{SERVING}/replica.py",
        "if push.whole_end and sender.whole_since is not None:",
        "if push.whole_end and sender.whole_since is None:",
        REPLICA,
    ),
    Bug(
        "A version whose files come after its manifest is never tried again",
        "monolith/serving/versions.py",
        "for path in folder.iterdir()}\n    except",
        "for path in folder.glob(MANIFEST)}\n    except",
        "tests/unit/serving/test_versions.py",
    ),
    Bug(
        "A version that could not be read once is never tried again",
        "monolith/serving/versions.py",
        "isinstance(exc, (VersionUnready, OSError))",
        "isinstance(exc, ())",
        "tests/unit/serving/test_versions.py",
    ),
    Bug(
        "A version is tried again while its files are still coming",
        "monolith/serving/versions.py",
        "return still if files",
        "return True if files",
        "tests/unit/serving/test_versions.py",
    ),
]
