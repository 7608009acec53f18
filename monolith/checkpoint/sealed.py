"""A JSON object that carries its own checksum: no byte of it can change unseen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import google_crc32c

from monolith.core.errors import CheckpointUnreadable


def sealed(document: Mapping[str, Any]) -> bytes:
    """`document` as text, its CRC32C in it; the same document gives the same bytes."""
    crc = google_crc32c.value(_text(document))
    return _text({**document, "crc32c": crc})


def unsealed(content: bytes, path: Path) -> dict[str, Any]:
    """The document in `content`, if sealing it again gives exactly `content`.

    Raises:
        CheckpointUnreadable: it is cut short or altered.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise CheckpointUnreadable(f"is cut short or altered: {exc}", path=path) from exc
    if not isinstance(document, dict) or document.pop("crc32c", None) is None:
        raise CheckpointUnreadable("is cut short or altered: no object with a checksum", path=path)
    if sealed(document) != content:
        raise CheckpointUnreadable("was altered: its checksum does not fit its content", path=path)
    return document


def _text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, default=_plain).encode() + b"\n"


def _plain(value: object) -> object:
    """Numpy numbers, paths and enums find their way into settings."""
    return value.item() if hasattr(value, "item") else str(value)
