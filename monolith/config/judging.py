"""Judging a distributed run by the rules, and saying which values broke them and where those came from.

It is done when a run starts, since a config alone does not know its role.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from monolith.config.building import origin, shown, told_of
from monolith.config.cluster import Cluster
from monolith.config.distributed import DistributedRunConfig
from monolith.config.rules import FLAGS, RULES, Rule
from monolith.config.settings import Problem, Source, fields, flag_of, variable
from monolith.core.errors import ConfigError

_KINDS: dict[str, type] = {f.name: f.type for f, _ in fields(Cluster) if f.type in (int, str)} | {
    "bind_addr": str
}


def judge(config: DistributedRunConfig) -> None:
    """Refuse what no distributed run can be.

    Raises:
        ConfigError: a line for every way in which a rule is broken, in the order of the rules.
    """
    mistyped = list(_mistyped(config))
    unreadable = {name for rule in mistyped for name in rule.names}
    rules = [*mistyped, *(rule for rule in RULES if not unreadable & set(rule.names))]
    broken = [(rule, said) for rule in rules for said in rule.broken(config)]
    if any(_typed(config, name) for rule, _ in broken for name in rule.names):
        broken.sort(key=lambda one: one[0].flag_row)
    if broken:
        lines = [told(rule, config, said) for rule, said in broken]
        raise ConfigError(lines, [Problem(rule.names, rule.sentence) for rule, _ in broken])


def _mistyped(config: DistributedRunConfig) -> Iterator[Rule]:
    """A rule for each value of another type than its field's; only code can come to that."""
    for name, kind in _KINDS.items():
        value = _value(config, name)
        if not isinstance(value, kind) or isinstance(value, bool):
            sentence = f"requires {name} to be {kind.__name__}"
            yield Rule((name,), sentence, sentence, lambda _: [""], 0)


def told(rule: Rule, config: DistributedRunConfig, complaint: str) -> str:
    """How `config` breaks `rule`, with what the values are and where they came from."""
    typed = any(_typed(config, name) for name in rule.names)
    sentence = rule.flag_sentence if typed else "distributed config " + rule.sentence
    blame = "; ".join(
        f"{name}={shown(_value(config, name))}, from {_from(config, name)}" for name in rule.names
    )
    return f"{sentence.replace('{}', complaint)} ({blame})"


def _value(config: DistributedRunConfig, name: str) -> object:
    return getattr(config if hasattr(config, name) else config.runner, name)


def _typed(config: DistributedRunConfig, name: str) -> bool:
    layer = config.runner.sources.get(name)
    return layer is not None and layer.source is Source.COMMAND_LINE


def _from(config: DistributedRunConfig, name: str) -> str:
    if name in FLAGS:
        return origin(config.runner, name)
    at_default = _value(config, name) == attrs.fields_dict(DistributedRunConfig)[name].default
    layer = config.runner.sources.get(name)
    return told_of(layer, flag_of(name), variable(name), at_default=at_default)
