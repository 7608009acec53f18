"""What the folder may hold, and how it may fail."""

import asyncio
import errno
import json
import threading

import pytest

from monolith.core.errors import BackendFailed, DiscoveryMisconfigured, ServiceNotFound
from monolith.core.files import Disk
from monolith.discovery.base import ServiceInfo
from monolith.discovery.host_files import HostFiles
from monolith.testing.faulty_disk import FaultyDisk

PS0 = ServiceInfo.listed("ps", 0, "h:1")


class SlowDisk(Disk):
    """Waits to be allowed to open a file."""

    def __init__(self):
        self.began, self.may_go_on = threading.Event(), threading.Event()

    def open(self, path):
        self.began.set()
        assert self.may_go_on.wait(5)
        return super().open(path)


def asked(client, operation, *args):
    async def play():
        await client.connect()
        return await getattr(client, operation)(*args)

    return asyncio.run(play())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ps").mkdir()
    return tmp_path / "ps"


def discovered(folder):
    return asked(HostFiles(folder.parent), "discover", "ps")


def test_people_can_read_the_file(folder):
    asked(HostFiles(folder.parent, owner="me"), "register", PS0)
    assert [f.name for f in folder.iterdir()] == ["0"]
    address, *more = (folder / "0").read_text().splitlines()
    told = {"id": "ps-0", "name": "ps-0", "metadata": {"addr": "h:1", "index": "0"}, "owner": "me"}
    assert (address, json.loads("".join(more))) == ("h:1", told)


def test_people_can_write_the_file(folder):
    (folder / "0").write_text(" h:1 \n\n")
    assert discovered(folder) == [PS0]


def test_they_come_by_index(folder):
    for index in range(11):
        (folder / str(index)).write_text("h:1")
    assert [info.index for info in discovered(folder)] == list(range(11))


@pytest.mark.parametrize("name", ["README", ".0.part", "-1", "+1", "1.0", "٣"])
def test_other_names_are_skipped(folder, name):
    (folder / "0").write_text("h:1")
    (folder / name).write_text("h:9")
    assert discovered(folder) == [PS0]


@pytest.mark.parametrize("content", [b"", b"no address", b"\xff\xfe", b"h:1\n{", b"h:1\n{}", b"h:1\n[]"])
def test_an_unreadable_file_is_named(folder, content):
    (folder / "0").write_bytes(content)
    with pytest.raises(BackendFailed) as caught:
        discovered(folder)
    assert str(caught.value).startswith(
        f"Internal error: Failed to read host discovery file: {folder / '0'}: "
    )


def test_a_folder_in_the_way_is_named(folder):
    (folder / "0").mkdir()
    with pytest.raises(BackendFailed, match=f": {folder / '0'}: Is a directory$"):
        discovered(folder)


def test_a_file_where_the_folder_belongs_is_named(folder):
    """Nobody seems to be there otherwise."""
    there = folder / "0"
    there.write_text("127.0.0.1:1\n")
    with pytest.raises(BackendFailed, match=f"Failed to read dir: {there / 'ps'}: Not a directory$"):
        asked(HostFiles(there), "discover", "ps")


@pytest.mark.parametrize("at", range(6))
def test_a_failing_disk_is_told(folder, at):
    disk = FaultyDisk(at, errno.ENOSPC)
    said = f"^Internal error: Failed to write host discovery file: {folder / '0'}: No space left on device$"
    with pytest.raises(BackendFailed, match=said):
        asked(HostFiles(folder.parent, disk), "register", PS0)


def test_what_was_never_written_is_not_there(folder):
    async def play():
        client = HostFiles(folder.parent, FaultyDisk(0))
        await client.connect()
        with pytest.raises(BackendFailed):
            await client.register(PS0)
        await client.deregister("ps-0")

    with pytest.raises(ServiceNotFound):
        asyncio.run(play())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(
        BackendFailed, match=f"Failed to create host discovery dir: {tmp_path / 'ps'}: No space"
    ):
        asked(HostFiles(tmp_path, FaultyDisk(0, errno.ENOSPC)), "register", PS0)


def test_a_write_that_was_given_up_is_undone(folder):
    """It was cancelled, but its thread went on; what it has written by then is taken away all the same."""
    disk = SlowDisk()

    async def play():
        client = HostFiles(folder.parent, disk)
        await client.connect()
        writing = asyncio.create_task(client.register(PS0))
        await asyncio.to_thread(disk.began.wait, 5)
        writing.cancel()
        removing = asyncio.create_task(client.deregister("ps-0"))
        await asyncio.sleep(0)
        disk.may_go_on.set()
        await removing
        return await client.discover("ps")

    assert asyncio.run(play()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../ps", "a\0b"])
def test_a_type_must_name_a_folder(tmp_path, name):
    with pytest.raises(DiscoveryMisconfigured, match="must be the name of a folder"):
        asked(HostFiles(tmp_path), "discover", name)


@pytest.mark.parametrize(("metadata", "said"), [({}, "None"), ({"index": "one"}, "'one'")])
def test_an_index_is_needed(tmp_path, metadata, said):
    info = ServiceInfo("ps-x", "ps-x", "ps", "h", 1, metadata)
    with pytest.raises(
        DiscoveryMisconfigured, match=f"^Configuration error: ps-x has no usable index .index={said}.:"
    ):
        asked(HostFiles(tmp_path), "register", info)


def test_anybodys_file_can_be_removed(folder):
    async def play():
        client = HostFiles(folder.parent)
        await client.connect()
        await client.expel(PS0)
        return await client.discover("ps")

    (folder / "0").write_text("h:1")
    (folder / "1").write_text("h:2")
    assert [info.index for info in asyncio.run(play())] == [1]
    with pytest.raises(BackendFailed, match=r"Failed to remove host discovery file: .*: No such file"):
        asyncio.run(play())


def test_a_file_tells_when_it_was_written(folder):
    (folder / "0").write_text("h:1")
    assert [info.registered_at for info in discovered(folder)] == [(folder / "0").stat().st_mtime]
