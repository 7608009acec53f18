"""What the others hear when one of them cannot go on."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from monolith.core.errors import CheckpointError, RoundFailed
from monolith.estimator.meeting import Meeting
from monolith.estimator.rounds import Place
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard


def fails():
    error = CheckpointError("disk full")
    error.add_note("free some space")
    raise error


def attend(servers, worker, timeout_ms):
    with BlockingClient.local(servers) as client:
        Meeting(client, Place(worker=worker, num_workers=2), timeout_ms).chief_does("saved-1", fails)


def test_the_others_hear_the_notes_too():
    servers = [LocalShard(0)]
    with ThreadPoolExecutor(2) as pool:
        chief, other = (pool.submit(attend, servers, worker, 30_000) for worker in range(2))
        assert isinstance(chief.exception(), CheckpointError)
        with pytest.raises(RoundFailed) as caught:
            other.result()
    assert str(caught.value) == "worker-0 failed at saved-1: disk full\n  free some space"


def test_whom_the_chief_could_not_tell_is_noted():
    with pytest.raises(CheckpointError) as caught:
        attend([LocalShard(0)], 0, 1)
    assert caught.value.__notes__[1:] == [
        "the others could not be told at saved-1: Barrier timeout\n"
        "  1 of 2 arrived at saved-1 within 1ms, missing worker-1"
    ]
