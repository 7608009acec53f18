"""What must hold whoever comes to harm, judged once all that was sent is trained."""

from __future__ import annotations

import numpy as np

from tests.integration.faults.blows import Part
from tests.integration.faults.box import CHECKPOINT, Box, Tables
from tests.integration.faults.traffic import USERS


def each_message_counts_once(box: Box, trained: Tables) -> None:
    """A checkpoint holds rows and offsets of one moment, so that what is trained again was undone before.

    A broker that came back without its log was sent everything once more: then at least once.
    """
    if box.forgotten:
        assert (trained["item"] >= 1).all()
        return
    assert (trained["item"] == 1).all(), _wrong("message", trained["item"], 1)
    sent = np.bincount(np.arange(box.traffic.count) % USERS, minlength=USERS)[:, None]
    assert (trained["user"] == sent).all(), _wrong("user", trained["user"], sent)


def none_is_lost_and_few_come_twice(box: Box, _trained: Tables) -> None:
    times = box.witnessed()
    assert times.min() >= 1, f"message {times.argmin()} was never trained"
    again = box.trained_again()
    if not box.forgotten:
        assert again <= box.restarts * CHECKPOINT, f"{again} came again after {box.restarts} restarts"


def no_row_is_torn(box: Box, _trained: Tables) -> None:
    assert [reader.torn for reader in box.readers] == [[]] * len(box.readers)


def no_row_goes_back(box: Box, _trained: Tables) -> None:
    """But where the trainer goes back to its checkpoint, or a replica starts with its export: once each."""
    for reader, kills in zip(box.readers, box.replica_kills, strict=True):
        assert reader.went_back.max() <= box.restarts + kills, "a row was older than before"
        assert reader.vanished.max() <= kills, "a row was gone for a while"


BEHIND_S = 2.5  # less than a push to who is away may take
LAWS = (each_message_counts_once, none_is_lost_and_few_come_twice, no_row_is_torn, no_row_goes_back)


def others_were_undisturbed(box: Box, part: Part, since: float) -> None:
    """Who is not hit goes on answering, and where one replica is away, the other goes on being pushed to."""
    others = box.readers[1:] if part is Part.REPLICA else box.readers
    assert not any(reader.failures_since(since) for reader in others), "a replica did not answer"
    if part is Part.REPLICA:
        behind = max(lag.seconds for reader in others for lag in reader.lags if lag.at >= since)
        assert behind < BEHIND_S, f"the other replica was {behind:.1f} s behind"


def _wrong(what: str, found: np.ndarray, wanted: object) -> str:
    wrong = (found != wanted).any(axis=1)
    return f"{wrong.sum()} of {len(found)}, the first {what} {wrong.argmax()}: {found[wrong][0]}"
