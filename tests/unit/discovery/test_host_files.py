"""What the folder may hold, and how it may fail."""

import asyncio
import errno

import pytest

from monolith.core.errors import ConfigError, OperationFailed
from monolith.discovery.base import ServiceInfo
from monolith.discovery.host_files import HostFiles
from monolith.testing.faulty_disk import FaultyDisk

PS0 = ServiceInfo("ps-0", "ps", 0, "h:1")


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


def test_the_file_is_the_address(folder):
    asked(HostFiles(folder.parent), "register", PS0)
    assert [(f.name, f.read_text()) for f in folder.iterdir()] == [("0", "h:1\n")]


@pytest.mark.parametrize("name", ["README", ".0.part", "-1", "+1", "1.0", "٣"])
def test_other_names_are_skipped(folder, name):
    (folder / "2").write_text(" h:2 \n")
    (folder / name).write_text("h:9")
    assert discovered(folder) == [ServiceInfo("ps-2", "ps", 2, "h:2")]


@pytest.mark.parametrize("content", [b"no address", b"\xff\xfe"])
def test_an_unreadable_file_is_named(folder, content):
    (folder / "0").write_bytes(content)
    with pytest.raises(OperationFailed) as caught:
        discovered(folder)
    assert str(caught.value).startswith(f"{folder / '0'}: ")


def test_a_folder_in_the_way_is_named(folder):
    (folder / "0").mkdir()
    with pytest.raises(OperationFailed, match=f"^{folder / '0'}: Is a directory$"):
        discovered(folder)


@pytest.mark.parametrize("at", range(6))
def test_a_failing_disk_is_told(folder, at):
    disk = FaultyDisk(at, errno.ENOSPC)
    with pytest.raises(OperationFailed, match=f"^{folder / '0'}: No space left on device$"):
        asked(HostFiles(folder.parent, disk), "register", PS0)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../ps", "a\0b"])
def test_a_type_must_name_a_folder(tmp_path, name):
    with pytest.raises(ConfigError, match="must be the name of a folder"):
        asked(HostFiles(tmp_path), "discover", name)


@pytest.mark.parametrize("index", [None, -1])
def test_an_index_is_needed(tmp_path, index):
    with pytest.raises(ConfigError, match=f"ps-x has no index \\(index={index}\\)"):
        asked(HostFiles(tmp_path), "register", ServiceInfo("ps-x", "ps", index, "h:1"))
