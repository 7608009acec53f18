"""What must hold whoever comes to harm, judged once all that was sent is trained."""

from __future__ import annotations

import numpy as np

from tests.integration.faults.blows import Part
from tests.integration.faults.box import CHECKPOINT, INTERVAL_S, USERS, Box, Tables

PROMISED_S = INTERVAL_S + 1.0  # from a change to the predictions that show it
OTHERS_BEHIND_S = 5 * PROMISED_S  # at most, where a batch waits to be full and the machine is shared


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
    again = times.sum() - len(times)
    if not box.forgotten:
        assert again <= box.kills * CHECKPOINT, f"{again} came again after {box.kills} kills"


def no_row_is_torn(box: Box, _trained: Tables) -> None:
    assert [reader.torn for reader in box.readers] == [[]] * len(box.readers)


def no_row_goes_back(box: Box, _trained: Tables) -> None:
    """But where the trainer goes back to its checkpoint, or a replica starts with its export: once each."""
    for reader, kills in zip(box.readers, box.replica_kills, strict=True):
        assert reader.went_back.max() <= box.kills + kills, "a row was older than before"
        assert reader.vanished.max() <= kills, "a row was gone for a while"


LAWS = (each_message_counts_once, none_is_lost_and_few_come_twice, no_row_is_torn, no_row_goes_back)


def others_were_undisturbed(box: Box, part: Part, since: float) -> None:
    """Whoever else answers goes on answering, and where one of the replicas is away, is as fresh as ever."""
    others = box.readers[1:] if part is Part.REPLICA else box.readers
    assert not any(reader.failures_since(since) for reader in others), "a replica did not answer"
    if part is Part.REPLICA:
        behind = max(reader.lags_since(since).max() for reader in others)
        assert behind < OTHERS_BEHIND_S, f"the other replica was {behind:.1f} s behind"


def _wrong(what: str, found: np.ndarray, wanted: object) -> str:
    wrong = (found != wanted).any(axis=1)
    return f"{wrong.sum()} of {len(found)}, the first {what} {wrong.argmax()}: {found[wrong][0]}"
