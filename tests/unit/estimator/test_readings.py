"""Where a resumed worker goes on."""

import pytest

from monolith.data.reading import Reading
from monolith.estimator.readings import even_share, resume_at, share_of
from tests.unit.estimator.conftest import MemoryDataset


def test_the_same_workers_go_on_exactly():
    here = resume_at({0: 10, 1: 9}, 64, Reading(batch_size=64, worker=1, num_workers=2), even_share)
    assert (here.position, here.exact) == (9, True)


@pytest.mark.parametrize(
    ("batch_size", "num_workers", "position"), [(64, 1, 20), (64, 4, 5), (32, 2, 20), (128, 1, 10)]
)
def test_other_workers_share_what_was_read(batch_size, num_workers, position):
    here = resume_at({0: 10, 1: 10}, 64, Reading(batch_size=batch_size, num_workers=num_workers), even_share)
    assert here.position == position


@pytest.mark.parametrize("num_workers", [1, 2, 3])
@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_between_two_epochs_other_workers_go_on_exactly(num_workers, epochs):
    """However uneven their shares are, and although each epoch ends with a short batch."""
    per_epoch = share_of(MemoryDataset({"train": 97}))
    theirs = {w: epochs * per_epoch(Reading(batch_size=7, worker=w, num_workers=4)) for w in range(4)}
    for worker in range(num_workers):
        reading = Reading(batch_size=10, worker=worker, num_workers=num_workers)
        here = resume_at(theirs, 7, reading, per_epoch)
        assert (here.position, here.exact) == (epochs * per_epoch(reading), True)


def test_within_an_epoch_each_skips_its_part_of_it():
    per_epoch = share_of(MemoryDataset({"train": 90}))
    here = resume_at({0: 3, 1: 2}, 9, Reading(batch_size=9), per_epoch)
    assert (here.position, here.exact) == (5, False)


def test_of_nothing_nothing_is_left():
    per_epoch = share_of(MemoryDataset({"train": 0}))
    assert resume_at({0: 0, 1: 0}, 9, Reading(batch_size=9), per_epoch).position == 0
