"""Where settings are read from: a TOML file, the environment, the command line."""

from __future__ import annotations

import argparse
import difflib
import enum
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from monolith.config.settings import (
    Layer,
    Setting,
    Settings,
    Source,
    base_type,
    default_text,
    fields,
    flag,
    read,
    shown_fields,
    variable,
)
from monolith.core.errors import ConfigError


def from_toml(cls: type[Settings], path: Path, elsewhere: Callable[[], set[str]] = set) -> Layer:
    """The settings in a TOML file: `name = value`, at the top or under `[group]` with the group's name.

    A file may serve several programs: `elsewhere` gives the names of settings that others have.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or names a setting that does not exist.
    """
    import tomllib  # for those who have a file

    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError([f"{path}: {exc}"]) from exc
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        flat |= value if isinstance(value, dict) else {key: value}
    known = {f.name: f for f, _ in fields(cls)}
    others = flat.keys() - known.keys()
    if unknown := sorted(others and others - elsewhere()):
        raise ConfigError([f"{path}: {_unknown(name, known)}" for name in unknown])
    return Layer(Source.FILE, {n: _typed(f, flat[n], path) for n, f in known.items() if n in flat}, str(path))


def from_environment(cls: type[Settings], environ: Mapping[str, str]) -> Layer:
    """The settings in `environ`, each under MONOLITH_<NAME>.

    Raises:
        ConfigError: a value cannot be read as the setting's type; the variable is named.
    """
    given = {}
    for f, _ in fields(cls):
        where = variable(f.name)
        if (text := environ.get(where)) is not None:
            try:
                given[f.name] = read(f.type, text)
            except (KeyError, ValueError):
                raise ConfigError([_unreadable(f"{where}={text}", f.type)]) from None
    return Layer(Source.ENVIRONMENT, given)


def from_namespace(cls: type[Settings], args: argparse.Namespace) -> Layer:
    """The settings that were given on the command line; the parser is sparse, so only those are there."""
    names = {f.name for f, _ in fields(cls)}
    return Layer(Source.COMMAND_LINE, {k: v for k, v in vars(args).items() if k in names})


def add_flags(parser: argparse.ArgumentParser, cls: type[Settings]) -> None:
    """Give `parser` a flag per setting. What is not given does not appear in its result."""
    groups: dict[str, Any] = {}
    for f, about in shown_fields(cls):
        if about.group not in groups:
            groups[about.group] = parser.add_argument_group(about.group)
        _add_flag(groups[about.group], f, about)


def _add_flag(group: Any, f: attrs.Attribute[Any], about: Setting) -> None:
    how = {**_action(f.type), "default": argparse.SUPPRESS, "help": _help(f, about)}
    names = [n for n in (about.short, flag(f, about), about.alias) if n]
    if about.positional:
        names.remove(flag(f, about))
        group.add_argument(f.name, nargs="?", **{**how, "metavar": f.name.upper()})
    if names:
        group.add_argument(*names, dest=f.name, **how)


def _action(kind: Any) -> dict[str, Any]:
    kind = base_type(kind)
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    if typing.get_origin(kind) is tuple:
        return {"action": "append", "metavar": "VALUE"}

    def parse(text: str) -> Any:
        if text is argparse.SUPPRESS:  # argparse hands its type even what was not given, of a positional
            return text
        try:
            return read(kind, text)
        except (KeyError, ValueError):
            raise argparse.ArgumentTypeError(_unreadable(repr(text), kind)) from None

    return {"type": parse, "metavar": _shown(kind)}


def _help(f: attrs.Attribute[Any], about: Setting) -> str:
    return f"{about.help} [{variable(f.name)}, default {default_text(f)}]".replace("%", "%%")


def _unreadable(said: str, kind: Any) -> str:
    words = _words(base_type(kind))
    what = f"one of {', '.join(words)}" if words else _kind(kind)
    return f"{said} cannot be read as {what}"


def _shown(kind: Any) -> str:
    """A type as `--help` shows it, in argparse's ways."""
    words = _words(kind)
    return f"{{{','.join(words)}}}" if words else _kind(kind).upper()


def _words(kind: Any) -> list[str]:
    """What a setting may be; empty where that is no choice of a few words."""
    members: Iterable[object] = kind if isinstance(kind, enum.EnumType) else ()
    return [str(member) for member in members]


def _kind(kind: Any) -> str:
    return str(getattr(base_type(kind), "__name__", base_type(kind))).lower()


def _typed(f: attrs.Attribute[Any], value: Any, path: Path) -> Any:
    """TOML has types of its own: only what is text there is read here."""
    kind = base_type(f.type)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(value)
    try:
        return read(kind, value if isinstance(value, str) else str(value))
    except (KeyError, ValueError):
        raise ConfigError([_unreadable(f"{path}: {f.name}={value!r}", kind)]) from None


def _unknown(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown setting {name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
