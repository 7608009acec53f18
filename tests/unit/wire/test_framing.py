"""A framed message is read as the message that it stands for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monolith.wire.framing import Framed
from monolith.wire.ps_training_pb2 import BatchLookupResponse, LookupResponse

ROWS = st.integers(0, 40).map(lambda n: n * 7)


def response(count: int) -> tuple[LookupResponse, Framed]:
    rows = np.arange(count, dtype="<f4").reshape(-1, 7)
    framed = Framed(LookupResponse(num_found=count))
    framed.put(LookupResponse.EMBEDDINGS_FIELD_NUMBER, rows.data)
    return LookupResponse(num_found=count, embeddings=rows.tobytes()), framed


@given(st.lists(ROWS, max_size=4), st.integers(0, 2**64 - 1))
def test_framed_reads_as_the_message(counts: list[int], incarnation: int) -> None:
    whole = BatchLookupResponse(incarnation=incarnation)
    framed = Framed(BatchLookupResponse(incarnation=incarnation))
    for plain, parts in map(response, counts):
        whole.responses.append(plain)
        framed.nest(BatchLookupResponse.RESPONSES_FIELD_NUMBER, parts)
    assert BatchLookupResponse.FromString(framed.SerializeToString()) == whole
