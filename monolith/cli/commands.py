"""Every command there is, by name. A module is imported when its command is called, and not before."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import NamedTuple

from monolith.cli.command import AnyCommand


class Entry(NamedTuple):
    """Where a command lives, `module:ATTRIBUTE`, and its line in `--help`."""

    target: str
    help: str

    def load(self) -> AnyCommand:
        module, _, attribute = self.target.partition(":")
        command: AnyCommand = getattr(importlib.import_module(module), attribute)
        return command


class Group(NamedTuple):
    """Commands that share a first word; the word alone may be a command too."""

    help: str
    entries: dict[str, Entry]
    itself: Entry | None = None


COMMANDS: dict[str, Entry | Group] = {
    "data": Group(
        "Fetch, convert and look at datasets.",
        {
            "get": Entry("monolith.cli.data:GET", "Fetch a public dataset and convert it."),
            "convert": Entry("monolith.cli.data:CONVERT", "Convert a CSV or Parquet file of your own."),
            "head": Entry("monolith.cli.data:HEAD", "Show the first records, readably."),
            "stats": Entry("monolith.cli.data:STATS", "Count rows, ids and labels."),
            "join": Entry("monolith.cli.join:JOIN", "Join impressions with later actions, of Kafka topics."),
            "produce": Entry("monolith.cli.produce:PRODUCE", "Replay a dataset into a Kafka topic."),
        },
    ),
    "train": Entry("monolith.cli.train:TRAIN", "Train a model, in one process or on a local cluster."),
    "evaluate": Entry("monolith.cli.evaluate:EVALUATE", "Measure a trained model on held-out data."),
    "export": Entry("monolith.cli.export:EXPORT", "Write a checkpoint in the form that is served."),
    "serve": Entry("monolith.cli.serve:SERVE", "Serve an exported model over gRPC and HTTP."),
    "predict": Entry("monolith.cli.predict:PREDICT", "Ask a running server for predictions."),
    "checkpoint": Group(
        "List, show and verify checkpoints; exchange tables with upstream.",
        {
            "ls": Entry("monolith.cli.checkpoint:LS", "List the checkpoints of a model."),
            "show": Entry("monolith.cli.checkpoint:SHOW", "Show one checkpoint."),
            "verify": Entry("monolith.cli.checkpoint:VERIFY", "Read every file and compare checksums."),
            "export": Entry("monolith.cli.dumps:EXPORT", "Write its tables as upstream's entry dumps."),
            "import": Entry("monolith.cli.dumps:IMPORT", "Take tables that upstream dumped."),
        },
    ),
    "discovery": Group(
        "See and change who of a job is where.",
        {
            "ls": Entry("monolith.cli.discovery:LS", "List who is there, and whether they answer."),
            "watch": Entry("monolith.cli.discovery:WATCH", "Tell who comes and goes, until Ctrl-C."),
            "register": Entry("monolith.cli.discovery:REGISTER", "Keep a service registered until Ctrl-C."),
            "deregister": Entry("monolith.cli.discovery:DEREGISTER", "Take a service away, whoever it is."),
        },
    ),
    "ps": Group(
        "Be one parameter server of a job, or ask the running ones.",
        {"stats": Entry("monolith.cli.ps_stats:STATS", "Ask the servers of a job for their figures.")},
        itself=Entry("monolith.cli.roles:PS", "Be one parameter server of a job; `ps stats` asks them."),
    ),
    "worker": Entry("monolith.cli.roles:WORKER", "Be one worker of a job."),
}


def entries() -> Iterator[tuple[str, Entry]]:
    """Every command with all its words."""
    for word, one in COMMANDS.items():
        if isinstance(one, Group):
            if one.itself:
                yield word, one.itself
            yield from ((f"{word} {name}", entry) for name, entry in one.entries.items())
        else:
            yield word, one
