"""Versions change places without a request noticing, and never go back."""

import itertools
import os
import threading

import pytest

from monolith.core.errors import EmbeddingsMissing, ModelNotFound, ServerBusy, ServingError, VersionUnready
from monolith.serving.manifest import MANIFEST
from monolith.serving.versions import State, Versions

STAMPS = itertools.count(1)


@pytest.fixture
def base(tmp_path):
    return tmp_path / "ctr"


def put(base, version, content="fine"):
    """A version folder as a rename would bring it: with another inode or time than the one before."""
    folder = base / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(content)
    os.utime(folder / MANIFEST, ns=(0, next(STAMPS)))


def load(folder):
    content = (folder / MANIFEST).read_text()
    if content == "torn":
        raise ServingError(f"{folder} is torn")
    if content == "bug":
        raise ZeroDivisionError("of all things")
    return f"{folder.name} {content}"


def look_twice(versions):
    """What has changed since it was tried must stand still between two looks."""
    versions.poll()
    versions.poll()


def states(versions):
    return {s.version: s.state.name for s in versions.status()}


def answer(versions, version=None):
    with versions.lease(version) as model:
        return model


def test_newest_version_answers(base):
    for version in (1, 10, 9):
        put(base, version)
    versions = Versions(base, load)
    versions.poll()
    assert answer(versions) == "10 fine"
    assert versions.version == 10
    assert versions.name == "ctr"


def resting(loaded):
    """Loads folders as `load`; those called dense need that another was loaded before."""

    def one(folder):
        content = load(folder)
        if content.endswith("dense") and not loaded:
            raise EmbeddingsMissing(f"{folder} lacks embeddings")
        loaded.append(content)
        return content

    return one


def test_version_that_rests_on_another_waits_for_it(base, caplog):
    """A server that starts finds the newest dense part, and must first load the embeddings below it."""
    for version, content in ((1, "fine"), (2, "fine"), (3, "dense"), (4, "dense")):
        put(base, version, content)
    versions = Versions(base, resting(loaded := []))
    versions.poll()
    assert loaded == ["2 fine", "4 dense"]
    assert states(versions) == {4: "AVAILABLE", 3: "END", 2: "END"}
    assert not caplog.records


def test_version_that_rests_on_none_that_is_there_is_named_once(base, caplog):
    put(base, 3, "dense")
    versions = Versions(base, resting([]))
    look_twice(versions)
    assert ["3 lacks embeddings" in one.message for one in caplog.records] == [True]


def test_version_that_rests_on_another_is_not_tried_in_vain(base):
    put(base, 4, "dense")
    versions = Versions(base, resting(loaded := []))
    for _ in range(3):
        versions.poll()
    assert [s.problem for s in versions.status()] == [f"{base / '4'} lacks embeddings"]
    put(base, 3, "fine")
    versions.poll()
    assert loaded == ["3 fine", "4 dense"]


def test_version_that_came_at_a_bad_moment_is_tried_again(base):
    tries = []

    def busy_once(folder):
        tries.append(folder)
        if len(tries) == 1:
            raise ServerBusy("not now")
        return load(folder)

    put(base, 1)
    versions = Versions(base, busy_once)
    versions.poll()
    assert states(versions) == {1: "END"}
    versions.poll()
    assert answer(versions) == "1 fine"


def test_new_version_takes_over_and_old_one_ends(base):
    put(base, 1)
    versions = Versions(base, load)
    versions.poll()
    put(base, 2)
    versions.poll()
    assert answer(versions) == "2 fine"
    assert states(versions) == {2: "AVAILABLE", 1: "END"}


def test_old_version_finishes_what_it_began(base):
    put(base, 1)
    versions = Versions(base, load)
    versions.poll()
    with versions.lease() as first, versions.lease() as second:
        put(base, 2)
        versions.poll()
        assert (first, second, answer(versions)) == ("1 fine", "1 fine", "2 fine")
        assert states(versions) == {2: "AVAILABLE", 1: "UNLOADING"}
    assert states(versions)[1] == "END"


def test_version_that_loads_is_seen_as_loading(base):
    put(base, 1)
    seen = {}
    versions = Versions(base, lambda folder: seen.update(states(versions)) or load(folder))
    versions.poll()
    assert seen == {1: "LOADING"}


@pytest.mark.parametrize(("content", "told"), [("torn", "is torn"), ("bug", "of all things")])
def test_broken_version_is_named_and_old_one_goes_on(base, content, told):
    put(base, 1)
    versions = Versions(base, load)
    versions.poll()
    put(base, 2, content)
    versions.poll()
    assert answer(versions) == "1 fine"
    (broken,) = versions.status(2)
    assert broken.state is State.END
    assert told in broken.problem


def test_broken_version_is_tried_again_once_it_changes(base):
    tried = []
    versions = Versions(base, lambda folder: tried.append(folder.name) or load(folder))
    put(base, 1)
    put(base, 2, "torn")
    versions.poll()
    versions.poll()
    assert tried == ["2", "1"]
    put(base, 2)
    look_twice(versions)
    assert tried == ["2", "1", "2"]
    assert answer(versions) == "2 fine"


