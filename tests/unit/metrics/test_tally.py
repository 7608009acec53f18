"""What replicas predicted: parts merge to the whole, and travel."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.metrics.tally import Tally, merged

PARTS = st.tuples(
    st.sampled_from(["now", "never"]),
    st.lists(st.floats(0, 1, width=32), max_size=5),
    st.integers(0, 100),
    st.just(math.nan) | st.floats(0, 1e6),
)


def tally_of(predictions, missed, staleness_s):
    tally = Tally()
    tally.quality.update(predictions, np.round(predictions))
    tally.missed, tally.staleness_s = missed, staleness_s
    return tally


@given(st.lists(PARTS, max_size=6))
def test_the_whole_has_all_of_its_parts(parts):
    whole = merged({name: Tally.from_bytes(tally_of(*more).to_bytes())} for name, *more in parts)
    for name in {name for name, *_ in parts}:
        mine = [more for one, *more in parts if one == name]
        figures = whole[name].figures()
        assert figures["missed"] == sum(missed for _, missed, _ in mine)
        assert figures["examples"] == sum(len(predictions) for predictions, _, _ in mine)
        known = [s for *_, s in mine if not math.isnan(s)]
        assert figures["staleness_s"] == pytest.approx(max(known, default=math.nan), nan_ok=True)
