"""A crash at any point of a save leaves the old checkpoint or the new one, never a mix and never nothing.

The calls of one save by three servers are recorded; then, for each prefix of them, the disks that a power
failure may leave are built and a job is started on each. The mutants show that the test would notice a
forgotten fsync, or a checkpoint deleted too early.
"""

import random
import re

import pytest

from monolith.checkpoint.store import CheckpointStore
from monolith.core.errors import CheckpointUnreadable
from monolith.testing.crashes import Crashes, plant
from monolith.testing.faulty_disk import RecordingDisk
from monolith.testing.small_job import resumed, save

OLD, NEW = {1.0}, {2.0}
SHARDS = 3


def second_save(model_dir, step, keep):
    """The calls of the save that follows checkpoint 1, and the disk they begin with."""
    save(CheckpointStore(model_dir, disk=RecordingDisk()), 1, 1.0, shards=SHARDS)
    crashes, disk = Crashes(model_dir), RecordingDisk()
    save(CheckpointStore(model_dir, max_to_keep=keep, disk=disk), step, 2.0, shards=SHARDS)
    return disk.calls, crashes


def outcomes(tmp_path, calls, crashes, samples):
    """(calls done, what a job goes on from) for every different disk that a crash may leave."""
    known = {}
    for done, tree in crashes.after_each(calls, samples, random.Random(0)):
        key = frozenset(tree.items())
        if key not in known:
            plant(tree, folder := tmp_path / f"crash-{len(known)}")
            known[key] = left_in(folder)
        yield done, known[key]


def left_in(folder):
    try:
        return resumed(folder)
    except CheckpointUnreadable:
        return None


def is_lawful(calls, seen):
    """Old or new after every call; new once the commit has returned."""
    return all(left in (OLD, NEW) for _, left in seen) and all(
        left == NEW for done, left in seen if done == len(calls)
    )


def server_of(call):
    """Which server made the call; None for the chief, who also deletes what the servers wrote before."""
    return call.path.name[:4] if call.path.name.startswith("ps-") and call.name != "remove" else None


def interleaved(calls, chance):
    """The servers save at the same time: the same calls of each, mixed."""
    queues = {}
    for call in calls:
        queues.setdefault(server_of(call), []).append(call)
    turns = [server for server in map(server_of, calls) if server]
    chance.shuffle(turns)
    turns = iter(turns)
    return [queues[next(turns) if server_of(call) else None].pop(0) for call in calls]


def check(tmp_path, step, keep, samples, seed):
    calls, crashes = second_save(tmp_path / "model", step, keep)
    calls = interleaved(calls, random.Random(seed))
    seen = list(outcomes(tmp_path, calls, crashes, samples))
    assert is_lawful(calls, seen), f"seed {seed}"
    assert all(either in [left for _, left in seen] for either in (OLD, NEW))


@pytest.mark.parametrize("keep", [1, 5])
@pytest.mark.parametrize("step", [1, 2], ids=["same step", "next step"])
def test_a_crash_leaves_old_or_new(tmp_path, step, keep):
    check(tmp_path, step, keep, samples=5, seed=0)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(50))
def test_a_crash_leaves_old_or_new_in_the_long_run(tmp_path, seed):
    check(tmp_path, step=2, keep=1, samples=50, seed=seed)


def without(name, path):
    """The mutant that forgets to sync what is called so."""
    return lambda calls: [c for c in calls if not (c.name == name and re.search(f"{path}$", str(c.path)))]


def folder_named_last(calls):
    """The mutant that does not wait until the data folder has its name for good."""
    named = next(i for i, c in enumerate(calls) if c.name == "rename")
    return [*calls[: named + 1], *calls[named + 2 :]]


def delete_first(calls):
    """The mutant that deletes the old manifest before the new one is in place."""
    rename = next(i for i, c in enumerate(calls) if c.name == "rename" and c.path.suffix == ".part")
    removed = next(i for i, c in enumerate(calls) if c.name == "remove")
    return [*calls[:rename], calls[removed], *calls[rename:removed], *calls[removed + 1 :]]


MUTANTS = {
    "rows not synced": without("sync", "item.safetensors"),
    "dense not synced": without("sync", "dense.safetensors"),
    "manifest not synced": without("sync", ".json.part"),
    "data folder not synced": without("sync_folder", r"checkpoint-\d\.part-\w+"),
    "name of the data folder not synced": folder_named_last,
    "model folder not synced": without("sync_folder", "model"),
    "old deleted too early": delete_first,
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_noticed(tmp_path, mutant):
    noticed = []
    for step in (1, 2):  # a step that is saved over itself has none to fall back on
        calls, crashes = second_save(tmp_path / f"{step}" / "model", step, keep=1)
        mutated = MUTANTS[mutant](calls)
        assert mutated != calls
        seen = outcomes(tmp_path / f"{step}", mutated, crashes, samples=30)
        noticed.append(not is_lawful(mutated, list(seen)))
    assert any(noticed)
