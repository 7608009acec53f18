"""Finding each other through files in a folder that all processes see: `base/<service type>/<index>`.

A file holds one address, or nothing where its process listens nowhere. Nothing expires: what a killed
process leaves behind stays until the same index registers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monolith.core.address import parse_address
from monolith.core.errors import ConfigError, OperationFailed
from monolith.core.files import DISK, Disk, make_folders, write_atomically
from monolith.discovery.base import Backend, ServiceInfo


class HostFiles(Backend):
    """A backend over a folder. File calls run on threads: a folder on a network may take its time."""

    def __init__(self, base_path: Path | str, disk: Disk = DISK) -> None:
        super().__init__()
        self._base = Path(base_path)
        self._disk = disk

    async def _register(self, info: ServiceInfo) -> None:
        await asyncio.to_thread(self._write, info)

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        return await asyncio.to_thread(self._read_all, service_type)

    async def _deregister(self, info: ServiceInfo) -> None:
        await asyncio.to_thread(self._remove, info)

    def _write(self, info: ServiceInfo) -> None:
        path = self._path(info)
        with _told(path):
            make_folders(path.parent, self._disk)
            write_atomically(path, f"{info.address}\n".encode(), self._disk)

    def _read_all(self, service_type: str) -> list[ServiceInfo]:
        folder = self._folder(service_type)
        with _told(folder):
            names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        indices = sorted(int(name) for name in names if name.isascii() and name.isdecimal())
        return [info for index in indices if (info := _read(folder, service_type, index))]

    def _remove(self, info: ServiceInfo) -> None:
        path = self._path(info)
        with _told(path), suppress(FileNotFoundError):
            if path.read_text().strip() == info.address:
                self._disk.remove(path)

    def _path(self, info: ServiceInfo) -> Path:
        if info.index is None or info.index < 0:
            raise ConfigError([f"{info.service_id} has no index (index={info.index}): host files need one"])
        return self._folder(info.service_type) / str(info.index)

    def _folder(self, service_type: str) -> Path:
        if service_type in ("", ".", "..") or "/" in service_type or "\0" in service_type:
            raise ConfigError([f"service type {service_type!r} must be the name of a folder for host files"])
        return self._base / service_type


def _read(folder: Path, service_type: str, index: int) -> ServiceInfo | None:
    """The entry of `index`; None if it left since the folder was listed."""
    path = folder / str(index)
    with _told(path):
        try:
            address = path.read_text().strip()
        except FileNotFoundError:
            return None
        if address:
            parse_address(address, what="its content")
    return ServiceInfo(f"{service_type}-{index}", service_type, index, address)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raises OperationFailed naming `path` for what goes wrong with it."""
    try:
        yield
    except OSError as exc:
        raise OperationFailed(f"{path}: {exc.strerror or exc}") from exc
    except ValueError as exc:  # not text, or no address
        raise OperationFailed(f"{path}: {exc}") from exc
