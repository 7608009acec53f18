"""What becomes of a push, and what of the rows that were pushed when a new version comes."""

from dataclasses import replace

import numpy as np
import pytest

from monolith.core.errors import (
    EmbeddingsMissing,
    EverythingNeeded,
    InvalidRequest,
    ModelNotFound,
    PushTooEarly,
    ServerBusy,
    ServingError,
)
from monolith.serving import replica as replicas
from monolith.serving.replica import Applied
from monolith.serving.senders import Sender, Senders
from monolith.table.config import FixedR8, Fp16, OneBit
from tests.unit.serving.pushing import Clock, delta, everything, load, loaded, push, served

OLD = {1: 1.0, 2: 2.0, 3: 3.0}
NEW = {2: 20.0, 3: 30.0, 4: 40.0}
AGAIN = Applied(again=True)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def replica(tmp_path, clock):
    return loaded(tmp_path, OLD, clock, as_of_ms=clock.ms)


@pytest.fixture
def synced(replica, clock):
    """It has everything that sender 7 has, as of a second after the export."""
    clock.ms += 1000
    replica.push(everything(NEW, as_of_ms=clock.ms))
    return replica


def next_push(sequence, values=None, **more):
    return push(values, **{"sender": 7, "sequence": sequence, **more})


def test_push_without_a_sender_is_applied(replica):
    assert replica.push(push({1: 5.0, 9: 9.0}, [2, 77])) == Applied(rows=2, removed=1)
    assert served(replica) == {1: 5.0, 3: 3.0, 9: 9.0}


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"model": "other"}, ModelNotFound, "rows of model 'other' were pushed to 'tiny'"),
        ({"deltas": [delta({1: 5}), delta(table="films")]}, InvalidRequest, "'films' is not of the model"),
        ({"deltas": [replace(delta({1: 5}), dim=3)]}, InvalidRequest, "has rows of 2 values here, not 3"),
        ({"deltas": [replace(delta({1: 5}), dim=0)]}, InvalidRequest, "has rows of 2 values here, not 0"),
        ({"deltas": [replace(delta({1: 5}), values=np.ones(3))]}, InvalidRequest, "1 rows of 2 values"),
        ({"shards": 2}, InvalidRequest, "fid 1 is not of shard 0 of 2"),
        ({"shards": 2, "deltas": [delta(removed=[1])]}, InvalidRequest, "fid 1 is not of shard 0 of 2"),
        ({"sender": 7}, InvalidRequest, "sequence 0: it must be 1 or more"),
        ({"shards": 0}, InvalidRequest, "the push is of shard 0 of 0: there is none"),
        ({"shard": -1}, InvalidRequest, "the push is of shard -1 of 1"),
        ({"sender": 7, "sequence": 1}, EverythingNeeded, "not known here"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_refused_changes_nothing(replica, wrong, error, told):
    with pytest.raises(error, match=told):
        replica.push(replace(push({1: 5.0}), **wrong))
    assert served(replica) == OLD


def test_everything_replaces_all_of_the_shard(tmp_path, clock):
    replica = loaded(tmp_path, OLD, clock)
    whole = everything({3: 30.0, -5: 50.0}, shard=1, shards=2)
    replica.push(whole)
    assert served(replica) == {2: 2.0, 3: 30.0, -5: 50.0}


def test_nothing_is_removed_before_the_end(replica):
    replica.push(everything({2: 20.0}, whole_end=False))
    assert served(replica) == {**OLD, 2: 20.0}
    replica.push(next_push(2, {9: 90.0}))
    assert served(replica) == {**OLD, 2: 20.0, 9: 90.0}
    replica.push(next_push(3, {3: 30.0}, whole_end=True))
    assert served(replica) == {2: 20.0, 3: 30.0, 9: 90.0}


def test_tables_that_are_not_named_keep_their_rows(replica):
    genres = served(replica, "genres")
    replica.push(push(NEW, sender=7, sequence=1, whole_begin=True, whole_end=True))
    assert (served(replica), served(replica, "genres")) == (NEW, genres)


def test_tables_named_before_keep_their_rows(synced):
    synced.push(next_push(2, deltas=[delta({5: 50.0}, table="genres")]))
    synced.push(next_push(3, {8: 80.0}, whole_begin=True, whole_end=True))
    assert (served(synced), served(synced, "genres")) == ({8: 80.0}, {5: 50.0})


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_late_or_repeated_push_changes_nothing(synced, sequence):
    for number in (2, 3):
        synced.push(next_push(number, {2: 2.0 * number}))
    assert synced.push(next_push(sequence, {2: -1.0}, removed=[3], whole_begin=True)) == AGAIN
    assert served(synced) == {**NEW, 2: 6.0}


def test_push_that_overtook_another_comes_again(synced):
    with pytest.raises(PushTooEarly, match="push 3 comes after 2, and 1 came last"):
        synced.push(next_push(3, {2: -1.0}))
    assert served(synced) == NEW
    for sequence in (2, 3):
        synced.push(next_push(sequence, {2: 1.0 * sequence}))
    assert served(synced) == {**NEW, 2: 3.0}


def test_numbers_may_be_left_out_by_who_says_so(synced):
    synced.push(next_push(5, {2: 5.0}, after=1))
    assert served(synced) == {**NEW, 2: 5.0}


def test_push_after_another_one_is_answered_until_everything_came(synced):
    synced.push(next_push(2, {2: 2.0}))
    for _ in range(2):
        with pytest.raises(EverythingNeeded, match="push 5 comes after 1, but 2 came"):
            synced.push(next_push(5, {2: -1.0}, after=1))
    assert served(synced) == {**NEW, 2: 2.0}
    synced.push(everything({8: 80.0}, sequence=9))
    synced.push(next_push(10, {9: 90.0}))
    assert served(synced) == {8: 80.0, 9: 90.0}


def some_tables(sequence, values):
    return everything(values, sequence=sequence, partial=True, deltas=[delta(values)])


def test_some_tables_make_nobody_known(synced, tmp_path, clock):
    """Who begins with them would never be asked for the others."""
    with pytest.raises(PushTooEarly, match="push 3 comes after 2"):
        synced.push(some_tables(3, {8: 80.0}))
    synced.push(some_tables(2, {9: 90.0}))
    assert served(synced) == {9: 90.0}
    load(synced, tmp_path, OLD, 2, as_of_ms=clock.ms + 5000)
    for replica in (synced, loaded(tmp_path, OLD, clock, 3)):
        with pytest.raises(EverythingNeeded, match="not known here"):
            replica.push(some_tables(3, {8: 80.0}))
        assert served(replica) == OLD


def test_another_sender_takes_over(synced):
    synced.push(everything({8: 80.0}, sender=8))
    for late in (next_push(2, {2: -1.0}), everything(NEW, sequence=3)):
        with pytest.raises(InvalidRequest, match="another sender has taken over shard 0 of 1"):
            synced.push(late)
    assert served(synced) == {8: 80.0}


def test_other_number_of_shards_replaces_all_senders(synced):
    synced.push(everything({4: 41.0}, sender=8, shard=0, shards=2))
    assert served(synced) == {3: 30.0, 4: 41.0}
    with pytest.raises(InvalidRequest, match="another sender"):
        synced.push(next_push(2, {2: -1.0}))


def test_push_that_fails_may_come_again(synced, monkeypatch):
    def full(*_):
        raise MemoryError

    change = next_push(2, {5: 50.0}, removed=[2])
    with monkeypatch.context() as patch:
        patch.setattr("monolith.serving.live.LiveTable.evict", full)
        with pytest.raises(MemoryError):
            synced.push(change)
    assert synced.push(change).removed == 1
    assert served(synced) == {3: 30.0, 4: 40.0, 5: 50.0}


@pytest.mark.parametrize(
    "stored", [{"bits": 8}, {"bits": 16}, *({"compressor": c} for c in (Fp16(), FixedR8(0.3), OneBit()))]
)
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_pushed_rows_are_served_as_an_export_would(tmp_path, clock, stored, skip_zeros):
    values = dict(enumerate(np.random.default_rng(1).normal(size=50).tolist())) | {7: 0.0, 8: 1e-30}
    exported = loaded(tmp_path / "all", values, clock, skip_zeros=skip_zeros, **stored)
    pushed = loaded(tmp_path / "none", {7: 1.0}, clock, skip_zeros=skip_zeros, **stored)
    pushed.push(push(values))
    held = [r.tables["users"].find(np.array(list(values))) for r in (exported, pushed)]
    for one, other in zip(*held, strict=True):
        np.testing.assert_array_equal(one, other)
    assert held[0][1][7] == (not skip_zeros)


@pytest.mark.parametrize("later_ms", [-1000, 0])
def test_newer_rows_outlive_an_older_export(synced, tmp_path, clock, later_ms):
    """The tables stay as they are, removals included, and the sender just goes on."""
    users = synced.tables["users"]
    model = load(synced, tmp_path, {1: 11.0, 2: 12.0}, 2, as_of_ms=clock.ms + later_ms)
    assert model.tables["users"] is synced.tables["users"] is users
    synced.push(next_push(2, {5: 50.0}))
    assert served(synced) == {**NEW, 5: 50.0}


def test_newer_export_replaces_older_rows(synced, tmp_path, clock):
    load(synced, tmp_path, OLD, 2, as_of_ms=clock.ms + 1)
    assert served(synced) == {**OLD, **NEW}  # of that very second, nobody knows which is newer
    load(synced, tmp_path, OLD, 3, as_of_ms=clock.ms + 1000)
    assert served(synced) == OLD
    assert synced.push(next_push(1, {5: 50.0})) == AGAIN
    with pytest.raises(EverythingNeeded):
        synced.push(next_push(2, {5: 50.0}))


def test_late_everything_does_not_bring_rows_back(synced, tmp_path, clock):
    """Who is asked for everything is asked for what it has now, not for what it sent once."""
    load(synced, tmp_path, OLD, 2, as_of_ms=clock.ms + 1000)
    assert synced.push(everything(NEW)) == AGAIN
    assert served(synced) == OLD


def test_rows_without_a_sender_outlive_an_older_export(replica, tmp_path, clock):
    exported = clock.ms
    replica.push(push({1: 10.0}))
    clock.ms += 5000
    replica.push(push({9: 90.0}))
    load(replica, tmp_path, OLD, 2, as_of_ms=exported + 3000)
    assert served(replica) == {**OLD, 9: 90.0}


def test_only_the_shards_that_are_here_stay(tmp_path, clock):
    replica = loaded(tmp_path, {1: 1.0, 2: 2.0, 4: 4.0}, clock, as_of_ms=clock.ms)
    clock.ms += 1000
    replica.push(everything({2: 20.0}, shard=0, shards=2, as_of_ms=clock.ms))
    load(replica, tmp_path, {1: 11.0, 2: 12.0, 4: 14.0}, 2, as_of_ms=clock.ms - 500)
    assert served(replica) == {1: 11.0, 2: 20.0}
    replica.push(next_push(2, {6: 60.0}, shards=2))
    assert served(replica) == {1: 11.0, 2: 20.0, 6: 60.0}


def test_sender_need_not_speak_of_tables_without_rows(replica, tmp_path, clock):
    """Else small tables, of which a shard may have nothing, would have it asked for everything each time."""
    replica.push(push(NEW, sender=7, sequence=1, whole_begin=True, whole_end=True, as_of_ms=clock.ms))
    load(replica, tmp_path, OLD, 2, as_of_ms=clock.ms)
    replica.push(next_push(2, {5: 50.0}))
    assert served(replica) == {**NEW, 5: 50.0}


def test_half_of_everything_is_asked_for_again(replica, tmp_path, clock):
    clock.ms += 1000
    replica.push(everything({2: 20.0}, whole_end=False))
    load(replica, tmp_path, OLD, 2, as_of_ms=clock.ms - 500)
    assert served(replica) == {**OLD, 2: 20.0}
    with pytest.raises(EverythingNeeded):
        replica.push(next_push(2, {3: 30.0}, whole_end=True))


@pytest.mark.parametrize("before", [{}, {"bits": 8}])
def test_other_rounding_is_taken_up(tmp_path, clock, before):
    """What was rounded already is asked for again; what was not is rounded."""
    values = {1: 0.123, 2: 0.456}
    replica = loaded(tmp_path, OLD, clock, as_of_ms=clock.ms, **before)
    replica.push(everything(values, as_of_ms=clock.ms))
    load(replica, tmp_path, OLD, 2, as_of_ms=clock.ms, compressor=Fp16())
    second = replica.tables["users"].find(np.array([1]))[0][0, 1]
    if before:
        assert second == pytest.approx(0.123, rel=0.01)
        with pytest.raises(EverythingNeeded):
            replica.push(next_push(2, {3: 0.789}))
    else:
        assert second == np.float16(0.123)
        replica.push(next_push(2, {3: 0.789}))


def test_rows_that_stay_are_not_rounded_again(tmp_path, clock):
    """A row that became zeros by rounding is not one of zeros, which would be skipped."""
    stored = {"as_of_ms": clock.ms, "bits": 8, "skip_zeros": True}
    replica = loaded(tmp_path, OLD, clock, **stored)
    replica.push(push({7: 1e-42}))
    load(replica, tmp_path, OLD, 2, **stored)
    assert served(replica) == {**OLD, 7: 0.0}


def test_half_of_everything_is_not_up_to_date(replica, clock):
    clock.ms += 1000
    replica.push(everything({2: 20.0}, whole_end=False, as_of_ms=clock.ms))
    assert replica.staleness_s() == 1.0


def test_dense_part_alone_takes_over_the_tables(synced, tmp_path):
    users = synced.tables["users"]
    assert load(synced, tmp_path, None, 2, bias=1.0).tables["users"] is users
    synced.push(next_push(2, {5: 50.0}))
    assert served(synced) == {**NEW, 5: 50.0}


def test_dense_part_alone_needs_tables(tmp_path, clock):
    with pytest.raises(EmbeddingsMissing, match="without the embeddings of genres, users: export it again"):
        loaded(tmp_path, None, clock)


def test_torn_version_leaves_all_as_it_was(synced, tmp_path):
    load(synced, tmp_path, None, 2)
    (tmp_path / "2" / "dense.onnx").write_bytes(b"")
    with pytest.raises(ServingError):
        synced.load(tmp_path / "2")
    synced.push(next_push(2, {5: 50.0}))
    assert served(synced) == {**NEW, 5: 50.0}


def test_push_waits_only_so_long(synced, monkeypatch):
    monkeypatch.setattr(replicas, "PATIENCE_S", 0.01)
    with synced._alone(), pytest.raises(ServerBusy, match="try again"):
        synced.push(next_push(2, {5: 50.0}))
    synced.push(next_push(2, {5: 50.0}))


def test_staleness_is_of_the_oldest(tmp_path, clock):
    replica = replicas.Replica("tiny", clock)
    assert np.isnan(replica.staleness_s())
    load(replica, tmp_path, OLD, 1, as_of_ms=clock.ms - 10_000)
    assert replica.staleness_s() == 10.0
    replica.push(everything({2: 20.0}, shard=0, shards=2, as_of_ms=clock.ms))
    assert replica.staleness_s() == 10.0  # nobody has told of the other shard yet
    replica.push(everything({1: 20.0}, shard=1, shards=2, sender=8, as_of_ms=clock.ms - 2000))
    assert replica.staleness_s() == 2.0
    replica.push(next_push(2, sender=8, shard=1, shards=2, as_of_ms=clock.ms - 500))
    assert replica.staleness_s() == 0.5
    clock.ms += 60_000
    assert replica.staleness_s() == 60.5


def test_staleness_is_told_while_a_job_changes_its_shards(replica, monkeypatch):
    class Between(Senders):
        """The first push of another job is halfway, and then done."""

        def __iter__(self):
            found = list(super().__iter__())
            self.shards, self._by_shard = 1, {0: Sender(1, 1)}
            return iter(found)

    monkeypatch.setattr(replica, "_senders", Between())
    assert replica.staleness_s() == 0.0
