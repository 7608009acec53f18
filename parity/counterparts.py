"""Where one scenario is claimed, its counterparts must be there too: timeout and failure, door and door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from monolith.core.names import Role
from tests.matrix.axes import Door, Mode, Names, Scenario
from tests.matrix.product import Matrix

OTHER_MODE = {Mode.OK: Mode.OK, Mode.FAILS: Mode.HANGS, Mode.HANGS: Mode.FAILS}
OTHER_ROLE = {Role.PS: Role.WORKER, Role.WORKER: Role.PS}
OTHER_NAMES = {Names.DEFAULT: Names.CUSTOM, Names.CUSTOM: Names.DEFAULT}
OTHER_DOOR = {Door.RUN_CONFIG: Door.RUNNER_CONFIG, Door.RUNNER_CONFIG: Door.RUN_CONFIG}
INDEXES = (0, 3)  # the first of its kind, and one that is not


def _other_modes(s: Scenario) -> Iterator[Scenario]:
    """The same with one trouble of the other kind."""
    if s.fault:
        yield replace(s, fault=s.fault._replace(mode=OTHER_MODE[s.fault.mode]))
    yield replace(s, deregister=OTHER_MODE[s.deregister])
    yield replace(s, disconnect=OTHER_MODE[s.disconnect])


PAIRS: dict[str, Callable[[Scenario], Iterable[Scenario]]] = {
    "timeout ↔ failure": _other_modes,
    "run config ↔ runner config": lambda s: [replace(s, door=OTHER_DOOR.get(s.door, s.door))],
    "index ↔ no index": lambda s: [replace(s, index=INDEXES[not s.index])],
    "default ↔ own types": lambda s: [replace(s, names=OTHER_NAMES[s.names])],
    "worker ↔ ps": lambda s: [replace(s, role=OTHER_ROLE[s.role])],
    "deregister ↔ disconnect": lambda s: [replace(s, deregister=s.disconnect, disconnect=s.deregister)],
}


@dataclass
class Closure:
    """What became of the counterparts: how many there are, why others are not, and which nobody explains."""

    there: Counter[str] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def close(claimed: Iterable[Scenario], matrix: Matrix[Scenario]) -> Closure:
    """Look up every counterpart of every claimed scenario."""
    holes = dict(matrix.product())
    closure = Closure()
    for scenario in sorted(claimed, key=str):
        for pair, counterparts in PAIRS.items():
            for counterpart in set(counterparts(scenario)) - {scenario}:
                if counterpart not in holes or holes[counterpart] == "":
                    closure.unexplained.append(f"{pair}: {scenario} has no counterpart {counterpart}")
                elif why := holes[counterpart]:
                    closure.left_out[pair, why] += 1
                else:
                    closure.there[pair] += 1
    return closure
