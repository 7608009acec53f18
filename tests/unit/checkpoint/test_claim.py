"""A model directory that somebody trains in."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from monolith.checkpoint.claim import claimed
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError, CheckpointInUse

HOLD = """
import sys, time
from pathlib import Path
from monolith.checkpoint.claim import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_training_at_a_time(tmp_path):
    folder = tmp_path / "new" / "runs"
    with claimed(folder):
        for _ in range(2):  # whoever is refused takes nothing away
            with pytest.raises(
                CheckpointInUse, match=f"process {os.getpid()} on .*: wait for its end"
            ) as told:
                claimed(folder).__enter__()
            assert told.value.path == str(folder)
        assert CheckpointStore(folder).list() == []
    with claimed(folder):
        pass


def test_who_was_killed_holds_nothing(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(CheckpointInUse, match=f"process {other.pid} on "):
            claimed(tmp_path).__enter__()
        other.send_signal(signal.SIGKILL)
        other.wait()
    with claimed(tmp_path):
        pass


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(CheckpointError, match="no space left"):
            claimed(tmp_path).__enter__()
    with claimed(tmp_path):
        pass


def test_where_there_are_no_locks_nobody_is_kept_out(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with claimed(tmp_path), claimed(tmp_path):
        pass
