"""The `checkpoint` file, which names the newest checkpoint and all there are, as TensorFlow names its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath

import attrs

from monolith.checkpoint.layout import MARKER, STATE
from monolith.core.errors import CheckpointError, CheckpointUnreadable
from monolith.core.files import DISK, Disk, write_atomically

NEWEST, ALL = "model_checkpoint_path", "all_model_checkpoint_paths"


class RunnerMode(StrEnum):
    """What a process does with the checkpoint it looks for."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "predict"


def _paths(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(paths)


@attrs.frozen
class CheckpointState:
    """What a `checkpoint` file says.

    Raises:
        CheckpointError: a path has a line break or is not UTF-8.
    """

    model_checkpoint_path: str
    all_model_checkpoint_paths: tuple[str, ...] = attrs.field(default=(), converter=_paths)

    def __attrs_post_init__(self) -> None:
        for path in (self.model_checkpoint_path, *self.all_model_checkpoint_paths):
            if "\n" in path or any("\ud800" <= character <= "\udfff" for character in path):
                raise CheckpointError(
                    f"checkpoint path {path!r} has a line break or is not UTF-8, which no file of names can "
                    "hold: rename it"
                )

    @classmethod
    def of_one(cls, path: str) -> CheckpointState:
        """There is this one, and it is the newest."""
        return cls(path, [path])

    @classmethod
    def from_text(cls, content: bytes) -> CheckpointState | None:
        """What a file says; None if it is not UTF-8 or names no newest. Escapes are not undone."""
        try:
            fields = list(_fields(content.decode()))
        except UnicodeDecodeError:
            return None
        newest = [path for key, path in fields if key == NEWEST]
        return cls(newest[-1], [path for key, path in fields if key == ALL]) if newest else None

    def to_text(self) -> bytes:
        """The file's content."""
        fields = [(NEWEST, self.model_checkpoint_path)]
        fields += [(ALL, path) for path in self.all_model_checkpoint_paths]
        return "".join(f'{key}: "{path}"\n' for key, path in fields).encode()


@attrs.frozen(kw_only=True)
class Retries:
    """How often to read again what a slow file system shows in part, and how to wait in between."""

    max_retries: int
    retry_interval: float  # seconds
    sleep: Callable[[float], None] = time.sleep


def get_checkpoint_state_with_restore_override(
    model_dir: Path,
    latest_filename: str,
    restore_ckpt: str | None,
    mode: RunnerMode,
    retries: Retries,
    disk: Disk = DISK,
) -> CheckpointState | None:
    """Which checkpoint to load; None if the file that would say so is not there.

    A `restore_ckpt` that the file names is chosen instead of the newest, and the file rewritten: by a
    training once, which the marker beside it tells, by others always. Blocks while it retries.

    Raises:
        CheckpointUnreadable: the file never named a newest checkpoint.
        CheckpointError: a file cannot be read or written.
    """
    state = _read_patiently(model_dir / latest_filename, retries)
    if state is None or restore_ckpt is None or latest_filename != STATE:
        return state
    chosen = _named(state, restore_ckpt)
    if chosen is None or chosen == state.model_checkpoint_path:
        return state
    if mode is RunnerMode.TRAIN and (model_dir / MARKER).exists():
        return state
    state = CheckpointState.of_one(chosen)
    write_names(model_dir / STATE, state.to_text(), disk)
    write_names(model_dir / MARKER, chosen.encode(), disk)
    return state


def read_names(path: Path) -> bytes | None:
    """The content of a file of names; None if it is not there. Raises CheckpointError if unreadable."""
    with _told(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def write_names(path: Path, content: bytes, disk: Disk = DISK) -> None:
    """Replace a file of names, durably. Raises CheckpointError; the file is then as it was, or all new."""
    with _told(path):
        write_atomically(path, content, disk)


def _read_patiently(path: Path, retries: Retries) -> CheckpointState | None:
    for left in range(retries.max_retries, -1, -1):
        content = read_names(path)
        if content is None:
            return None
        if state := CheckpointState.from_text(content):
            return state
        if left:
            retries.sleep(retries.retry_interval)
    unreadable = CheckpointUnreadable("read ckpt error!")
    unreadable.add_note(f"{path} names no {NEWEST}, read {retries.max_retries + 1} times.")
    raise unreadable


def _named(state: CheckpointState, restore_ckpt: str) -> str | None:
    """Which of the paths `restore_ckpt` means: the very same, else the first with the same last part."""
    paths = state.all_model_checkpoint_paths
    if restore_ckpt in paths:
        return restore_ckpt
    name = PurePosixPath(restore_ckpt).name
    return next((path for path in paths if PurePosixPath(path).name == name), None)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in map(str.strip, text.split("\n")):
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), _unquoted(value.strip())


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise CheckpointError(f"I/O error: {exc.strerror or exc} ({path})") from exc
