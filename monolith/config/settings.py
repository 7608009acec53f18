"""A setting is written once; its flag, variable, file key, check and documentation follow.

Every value remembers where it came from.
"""

from __future__ import annotations

import enum
import functools
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from monolith.core.choice import choice

C = TypeVar("C", bound="Settings")
Check = Callable[[Any], str | None]


class Source(enum.IntEnum):
    """Where a value came from; the larger wins."""

    DEFAULT = 0
    SCHEDULER = 1
    FILE = 2
    ENVIRONMENT = 3
    COMMAND_LINE = 4
    CODE = 5


@attrs.frozen(kw_only=True)
class Setting:
    """What is known of a setting beside its name, type and default."""

    help: str
    group: str
    check: Check | None
    flag: str | None
    short: str | None
    alias: str | None
    positional: bool


class Problem(typing.NamedTuple):
    """A rule that is broken, and the settings that break it together."""

    names: tuple[str, ...]
    rule: str


class Layer(typing.NamedTuple):
    """Values of one source. `origin` is a file's path, or the variable in which a scheduler said so."""

    source: Source
    values: Mapping[str, Any]
    origin: str = ""


def setting(
    default: Any,
    help: str,  # noqa: A002  # what argparse calls it
    *,
    group: str = "general",
    check: Check | None = None,
    flag: str | None = None,
    short: str | None = None,
    alias: str | None = None,
    positional: bool = False,
    converter: Callable[[Any], Any] | attrs.Converter[Any, Any] | None = None,
) -> Any:
    """One field of a `Settings` class.

    `flag` replaces the flag derived from the name; `short` and `alias` stand beside it. A `positional`
    setting is given on the command line by its place, or by `short` or `alias` if it has them.
    `converter` makes the value of what code passes.
    """
    about = Setting(
        help=help, group=group, check=check, flag=flag, short=short, alias=alias, positional=positional
    )
    converter = _several if isinstance(default, tuple) else converter
    return attrs.field(default=default, converter=converter, metadata={Setting: about})


def one_of_them(kind: type[enum.StrEnum]) -> attrs.Converter[Any, Any]:
    """A converter to members of `kind`, which refuses any other word with the field's name."""
    return attrs.Converter(lambda value, field: choice(kind, value, field.name), takes_field=True)


def _several(value: Any) -> tuple[Any, ...]:
    """A text is one value, not as many as it has letters."""
    return (value,) if isinstance(value, str) else tuple(value)


def again(cls: type, name: str, default: Any = ...) -> Any:
    """The field `name` of `cls`, maybe with another default."""
    field = attrs.fields_dict(cls)[name]
    default = field.default if default is ... else default
    return attrs.field(default=default, converter=field.converter, metadata=field.metadata)


@attrs.frozen(kw_only=True, slots=False)  # without slots there is room for what is no setting
class Settings:
    """Base of every set of settings. Frozen; built by `building.build` from layers, or directly in code."""

    @property
    def sources(self) -> Mapping[str, Layer]:
        """Where the values came from that someone gave; see `sourced`."""
        sources: Mapping[str, Layer] = self.__dict__.get("_sources", {})
        return sources

    def rules(self) -> Iterator[Problem]:
        """Rules between settings; rules of one setting stand on the setting."""
        return iter(())

    def has_chosen(self, name: str) -> bool:
        """Whether someone said what `name` is, be it its default."""
        layer = self.sources.get(name)
        return name in chosen(self) if layer is None else layer.source is not Source.DEFAULT


def sourced(cfg: C, sources: Mapping[str, Layer]) -> C:
    """`cfg`, just made, with where its values came from."""
    cfg.__dict__["_sources"] = sources
    return cfg


def fields(cls: type[Settings]) -> tuple[tuple[attrs.Attribute[Any], Setting], ...]:
    """The settings of `cls` in the order they are written."""
    return _fields(cls)  # type: ignore[arg-type]  # mypy takes the hash of an instance for that of its class


@functools.cache
def _fields(cls: type[Settings]) -> tuple[tuple[attrs.Attribute[Any], Setting], ...]:
    every = attrs.fields(attrs.resolve_types(cls))
    return tuple((f, about) for f in every if (about := f.metadata.get(Setting)))


_FIRST = (
    "general",
    "data",
    "model",
    "training",
    "checkpoint",
    "cluster",
)  # groups of what is told most often


def shown_fields(cls: type[Settings]) -> list[tuple[attrs.Attribute[Any], Setting]]:
    """The settings of `cls` as people look for them: those of a group together, the usual groups first."""
    every = fields(cls)
    groups = dict.fromkeys([*_FIRST, *(about.group for _, about in every)])
    return [one for group in groups for one in every if one[1].group == group]


def chosen(cfg: Settings) -> dict[str, Any]:
    """What is not at its default, by name, whoever chose it."""
    return {f.name: value for f, _ in fields(type(cfg)) if (value := getattr(cfg, f.name)) != f.default}


def part(cls: type[C], cfg: Settings, **more: Any) -> C:
    """A `cls` with what it shares with `cfg`, values and provenance, and with `more`."""
    shared = {f.name for f, _ in fields(cls)} & {f.name for f, _ in fields(type(cfg))}
    values = {name: value for name in shared if (value := getattr(cfg, name)) is not None}
    left = {name: value for name, value in values.items() if not cfg.has_chosen(name)}
    defaults = dict.fromkeys(left, Layer(Source.DEFAULT, left))  # which may not be those of `cls`
    return sourced(cls(**{**values, **more}), {**defaults, **cfg.sources})


def flag(f: attrs.Attribute[Any], about: Setting) -> str:
    if about.positional:
        return f.name.upper()
    return about.flag or flag_of(f.name)


def flag_of(name: str) -> str:
    """The flag of the setting `name`, unless the setting says otherwise."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    return "MONOLITH_" + name.upper()


def base_type(kind: Any) -> Any:
    """`int` of `int | None`; any other type as it is."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return next(k for k in typing.get_args(kind) if k is not type(None))
    return kind


_BOOLS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read(kind: Any, text: str) -> Any:
    """`text` as a value of type `kind`; raises KeyError or ValueError if it is none."""
    kind = base_type(kind)
    if typing.get_origin(kind) is tuple:
        return tuple(filter(None, text.split(",")))
    if kind is bool:
        return _BOOLS[text.lower()]
    return kind(text)


def to_argv(cfg: Settings) -> list[str]:
    """The command line that builds `cfg` again: for the processes we start.

    Defaults are told too: the process would else take another value from an environment that it inherits.
    """
    argv: list[str] = []
    for f, about in fields(type(cfg)):
        value = getattr(cfg, f.name)
        if value is not None:
            argv += _flag_argv(flag(f, about), value, positional=about.positional)
    return argv


def _flag_argv(name: str, value: Any, *, positional: bool) -> list[str]:
    if positional:
        return [str(value)]
    if isinstance(value, bool):
        return [name if value else "--no-" + name.removeprefix("--")]
    return [f"{name}={v}" for v in (value if isinstance(value, tuple) else (value,))]


def reference(cls: type[Settings]) -> str:
    """The table in docs/settings.md; a test holds the two together."""
    rows = ["| setting | flag | variable | default | meaning |", "|---|---|---|---|---|"]
    rows += [
        f"| `{f.name}` | `{flag(f, about)}` | `{variable(f.name)}` | `{default_text(f)}` | {about.help} |"
        for f, about in shown_fields(cls)
    ]
    return "\n".join(rows)


def default_text(f: attrs.Attribute[Any]) -> str:
    return "none" if f.default in (None, (), "") else str(f.default)
