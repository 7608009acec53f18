"""Figures over time for TensorBoard: one event file of framed tensorflow.Event messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from monolith.core.records import framed
from monolith.wire.tf import message

VERSION = "brain.Event:2"  # the first event of a file says this, or TensorBoard refuses the file


class EventWriter:
    """Appends scalars to a new event file in `folder`, which is made if it is not there.

    `clock` gives the time in seconds since 1970; it stands in the file's name and in every event. A call
    is on disk when it returns: what was told before a crash can be seen after it.

    Raises:
        OSError: the system's own; a file that nothing can be written to is not left behind.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._file: BinaryIO = _new_file(folder, int(clock()))
        try:
            self._add(file_version=VERSION)
        except OSError:
            self._discard()
            raise

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One event with all `values`, at `step`."""
        summary = message("tensorflow.Summary")()
        for tag, value in values.items():
            summary.value.add(tag=tag, simple_value=value)
        self._add(step=step, summary=summary)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, **fields: object) -> None:
        event = message("tensorflow.Event")(wall_time=self._clock(), **fields)
        self._file.write(framed(event.SerializeToString()))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _discard(self) -> None:
        with suppress(OSError):  # what could not be written cannot be now
            self._file.close()
        with suppress(OSError):
            Path(self._file.name).unlink()


def _new_file(folder: Path, second: int) -> BinaryIO:
    """Runs within one second get a file each; TensorBoard reads files in the order of their names."""
    number = 0
    while True:
        try:
            return (folder / f"events.out.tfevents.{second:010d}.monolith.{number}").open("xb")
        except FileExistsError:
            number += 1
