"""A model directory that somebody trains in."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext

import pytest

from monolith.checkpoint.claim import Claim
from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointError, CheckpointInUse

HOLD = """
import sys, time
from pathlib import Path
from monolith.checkpoint.claim import Claim
with Claim(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_training_at_a_time(tmp_path):
    folder = tmp_path / "new" / "runs"
    with Claim(folder):
        for _ in range(2):  # whoever is refused takes nothing away
            with pytest.raises(
                CheckpointInUse, match=f"process {os.getpid()} on .*: wait for its end"
            ) as told:
                Claim(folder).__enter__()
            assert told.value.path == str(folder)
        assert CheckpointStore(folder).list() == []
    with Claim(folder):
        pass


def test_who_was_killed_holds_nothing(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(CheckpointInUse, match=f"process {other.pid} on "):
            Claim(tmp_path).__enter__()
        other.send_signal(signal.SIGKILL)
        other.wait()
    with Claim(tmp_path):
        pass


@pytest.mark.parametrize(
    "take_away",
    [
        shutil.rmtree,
        lambda folder: folder.rename(f"{folder}.old"),
        lambda folder: (folder / ".lock").unlink(),
    ],
)
def test_a_folder_that_was_taken_away_is_claimed_anew(tmp_path, take_away):
    folder = tmp_path / "model"
    with Claim(folder) as claim:
        assert not claim.renew()
        take_away(folder)
        assert claim.renew()
        assert not claim.renew()
        with pytest.raises(CheckpointInUse):
            Claim(folder).__enter__()


def test_a_lock_that_is_taken_away_while_it_is_taken(tmp_path, monkeypatch):
    """Two would hold a lock each: a file that has gone, and the one that came in its place."""
    lock, flock = tmp_path / ".lock", fcntl.flock
    cleaning = iter([lock])

    def cleaned(file, how):
        flock(file, how)
        for path in cleaning:
            path.unlink()

    monkeypatch.setattr(fcntl, "flock", cleaned)
    with Claim(tmp_path), pytest.raises(CheckpointInUse):
        Claim(tmp_path).__enter__()


@pytest.mark.parametrize(
    ("error", "told"),
    [(errno.ESTALE, nullcontext()), (errno.EIO, pytest.raises(CheckpointError, match="Input/output error"))],
    ids=["deleted by another machine", "failing"],
)
def test_a_lock_that_nobody_can_look_at(tmp_path, monkeypatch, error, told):
    """NFS has forgotten what another machine deleted."""

    look = os.fstat

    def fails(file):
        if (held := look(file)).st_nlink:
            return held
        raise OSError(error, os.strerror(error))

    with Claim(tmp_path) as claim:
        (tmp_path / ".lock").unlink()
        with monkeypatch.context() as patch, told:
            patch.setattr(os, "fstat", fails)
            assert claim.renew()


def test_what_another_training_has_made_of_it_is_its_own(tmp_path):
    folder = tmp_path / "model"
    with Claim(folder) as first:
        shutil.rmtree(folder)
        with Claim(folder), pytest.raises(CheckpointInUse):
            first.renew()
        assert first.renew()


def test_a_file_system_may_number_its_files_anew_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    with Claim(tmp_path) as claim:
        assert not claim.renew()
        (tmp_path / ".lock").write_text("process 1 on another machine\n")
        with pytest.raises(CheckpointInUse):
            claim.renew()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(CheckpointError, match="no space left"):
            Claim(tmp_path).__enter__()
    with Claim(tmp_path):
        pass


def test_where_there_are_no_locks_nobody_is_kept_out(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Claim(tmp_path), Claim(tmp_path):
        pass
