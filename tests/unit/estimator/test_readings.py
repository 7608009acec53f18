"""Where a resumed worker goes on."""

import pytest

from monolith.estimator.readings import resume_at
from monolith.estimator.rounds import Place


def test_the_same_workers_go_on_exactly():
    here = resume_at({0: 10, 1: 9}, then=64, now=64, place=Place(worker=1, num_workers=2))
    assert (here.position, here.exact) == (9, True)


@pytest.mark.parametrize(
    ("batch_size", "num_workers", "position"), [(64, 1, 20), (64, 4, 5), (32, 2, 20), (128, 1, 10)]
)
def test_other_workers_share_what_was_read(batch_size, num_workers, position):
    place = Place(worker=0, num_workers=num_workers)
    here = resume_at({0: 10, 1: 10}, then=64, now=batch_size, place=place)
    assert (here.position, here.exact) == (position, False)
