"""Variables that somebody may have mistyped: nothing reads them, and they look like one that is read.

Others are none of our business: plugins, upstream and tests have variables that begin as ours do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from monolith.cli.command import AnyCommand
from monolith.cli.commands import entries
from monolith.config.settings import fields, variable

_ALIKE = 0.85  # of 1: a letter in ten may be another
_OTHERS = {"service_port"}  # Kubernetes sets it wherever a service is called monolith


def mistyped(command: AnyCommand, environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that was probably meant for `command`."""
    mine, ours = _settings(command), variable("")
    given = {name.removeprefix(ours).lower() for name in environ if name.startswith(ours)}
    near = {name: meant for name in given - mine - _OTHERS if (meant := _alike(name, mine))}
    if near:  # only then is it worth to import all commands
        for name in sorted(near.keys() - every_setting()):
            yield f"{variable(name)} is not read by any command: did you mean {variable(near[name])}?"


def every_setting() -> set[str]:
    """The names of the settings of all commands."""
    return set().union(*(_settings(entry.load()) for _, entry in entries()))


def _settings(command: AnyCommand) -> set[str]:
    return {f.name for f, _ in fields(command.settings)}


def _alike(name: str, names: set[str]) -> str:
    return next(iter(difflib.get_close_matches(name, names, 1, _ALIKE)), "")
