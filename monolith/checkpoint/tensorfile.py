"""Named arrays in one file of the safetensors format, with a checksum taken as the bytes pass.

The format is eight bytes of header length, a JSON header, then the arrays. It is written and read here
rather than by the safetensors library because that writes without a checksum or fsync, and copies every array
when it reads; here reading fills one buffer, of which the arrays are views. The library reads these files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from monolith.checkpoint.boundary import loading, saving
from monolith.checkpoint.files import FileEntry
from monolith.core.errors import CheckpointError, CheckpointUnreadable
from monolith.core.files import CHUNK, DISK, Disk, Octets, Written, chunks, write_file
from monolith.core.progress import Progress, Silent

Tensors: TypeAlias = Mapping[str, NDArray[Any]]

_ALIGNMENT = 8  # so that every view begins where its dtype may
_DTYPES = {
    "BOOL": np.dtype(np.bool_),
    **{f"I{8 * n}": np.dtype(f"<i{n}") for n in (1, 2, 4, 8)},
    **{f"U{8 * n}": np.dtype(f"<u{n}") for n in (1, 2, 4, 8)},
    **{f"F{8 * n}": np.dtype(f"<f{n}") for n in (2, 4, 8)},
    "C64": np.dtype("<c8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def write_tensors(path: Path, tensors: Tensors, disk: Disk = DISK) -> Written:
    """Write `tensors` into `path` and fsync it. The same tensors give the same bytes, in whatever order.

    Raises:
        CheckpointError: the disk is full or fails, or the format has no word for a dtype.
    """
    content = tensor_octets(path, tensors)
    with saving(path):
        return write_file(path, content, disk)


def tensor_octets(path: Path, tensors: Tensors) -> list[Octets]:
    """What `write_tensors` writes: a header, and views of the tensors.

    Raises:
        CheckpointError: the format has no word for a dtype.
    """
    # Wide types first keeps all of them aligned without padding, which the format does not allow.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))
    return [_header(path, ordered), *(_octets(tensor) for _, tensor in ordered)]


def read_tensors(folder: Path, entry: FileEntry) -> dict[str, NDArray[Any]]:
    """The tensors of a file that a manifest names; all are views of one buffer.

    Raises:
        CheckpointIncomplete: the file is missing.
        CheckpointUnreadable: its size or checksum is not what the manifest says.
    """
    path = check_size(folder, entry)
    buffer = np.empty(entry.size, np.uint8)
    _check(path, entry, chunks(buffer))
    try:
        return dict(_views(buffer))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise CheckpointUnreadable(f"is not a safetensors file: {exc}", path=path) from exc


def verify_file(folder: Path, entry: FileEntry, progress: Progress | None = None) -> None:
    """Check size and checksum, in constant memory; `progress` advances by bytes. Raises as `read_tensors`."""
    path = check_size(folder, entry)
    scratch = np.empty(min(CHUNK, entry.size), np.uint8)
    _check(path, entry, (scratch[: entry.size - at] for at in range(0, entry.size, CHUNK)), progress)


def check_size(folder: Path, entry: FileEntry) -> Path:
    """The file's path, if it is there and as long as the manifest says. Raises as `read_tensors`."""
    path = folder / entry.name
    with loading(path):
        size = path.stat().st_size
    if size != entry.size:
        raise CheckpointUnreadable(f"has {size} bytes where the manifest says {entry.size}", path=path)
    return path


def _check(path: Path, entry: FileEntry, buffers: Iterable[Octets], progress: Progress | None = None) -> None:
    """Fill `buffers` from `path`, one after the other, and compare the checksum of all."""
    progress = progress or Silent()
    crc = 0
    with loading(path), path.open("rb") as file:
        for buffer in buffers:
            file.readinto(buffer.data)
            crc = google_crc32c.extend(crc, buffer)
            progress.advance(len(buffer))
    if crc != entry.crc32c:
        raise CheckpointUnreadable(
            f"has CRC32C {crc:08x} where the manifest says {entry.crc32c:08x}: it was altered", path=path
        )


def _header(path: Path, ordered: Iterable[tuple[str, NDArray[Any]]]) -> Octets:
    described, at = {}, 0
    for name, tensor in ordered:
        if tensor.dtype not in _NAMES:
            raise CheckpointError(
                f"tensor {name!r} has dtype {tensor.dtype}, which safetensors lacks", path=path
            )
        span = [at, at := at + tensor.nbytes]
        described[name] = {"dtype": _NAMES[tensor.dtype], "shape": tensor.shape, "data_offsets": span}
    text = json.dumps(described, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return np.frombuffer(len(text).to_bytes(8, "little") + text, np.uint8)


def _views(buffer: Octets) -> Iterator[tuple[str, NDArray[Any]]]:
    begin = 8 + int.from_bytes(buffer[:8].tobytes(), "little")
    for name, about in json.loads(buffer[8:begin].tobytes()).items():
        first, last = about["data_offsets"]
        yield name, buffer[begin + first : begin + last].view(_DTYPES[about["dtype"]]).reshape(about["shape"])


def _octets(tensor: NDArray[Any]) -> Octets:
    return np.ascontiguousarray(tensor).reshape(-1).view(np.uint8)
