"""A message is read when the last of its rows has gone, and not before."""

from hypothesis import given
from hypothesis import strategies as st

from monolith.data.streams.decoding import Piece, Poison
from monolith.data.streams.held import HeldRows
from monolith.data.streams.log import Message, Partition
from tests.unit.data.streams.conftest import labels, rows

A, B = Partition("t", 0), Partition("t", 1)
plans = st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 4)), max_size=12)


def pieces(plan):
    """One message each, with so many rows, labelled in order; none makes it poison."""
    offsets, number = {A: 0, B: 0}, 0
    for partition, count in plan:
        message = Message(partition, offsets[partition], b"")
        offsets[partition] += 1
        poison = None if count else Poison(message, "bad")
        yield Piece([message], rows(range(number, number + count)) if count else None, poison)
        number += count


def expected(plan, gone):
    """Offsets after `gone` rows: a message is passed once its end, and that of all before, is reached."""
    offsets, end = {A: 0, B: 0}, 0
    for partition, count in plan:
        end += count
        if end <= gone:
            offsets[partition] += 1
    return offsets


@given(plans, st.lists(st.integers(1, 5), max_size=20))
def test_offsets_follow_the_rows(plan, sizes):
    held, gone = HeldRows({A: 0, B: 0}), 0
    for piece in pieces(plan):
        held.add(piece)
    total = sum(count for _, count in plan)
    assert held.rows == total
    for size in sizes:
        taken = [label for batch in held.take(size) for label in labels(batch)]
        assert taken == list(range(gone, min(gone + size, total)))
        gone += len(taken)
        assert held.offsets == expected(plan, gone)
        assert held.rows == total - gone


def test_many_messages_in_a_piece_pass_one_by_one():
    held = HeldRows({A: 5})
    held.add(Piece([Message(A, offset, b"") for offset in (5, 6, 9)], rows(range(6))))
    told = []
    for _ in range(6):
        held.take(1)
        told.append(held.offsets[A])
    assert told == [5, 6, 6, 7, 7, 10]
