"""Two folders change places: at no moment is the name without one, and what fails is undone."""

import errno
import itertools

import pytest

from monolith.core.swap import Unsettled, aside, take_name
from monolith.testing.faulty_disk import FaultyDisk, RecordingDisk, WatchedDisk


class NoExchange:
    """A system that cannot exchange two names at once; there are several ways to say so."""

    ways = itertools.cycle((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV))

    def exchange(self, one, other):
        raise OSError(next(self.ways), "not here", str(one))


class SimpleRecordingDisk(NoExchange, RecordingDisk): ...


class SimpleFaultyDisk(NoExchange, FaultyDisk): ...


@pytest.fixture
def folders(tmp_path):
    """`new`, which is to take the name `old`; each holds a file called as it is."""
    return make(tmp_path)


def make(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / name).touch()
    return tmp_path / "new", tmp_path / "old"


def held(folder):
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("disk", [RecordingDisk, SimpleRecordingDisk])
def test_they_change_places(folders, disk):
    new, old = folders
    take_name(new, old, used := disk())
    assert (held(new), held(old)) == (["old"], ["new"])
    assert not aside(old).exists()
    assert used.calls[-1].name == "sync_folder"


def test_a_name_that_is_free_is_taken(tmp_path):
    new, old = make(tmp_path)
    take_name(new, tmp_path / "free", RecordingDisk())
    assert held(tmp_path / "free") == ["new"]
    assert (new.exists(), held(old)) == (False, ["old"])


def test_the_name_is_always_there(folders):
    new, old = folders

    class Watching(WatchedDisk):
        def _about_to(self, call):
            assert old.exists()

    take_name(new, old, Watching())
    assert held(old) == ["new"]


@pytest.mark.parametrize(("disk", "calls"), [(FaultyDisk, 2), (SimpleFaultyDisk, 4)])
def test_what_fails_is_undone(tmp_path, disk, calls):
    for at in range(calls):
        new, old = make(tmp_path / str(at))
        with pytest.raises(OSError, match="Input/output error"):
            take_name(new, old, failing := disk(at))
        assert failing.count > at
        assert (held(new), held(old)) == (["new"], ["old"])


@pytest.mark.parametrize(("at", "error", "new_has_it"), [(0, OSError, False), (1, Unsettled, True)])
def test_where_it_cannot_be_undone_that_is_told(folders, at, error, new_has_it):
    new, old = folders
    with pytest.raises(OSError, match="Input/output error") as caught:
        take_name(new, old, FaultyDisk(at, for_good=True))
    assert (type(caught.value), held(old)) == (error, ["new" if new_has_it else "old"])
