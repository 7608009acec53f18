"""Entries on disk are entries in memory: whatever is held, the answers are a dict's."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.data.joining.entries import Entry, State
from monolith.data.joining.spill import TABLE, SpillingEntries

KEYS = [f"k{number}".encode() for number in range(8)]
keys = st.sampled_from(KEYS)
entries = st.builds(
    Entry,
    st.sampled_from(State),
    due=st.integers(-5, 20),
    time=st.integers(-(1 << 60), 1 << 60),
    value=st.binary(max_size=3000),
    actions=st.lists(st.integers(-(1 << 62), 1 << 62), max_size=3).map(tuple),
)
acts = st.one_of(
    st.tuples(st.just("put"), keys, entries),
    st.tuples(st.just("remove"), keys),
    st.tuples(st.just("due"), st.integers(-6, 21), st.integers(1, 9)),
    st.tuples(st.just("commit")),
    st.tuples(st.just("open again")),
)


@pytest.fixture
def db():
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.executescript(TABLE)
    yield made
    made.close()


def found(held, key):
    held.load([key])
    return held.get(key)


def commit(held):
    held.write()
    held.written()


@settings(deadline=None)
@given(st.lists(acts, max_size=40), st.sampled_from([0, 1500, 1 << 20]))
def test_it_is_a_dict(done, limit):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(TABLE)
    held, model = SpillingEntries(db, limit), {}
    for name, *told in done:
        if name == "put":
            key, entry = told
            held.load([key])
            held.put(key, entry)
            model[key] = entry
        elif name == "remove" and found(held, *told):
            held.remove(*told)
            del model[told[0]]
        elif name == "due":
            take_due(held, model, *told)
        elif name in ("commit", "open again"):
            commit(held)
            held = held if name == "commit" else SpillingEntries(db, limit)
        assert len(held) == len(model)
    assert {key: found(held, key) for key in KEYS if found(held, key)} == model
    db.close()


def take_due(held, model, until, most):
    """All that are due come, in some number of calls, the first due first among those of a call."""
    expected = {key for key, entry in model.items() if entry.due <= until}
    for _ in range(2 * len(KEYS)):
        some, _ = held.due(until, most)
        assert [(entry.due, key) for key, entry in some] == sorted((model[key].due, key) for key, _ in some)
        for key, entry in some:
            assert model.pop(key) == entry
            held.remove(key)
            expected.remove(key)
        commit(held)
    assert not expected


def test_memory_is_bounded(db):
    """What is held is counted; after a commit at most the limit is there, and all is still known."""
    held = SpillingEntries(db, 100_000)
    for number in range(1000):
        held.put(str(number).encode(), Entry(State.WAITING, number, number, bytes(1000)))
        if held.full:
            commit(held)
            assert held.in_memory <= 100
    assert len(held) == 1000
    held.load([b"0", b"999"])
    assert (held.get(b"0").time, held.get(b"999").time) == (0, 999)


@pytest.mark.parametrize("committed", [True, False])
def test_what_was_removed_stays_away(db, committed):
    """Even while its row is still on disk, beside others that are only there."""
    held = SpillingEntries(db, 0)
    for key in KEYS:
        held.put(key, Entry(State.WAITING, 1, 1))
    commit(held)
    assert found(held, KEYS[0])
    held.remove(KEYS[0])
    if committed:
        commit(held)
    assert found(held, KEYS[0]) is None
    assert KEYS[0] not in dict(held.due(1, 100)[0])
    assert len(held) == len(KEYS) - 1
