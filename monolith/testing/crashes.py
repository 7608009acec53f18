"""What a disk may hold after the power fails: POSIX promises only what was fsynced.

A file's bytes since its last fsync may be there, gone, cut short, or zeros; names made, moved and removed
since the folder's last fsync may have taken effect or not, each by itself. (Nobody here renames folders.)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from monolith.testing.faulty_disk import Call

SECTOR = 512  # bytes that a disk writes as one
Tree: TypeAlias = Mapping[Path, bytes]  # files by path


@dataclass(eq=False, slots=True)
class _File:
    durable: bytes = b""
    live: bytes = b""


_Names: TypeAlias = "dict[str, _File | _Folder]"
_Change: TypeAlias = Callable[[_Names], None]


@dataclass(eq=False, slots=True)
class _Folder:
    """`pending` are the changes of names since the last fsync, oldest first."""

    durable: _Names = field(default_factory=dict)
    live: _Names = field(default_factory=dict)
    pending: list[_Change] = field(default_factory=list)

    def change(self, change: _Change) -> None:
        change(self.live)
        self.pending.append(change)

    def sync(self) -> None:
        self.durable = dict(self.live)
        self.pending.clear()


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of the bytes of a file, and of one change of names, when the power fails."""

    content: Callable[[_File], bytes]
    kept: Callable[[], bool]


_ALL = _Fate(lambda file: file.live, lambda: True)
_NOTHING = _Fate(lambda file: file.durable, lambda: False)


class Crashes:
    """A model of the disk under `root`, which starts with what is there now, all of it durable."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._top = _scan(root)

    def after_each(
        self, calls: Sequence[Call], samples: int, chance: random.Random
    ) -> Iterator[tuple[int, Tree]]:
        """For each prefix of `calls`, its length and trees that a crash right after it may leave.

        The first tree has all that was not synced, the second nothing of it, `samples` more are drawn.
        """
        drawn = _Fate(lambda file: _torn(file, chance), lambda: chance.random() < 0.5)
        for done in range(len(calls) + 1):
            if done:
                self._make(calls[done - 1])
            for fate in (_ALL, _NOTHING, *[drawn] * samples):
                yield done, dict(_left(self._top, Path(), fate))

    def _make(self, call: Call) -> None:
        match call.name:
            case "write":
                self._file(call.path).live += call.data
            case "sync":
                self._file(call.path).durable = self._file(call.path).live
            case "sync_folder":
                self._folder(call.path).sync()
            case "open" if call.path.name in self._folder(call.path.parent).live:
                self._file(call.path).live = b""
            case "open" | "make_folder" | "rename" | "remove" | "remove_folder":
                self._folder(call.path.parent).change(_change_of_names(call))

    def _folder(self, path: Path) -> _Folder:
        at = self._top
        for name in path.relative_to(self._root).parts:
            inner = at.live[name]
            assert isinstance(inner, _Folder)
            at = inner
        return at

    def _file(self, path: Path) -> _File:
        file = self._folder(path.parent).live[path.name]
        assert isinstance(file, _File)
        return file


def plant(tree: Tree, folder: Path) -> None:
    """Make `tree` under `folder`."""
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _scan(path: Path) -> _Folder:
    names: _Names = {}
    for inner in path.iterdir():
        content = b"" if inner.is_dir() else inner.read_bytes()
        names[inner.name] = _scan(inner) if inner.is_dir() else _File(content, content)
    return _Folder(dict(names), names)


def _change_of_names(call: Call) -> _Change:
    """A change to make twice, live and on the disk; one that a crash made impossible does nothing."""
    made = _File() if call.name == "open" else _Folder()

    def change(names: _Names) -> None:
        match call.name:
            case "open" | "make_folder":
                names[call.path.name] = made
            case "rename" if call.target and call.path.name in names:
                names[call.target.name] = names.pop(call.path.name)
            case _:
                names.pop(call.path.name, None)

    return change


def _left(folder: _Folder, at: Path, fate: _Fate) -> Iterator[tuple[Path, bytes]]:
    names = dict(folder.durable)
    for change in folder.pending:
        if fate.kept():
            change(names)
    for name, node in names.items():
        if isinstance(node, _File):
            yield at / name, fate.content(node)
        else:
            yield from _left(node, at / name, fate)


def _torn(file: _File, chance: random.Random) -> bytes:
    if file.live == file.durable:
        return file.live
    cut = chance.randrange(0, len(file.live) + SECTOR, SECTOR)
    rest = bytes(len(file.live[cut:]))
    return chance.choice([file.durable, file.live, file.live[:cut], file.live[:cut] + rest])
