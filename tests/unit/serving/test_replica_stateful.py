"""Whatever is lost, repeated, late or reloaded: no row goes back, and in the end all is as it was learned."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monolith.core.errors import EverythingNeeded, InvalidRequest
from tests.unit.serving.pushing import Clock, delta, load, loaded, push, served

SHARDS = 2
FIDS = range(8)


class Shard:
    """One shard of a trainer, and what sends its rows. Values only ever grow: each change is a new number."""

    def __init__(self, index, sender):
        self.index = index
        self.rows = {}
        self.changed = set()
        self.sender, self.sequence = sender, 0
        self.parts = None  # of everything, that are still to be sent

    def next_push(self, clock):
        """What changed, or a part of everything once that was asked for."""
        self.sequence += 1
        more = {"sender": self.sender, "sequence": self.sequence, "shard": self.index, "shards": SHARDS}
        if self.parts is None:
            fids, self.changed = self.changed, set()
            return self._push(fids, as_of_ms=clock.ms, **more)
        first, fids = self.parts[0] == "first", self.parts[1]
        last = len(self.parts) == 2
        self.parts = None if last else ["later", *self.parts[2:]]
        done = {"as_of_ms": clock.ms} if last else {}
        return self._push(fids, whole_begin=first, whole_end=last, named=True, **done, **more)

    def send_everything(self):
        held = sorted(self.rows)
        self.parts, self.changed = ["first", held[::2], held[1::2]], set()

    def _push(self, fids, *, named=False, **more):
        changed = {fid: self.rows[fid] for fid in fids if fid in self.rows}
        removed = [fid for fid in fids if fid not in self.rows]
        genres = [delta(table="genres")] if named else []
        return push(deltas=[delta(changed, removed), *genres], **more)


class Training(RuleBasedStateMachine):
    """A trainer of two shards, the replica that it pushes to, and a network that loses and repeats."""

    @initialize()
    def begin(self):
        self.clock, self.number, self.version = Clock(), 0, 1
        self.folder = tempfile.TemporaryDirectory()
        self.shards = [Shard(index, sender=index + 1) for index in range(SHARDS)]
        self.senders = SHARDS
        self.removals = {}  # fid -> the numbers of its removals
        self.replica = loaded(Path(self.folder.name), {}, self.clock, as_of_ms=self.clock.ms)
        self.exported = {}, self.clock.ms
        self.sent = []
        self.seen = {}

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(fids=st.sets(st.sampled_from(FIDS), min_size=1), removed=st.sets(st.sampled_from(FIDS), max_size=2))
    def learn(self, fids, removed):
        for fid in fids | removed:
            self.number += 1
            shard = self.shards[fid % SHARDS]
            if fid in removed and shard.rows.pop(fid, None) is not None:
                self.removals.setdefault(fid, []).append(self.number)
            elif fid not in removed:
                shard.rows[fid] = float(self.number)
            shard.changed.add(fid)

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
        shard.sender, shard.sequence, shard.parts, shard.changed = self.senders, 0, None, set()

    @rule()
    def export(self):
        self.exported = {**self.shards[0].rows, **self.shards[1].rows}, self.clock.ms

    @rule(embeddings=st.booleans())
    def load_version(self, embeddings):
        rows, as_of_ms = self.exported
        self.version += 1
        load(
            self.replica,
            Path(self.folder.name),
            rows if embeddings else None,
            self.version,
            as_of_ms=as_of_ms,
        )

    @rule()
    def restart_replica(self):
        rows, as_of_ms = self.exported
        self.version += 1
        self.replica = loaded(Path(self.folder.name), rows, self.clock, self.version, as_of_ms=as_of_ms)
        self.seen = {}

    @rule()
    def everything_arrives(self):
        """The network is good for a while."""
        self.clock.ms += 1
        for shard in self.shards:
            while not self._deliver(shard.next_push(self.clock)) or shard.parts or shard.changed:
                pass
        assert served(self.replica) == {**self.shards[0].rows, **self.shards[1].rows}

    @invariant()
    def no_row_goes_back(self):
        for fid, number in served(self.replica).items():
            assert number >= self.seen.get(fid, 0), f"row {fid} is {number}, and was {self.seen[fid]}"
            self.seen[fid] = number
        for fid in self.seen.keys() - served(self.replica).keys():
            later = [number for number in self.removals[fid] if number > self.seen[fid]]
            self.seen[fid] = min(later, default=self.seen[fid])

    def _deliver(self, message):
        """Whether it was taken; its sender hears if everything is wanted."""
        shard = self.shards[message.shard]
        try:
            self.replica.push(message)
        except EverythingNeeded:
            if message.sender == shard.sender:
                shard.send_everything()
            return False
        except InvalidRequest:
            assert message.sender != shard.sender  # another has taken over
            return False
        return True


TestTraining = Training.TestCase
TestTraining.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
