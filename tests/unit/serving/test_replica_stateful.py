"""Whatever is lost, repeated, late or reloaded: no row goes back, and in the end all is as it was learned."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monolith.core.errors import EverythingNeeded, InvalidRequest, PushTooEarly
from tests.unit.serving.pushing import Clock, delta, load, loaded, push, served, table_of

SHARDS = 2
TABLES = ("genres", "users")
KEYS = [(table, fid) for table in TABLES for fid in range(5)]


class Shard:
    """One shard of a trainer, and what sends its rows. Values only ever grow: each change is a new number."""

    def __init__(self, index, sender):
        self.index = index
        self.rows = {}  # by table and fid
        self.changed = set()
        self.sender, self.sequence = sender, 0
        self.parts = []  # of all rows of some tables, that are still to be sent

    def next_push(self, clock):
        """What changed, or a part of what is sent whole."""
        self.sequence += 1
        more = {"sender": self.sender, "sequence": self.sequence, "shard": self.index, "shards": SHARDS}
        if self.parts:
            tables, keys, said = self.parts.pop(0)
            as_of_ms = clock.ms if tables == TABLES and not self.parts else 0
            return self._push(tables, keys, as_of_ms=as_of_ms, **said, **more)
        keys, self.changed = self.changed, set()
        return self._push({table for table, _ in keys}, keys, as_of_ms=clock.ms, **more)

    def send_whole(self, tables=TABLES):
        held = sorted(key for key in self.rows if key[0] in tables)
        begin = {"whole_begin": True, "partial": tables != TABLES}
        self.parts = [(tables, held[::2], begin), (tables, held[1::2], {"whole_end": True})]
        self.changed = {key for key in self.changed if key[0] not in tables}

    def _push(self, tables, keys, **more):
        return push(
            deltas=[self._delta(table, [fid for t, fid in keys if t == table]) for table in tables], **more
        )

    def _delta(self, table, fids):
        changed = {fid: self.rows[table, fid] for fid in fids if (table, fid) in self.rows}
        return delta(changed, [fid for fid in fids if fid not in changed], table)


class Training(RuleBasedStateMachine):
    """A trainer of two shards, the replica that it pushes to, and a network that loses and repeats."""

    @initialize()
    def begin(self):
        self.clock, self.number, self.version = Clock(), 0, 1
        self.folder = tempfile.TemporaryDirectory()
        self.shards = [Shard(index, sender=index + 1) for index in range(SHARDS)]
        self.senders = SHARDS
        self.removals = {}  # by table and fid, the numbers of its removals
        self.export()
        self.restart_replica()
        self.sent = []

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(keys=st.sets(st.sampled_from(KEYS), min_size=1), removed=st.sets(st.sampled_from(KEYS), max_size=2))
    def learn(self, keys, removed):
        for key in keys | removed:
            self.number += 1
            shard = self.shards[key[1] % SHARDS]
            if key in removed and shard.rows.pop(key, None) is not None:
                self.removals.setdefault(key, []).append(self.number)
            elif key not in removed:
                shard.rows[key] = float(self.number)
            shard.changed.add(key)

    @rule(index=st.integers(0, SHARDS - 1), table=st.sampled_from(TABLES))
    def forget_changes(self, index, table):
        """So many rows of one table changed that all of it has to be sent."""
        if not self.shards[index].parts:
            self.shards[index].send_whole((table,))

    @rule(ms=st.sampled_from([1, 300, 1000, 5000]))
    def time_passes(self, ms):
        self.clock.ms += ms

    @rule(index=st.integers(0, SHARDS - 1), times=st.integers(1, 2))
    def send(self, index, times):
        message = self.shards[index].next_push(self.clock)
        self.sent.append(message)
        for _ in range(times):
            self._deliver(message)

    @rule(index=st.integers(0, SHARDS - 1))
    def lose(self, index):
        self.sent.append(self.shards[index].next_push(self.clock))

    @rule(data=st.data())
    def come_late(self, data):
        if self.sent:
            self._deliver(data.draw(st.sampled_from(self.sent)))

    @rule(index=st.integers(0, SHARDS - 1))
    def restart_sender(self, index):
        self.senders += 1
        shard = self.shards[index]
        shard.sender, shard.sequence, shard.parts, shard.changed = self.senders, 0, [], set()

    @rule()
    def export(self):
        self.exported = self._learned(), self.clock.ms

    @rule(embeddings=st.booleans())
    def load_version(self, embeddings):
        users, told = self._version()
        load(self.replica, Path(self.folder.name), users if embeddings else None, **told)

    @rule()
    def restart_replica(self):
        users, told = self._version()
        self.replica = loaded(Path(self.folder.name), users, self.clock, **told)
        self.seen = {}

    @rule()
    def everything_arrives(self):
        """The network is good for a while."""
        self.clock.ms += 1
        for shard in self.shards:
            while not self._deliver(shard.next_push(self.clock)) or shard.parts or shard.changed:
                pass
        assert self._served() == self._learned()

    @invariant()
    def no_row_goes_back(self):
        for key, number in self._served().items():
            assert number >= self.seen.get(key, 0), f"row {key} is {number}, and was {self.seen[key]}"
            self.seen[key] = number
        for key in self.seen.keys() - self._served().keys():
            later = [number for number in self.removals[key] if number > self.seen[key]]
            self.seen[key] = min(later, default=self.seen[key])

    def _learned(self):
        return {**self.shards[0].rows, **self.shards[1].rows}

    def _served(self):
        return {(table, fid): row for table in TABLES for fid, row in served(self.replica, table).items()}

    def _version(self):
        """What was exported last, as a version that is newer than others: its users, and all else."""
        rows, as_of_ms = self.exported
        self.version += 1
        genres, users = ({fid: row for (t, fid), row in rows.items() if t == table} for table in TABLES)
        return users, {"version": self.version, "as_of_ms": as_of_ms, "genres": table_of(genres)}

    def _deliver(self, message):
        """Whether it was taken; its sender hears if everything is wanted."""
        shard = self.shards[message.shard]
        try:
            self.replica.push(message)
        except (EverythingNeeded, PushTooEarly):  # here nothing is on its way when a push is missing
            if message.sender == shard.sender:
                shard.send_whole()
            return False
        except InvalidRequest:
            assert message.sender != shard.sender  # another has taken over
            return False
        return True


TestTraining = Training.TestCase
TestTraining.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