class Needing:
    """Loads a folder that has all of `files`; each of `troubles`, once, comes before."""

    def __init__(self, files=(), troubles=()):
        self.files, self.troubles, self.tries = files, list(troubles), []

    def __call__(self, folder):
        self.tries.append(folder.name)
        if self.troubles:
            raise self.troubles.pop(0)
        if missing := [name for name in self.files if not (folder / name).exists()]:
            raise VersionUnready(f"{missing[0]} is missing")
        return load(folder)


def test_version_whose_files_come_after_its_manifest_is_tried_once_they_stand_still(base):
    """Nobody says when a copy is complete; while files come, nobody tries in vain."""
    put(base, 1)
    needing = Needing()
    versions = Versions(base, needing, clock=lambda: 0.0)
    versions.poll()
    needing.files = ("rows", "dense")
    put(base, 2)
    versions.poll()
    assert versions.status(2)[0].problem == "rows is missing"
    for length in range(1, 5):
        (base / "2" / "rows").write_text("r" * length)
        versions.poll()
    (base / "2" / "dense").touch()
    versions.poll()
    assert needing.tries == ["1", "2"]
    versions.poll()
    assert answer(versions) == "2 fine"


@pytest.mark.parametrize(
    "trouble", [VersionUnready("rows: cannot be read"), OSError(24, "Too many open files")]
)
def test_version_that_could_not_be_read_is_tried_again_after_growing_pauses(base, caplog, trouble):
    put(base, 1)
    seconds = 0.0
    needing = Needing(troubles=[trouble] * 9)
    versions = Versions(base, needing, clock=lambda: seconds)
    tried_at = []
    while versions.version is None and seconds < 600:
        before = len(needing.tries)
        versions.poll()
        tried_at += [seconds] * (len(needing.tries) - before)
        seconds += 1.0
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried_at)]
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert len(caplog.records) == 1  # the same is said once


def test_version_that_is_broken_is_not_read_again_and_again(base):
    put(base, 1, "torn")
    needing, clock = Needing(), itertools.count(step=1000.0)
    versions = Versions(base, needing, clock=lambda: next(clock))
    for _ in range(5):
        versions.poll()
    assert needing.tries == ["1"]


def test_overwritten_version_is_loaded_again(base):
    put(base, 1)
    versions = Versions(base, load)
    versions.poll()
    put(base, 1, "better")
    look_twice(versions)
    assert answer(versions) == "1 better"
    assert states(versions) == {1: "AVAILABLE"}


def test_broken_overwrite_keeps_what_was_loaded(base):
    put(base, 1)
    versions = Versions(base, load)
    versions.poll()
    put(base, 1, "torn")
    look_twice(versions)
    assert answer(versions) == "1 fine"
    (status,) = versions.status(1)
    assert status.state is State.AVAILABLE
    assert "is torn" in status.problem


def test_versions_never_go_back(base):
    put(base, 1)
    put(base, 2)
    versions = Versions(base, load)
    versions.poll()
    (base / "2" / MANIFEST).unlink()
    put(base, 1, "touched")
    versions.poll()
    assert answer(versions) == "2 fine"


def test_pinned_version_stays(base):
    put(base, 1)
    put(base, 2)
    versions = Versions(base, load, pinned=1)
    versions.poll()
    assert answer(versions) == "1 fine"


@pytest.mark.parametrize("name", [".2.part", "notes", "-3", "٣"])
def test_other_folders_are_no_versions(base, name):
    put(base, name)
    versions = Versions(base, load)
    versions.poll()
    with pytest.raises(ModelNotFound, match=r"Servable not found for request: Latest\(ctr\)"):
        answer(versions)


def test_folder_without_manifest_is_not_ready(base):
    (base / "1").mkdir(parents=True)
    versions = Versions(base, load)
    versions.poll()
    assert versions.status() == []


def test_another_version_is_not_found(base):
    put(base, 1)
    versions = Versions(base, load, name="other")
    versions.poll()
    assert answer(versions, 1) == "1 fine"
    for ask in (answer, Versions.status):
        with pytest.raises(ModelNotFound, match=r"request: Specific\(other, 7\)$"):
            ask(versions, 7)


def test_folder_that_is_gone_is_an_error(base):
    with pytest.raises(ServingError, match="cannot be read: No such file or directory"):
        Versions(base, load).poll()


def test_exchange_under_load_drops_no_request(base):
    """Readers see whole models, in rising order, while thirty versions change places."""
    put(base, 1)
    versions = Versions(base, lambda folder: int(load(folder).split()[0]))
    versions.poll()
    done, wrong, counts = threading.Event(), [], []

    def read():
        last = count = 0
        while not done.is_set():
            with versions.lease() as model:
                if model < last:
                    wrong.append((last, model))
                last, count = model, count + 1
        counts.append(count)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for version in range(2, 32):
        put(base, version)
        versions.poll()
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert min(counts) > 0
    assert set(states(versions).values()) == {"AVAILABLE", "END"}
