"""Write the pages that follow from the code; `--check` says which are out of date instead."""

from __future__ import annotations

import sys
from pathlib import Path

from optimizers import optimizers_page

from monolith.cli.commands import entries
from monolith.config.runner import RunnerConfig
from monolith.config.settings import default_text, fields, reference

HERE = Path(__file__).parent

HEAD = """# Settings

Written by `nox -s docs -- --write`; do not edit.

A setting can be given on the command line, as an environment variable, or in a TOML file
(`--config-path FILE`, or `MONOLITH_CONFIG_PATH`) as `name = value`, at the top or in a table.
The command line wins over the environment, the environment over the file, the file over what a scheduler says
of the process (see [discovery](discovery.md)), and that over the default.
One file may hold the settings of a whole job: a command takes its own, and refuses what no command has.
A value that cannot be is refused with where it came from. One is warned of a variable that nothing reads, and
that looks like one of the command's.
"""

RUNNER = """## RunnerConfig, from Python

What `run_distributed` is told of a process ([an example](cluster.md#starting)). A RunConfig has the same
fields but the last, and a field at its default asks for nothing.
"""


def settings_page() -> str:
    """The page of all settings, command by command."""
    parts = [HEAD]
    for words, entry in entries():
        parts.append(f"## monolith {words}\n\n{entry.help}\n\n{reference(entry.load().settings)}\n")
    return "\n".join([*parts, runner_section()])


def runner_section() -> str:
    """The fields of RunnerConfig, which Python gives and no command line."""
    rows = [f"| `{f.name}` | `{default_text(f)}` | {about.help} |" for f, about in fields(RunnerConfig)]
    return "\n".join([RUNNER, "| field | default | meaning |", "|---|---|---|", *rows, ""])


def main() -> int:
    """Write or check; the exit code says whether all was up to date."""
    pages = {HERE / "settings.md": settings_page(), HERE / "optimizers.md": optimizers_page()}
    if "--check" not in sys.argv:
        for path, page in pages.items():
            path.write_text(page)
        return 0
    stale = [path for path, page in pages.items() if not path.exists() or path.read_text() != page]
    for path in stale:
        print(f"{path} is out of date: nox -s docs -- --write", file=sys.stderr)  # noqa: T201
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
