"""Settings are made of layers, the stronger source winning, and checked.

A complaint names the flag, the variable or the file that a value came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs

from monolith.config.settings import (
    Layer,
    Problem,
    Setting,
    Settings,
    Source,
    fields,
    flag,
    sourced,
    variable,
)
from monolith.core.errors import ConfigError

C = TypeVar("C", bound=Settings)


def build(cls: type[C], *layers: Layer) -> C:
    """Merge `layers`, the stronger source winning, and check the result.

    Raises:
        ConfigError: every broken rule at once, not only the first.
    """
    return checked(sourced(cls(**merged(layers)), _strongest(layers)))


def merged(layers: Iterable[Layer]) -> dict[str, Any]:
    """What `layers` say together, by setting."""
    return {name: layer.values[name] for name, layer in _strongest(layers).items()}


def _strongest(layers: Iterable[Layer]) -> dict[str, Layer]:
    sources: dict[str, Layer] = {}
    for layer in sorted(layers, key=lambda one: one.source):
        sources |= dict.fromkeys(layer.values, layer)
    return sources


def checked(cfg: C) -> C:
    """`cfg` itself, if every rule holds.

    Raises:
        ConfigError: every broken rule at once, not only the first.
    """
    problems = [
        Problem((f.name,), rule)
        for f, about in fields(type(cfg))
        if about.check and (rule := about.check(getattr(cfg, f.name)))
    ]
    if problems := problems or list(cfg.rules()):
        raise ConfigError([f"{_blame(cfg, p.names)}: {p.rule}" for p in problems], problems)
    return cfg


def _blame(cfg: Settings, names: Sequence[str]) -> str:
    about = {f.name: (f, a) for f, a in fields(type(cfg))}
    return ", ".join(_told(cfg, name, *about[name]) for name in names)


def _told(cfg: Settings, name: str, f: attrs.Attribute[Any], about: Setting) -> str:
    value = getattr(cfg, name)
    if value is None or (value in ("", ()) and not cfg.has_chosen(name)):
        return flag(f, about)  # what was not given comes from nowhere: say how to give it
    return f"{name}={shown(value)} (from {origin(cfg, name)})"


def shown(value: Any) -> str:
    return str(value) if isinstance(value, int | float | Path) else repr(value)


def origin(cfg: Settings, name: str) -> str:
    """Where the setting `name` got its value from, in the user's words."""
    f, about = next((f, about) for f, about in fields(type(cfg)) if f.name == name)
    at_default = getattr(cfg, name) == f.default
    return told_of(cfg.sources.get(name), flag(f, about), variable(f.name), at_default=at_default)


def told_of(layer: Layer | None, flag: str, variable: str, *, at_default: bool) -> str:
    """How one names the `layer` that a value came from."""
    match layer.source if layer else None:
        case Source.FILE | Source.SCHEDULER:
            return layer.origin if layer else ""
        case Source.ENVIRONMENT:
            return variable
        case Source.COMMAND_LINE:
            return flag
        case Source.DEFAULT:
            return "its default"
        case Source.CODE:
            return "code"
    return "its default" if at_default else "code"
