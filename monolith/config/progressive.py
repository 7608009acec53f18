"""Progressive evaluation: whom to ask for a prediction of each batch before it is learned."""

from __future__ import annotations

from typing import NamedTuple

import attrs

from monolith.config.checks import positive
from monolith.config.settings import Settings, setting
from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError

PROGRESSIVE = "progressive"  # what its file, its scalars and its part of a report are called
TRAINER = "trainer"  # under this name stand the training's own figures


class ProgressiveTarget(NamedTuple):
    """A serving replica, and what its figures are called."""

    name: str
    address: Address


def _targets(texts: tuple[str, ...]) -> str | None:
    """What is wrong with `[NAME=]HOST:PORT`s."""
    names = [TRAINER]
    for text in texts:
        try:
            target = progressive_target(text)
        except ConfigError as exc:
            return str(exc)
        if not target.name or "/" in target.name:
            return f"{text!r} needs a name without / before ="
        names.append(target.name)
    twice = sorted({name for name in names if names.count(name) > 1})
    return (
        f"the name {twice[0]!r} is taken: give each target another, as in NAME=HOST:PORT" if twice else None
    )


def progressive_target(text: str) -> ProgressiveTarget:
    """`text` as a target; one without a name is called as it is reached.

    Raises:
        ConfigError: it has no usable address.
    """
    name, equals, where = text.rpartition("=")
    address = parse_address(where, what="address")
    return ProgressiveTarget(name if equals else str(address), address)


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside other settings as a base
class ProgressiveConfig(Settings):
    """Replicas that predict what is learned, before it is learned."""

    # fmt: off
    progressive_targets: tuple[str, ...] = setting((), "[NAME=]host:port of a serving process that predicts "
                                                   "each batch before it is learned, repeatable; its figures "
                                                   "are told under that name.",
                                                   group="progressive evaluation", check=_targets,
                                                   flag="--progressive-target")
    progressive_model_name: str | None = setting(None, "Model that is asked for; default: the "
                                                 "--parameter-sync-model-name.",
                                                 group="progressive evaluation")
    progressive_timeout_ms: int = setting(1_000, "How long a batch waits for such a prediction; who takes "
                                          "longer is not waited for again until it has answered.",
                                          group="progressive evaluation", check=positive)
    # fmt: on

    @property
    def progressive_replicas(self) -> list[ProgressiveTarget]:
        """The targets, in the order given."""
        return [progressive_target(text) for text in self.progressive_targets]
