"""argv → settings → one call → a report. Every failure ends here as one sentence and an exit code.

0: done. 1: it went wrong. 2: wrong use. 130: ended by Ctrl-C.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from monolith import __version__
from monolith.cli.command import AnyCommand, Outside, Report, Ui
from monolith.cli.commands import COMMANDS, Entry, Group
from monolith.cli.interrupts import INTERRUPTED, Interrupts
from monolith.cli.mistyped import every_setting, mistyped
from monolith.cli.screen import Screen
from monolith.config.building import build, merged
from monolith.config.layers import add_flags, from_environment, from_namespace, from_toml
from monolith.config.settings import Settings, fields
from monolith.core.errors import ConfigError, MonolithError, Stopped, told

WRONG_USE = 2
_ALIKE = 0.7  # of 1


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    outside: Outside = Outside(),
    begun: Callable[[], object] = lambda: None,
) -> int:
    """Run the command that `argv` names; return the exit code. `begun` is called once Ctrl-C is minded."""
    given = list(sys.argv[1:] if argv is None else argv)
    words, entry = _find(given)
    if entry is None:
        return _help(words, given[len(words) :])
    command = entry.load()
    args = _parser(tuple(words), entry, command).parse_args(given[len(words) :])
    screen = Screen(as_json=args.json)
    interrupts = Interrupts(screen.say)
    try:
        begun()
        return _run(command, args, Ui(screen, interrupts, environ, outside, screen.tell), screen)
    except KeyboardInterrupt:
        interrupts.noticed()
        screen.error("Interrupted", "interrupted", status=INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:  # who read our output has left, `| head` say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as exc:
        if args.debug:
            traceback.print_exception(exc)
        status = _status(exc, interrupts)
        screen.error(type(exc).__name__, _told(exc), status=status)
        return status


def _run(command: AnyCommand, args: argparse.Namespace, ui: Ui, screen: Screen) -> int:
    if not getattr(args, "lifeline", False):  # else who started us has told it
        for sentence in mistyped(command, ui.environ):
            ui.progress.say(sentence)
    settings = _settings(command, args, ui.environ)
    if command.graceful:
        ui.interrupts.install()
    try:
        report: Report = command.run(settings, ui)
    finally:
        if command.graceful:
            ui.interrupts.over()
    screen.report(report)
    return INTERRUPTED if ui.interrupts.by_keyboard and not report.status else report.status


def _status(exc: Exception, interrupts: Interrupts) -> int:
    if isinstance(exc, Stopped) and interrupts.by_keyboard:
        return INTERRUPTED
    return WRONG_USE if isinstance(exc, ConfigError) else 1


def _told(exc: Exception) -> str:
    """The sentence, what was noted beside it, and of an error that is not ours how to learn more."""
    if isinstance(exc, MonolithError):
        return told(exc)
    return f"{told(exc)}\n  {type(exc).__name__}: --debug shows where it comes from"


def _settings(command: AnyCommand, args: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    cls: type[Settings] = command.settings
    path = args.config_path or environ.get("MONOLITH_CONFIG_PATH")
    layers = [from_environment(cls, environ), from_namespace(cls, args)]
    if path:
        layers.append(from_toml(cls, Path(path), every_setting))
    return build(cls, *layers, *command.defaults(merged(layers), environ))


def _find(given: Sequence[str]) -> tuple[list[str], Entry | None]:
    """The words that name a command, and the command; None where they name none or a group."""
    found = COMMANDS.get(given[0]) if given else None
    if isinstance(found, Group):
        entry = found.entries.get(given[1]) if len(given) > 1 else None
        return list(given[: 2 if entry else 1]), entry or found.itself
    return [given[0]] if found else [], found


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong, and where the settings stand instead of all of them: they fill a screen."""

    def error(self, message: str) -> NoReturn:
        said = message + self._meant(message)
        self.exit(WRONG_USE, f"{self.prog}: {said}; `{self.prog} --help` tells the settings\n")

    def _meant(self, message: str) -> str:
        """A hint, where a flag of ours looks like one that is not."""
        if not message.startswith("unrecognized arguments"):
            return ""
        flags = (word.partition("=")[0] for word in message.split() if word.startswith("--"))
        ours = self._option_string_actions
        near = [meant for flag in flags for meant in get_close_matches(flag, ours, 1, _ALIKE)]
        return f" (did you mean {near[0]}?)" if near else ""


@functools.cache
def _parser(words: tuple[str, ...], entry: Entry, command: AnyCommand) -> _Parser:
    places = [f.name.upper() for f, about in fields(command.settings) if about.positional]
    usage = " ".join(["%(prog)s", *places, "[--setting value ...]"])  # all of them would fill the screen
    prog = " ".join(["monolith", *words])
    parser = _Parser(prog=prog, usage=usage, description=entry.help, allow_abbrev=False)
    add_flags(parser, command.settings)
    common = parser.add_argument_group("every command")
    common.add_argument("-c", "--config-path", metavar="FILE", help="TOML file of settings")
    common.add_argument("--json", action="store_true", help="one JSON object on standard output")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _help(words: Sequence[str], rest: Sequence[str]) -> int:
    """Help for `monolith` or a group; anything unknown is wrong use."""
    group = COMMANDS[words[0]] if words else None
    entries: Mapping[str, Entry | Group] = group.entries if isinstance(group, Group) else COMMANDS
    parser = argparse.ArgumentParser(
        prog=" ".join(["monolith", *words]),
        description=group.help
        if group
        else "Recommender models on a parameter server, ids that never collide.",
        epilog="`monolith COMMAND --help` tells a command's settings.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"monolith {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, entry in entries.items():
        commands.add_parser(name, help=entry.help, add_help=False)
    parser.parse_args(rest or ["--help"])
    return WRONG_USE
