"""What a scheduler has told this process of itself, as defaults of its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from monolith.config.settings import Layer, Source
from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError, DiscoveryError
from monolith.core.names import Role
from monolith.discovery.mlp import Mlp
from monolith.discovery.tf_config import FOR_DISCOVERY, TF_CONFIG, TfConfig, read_tf_config

Said: TypeAlias = Mapping[str, Any]  # settings by name
_COUNTS = {"num_ps": Role.PS, "num_workers": Role.WORKER}


class _Fact(NamedTuple):
    value: Any
    variable: str  # that says so


_Facts: TypeAlias = dict[str, _Fact]


def scheduled(asked: Role | None, said: Said, environ: Mapping[str, str]) -> list[Layer]:
    """Index, counts, role and where to listen, as the scheduler says; nothing if none is to be asked.

    Args:
        asked: what the process is to do whatever the scheduler says; None if `role` is a setting.
        said: what file, variables and flags say, all of them stronger.
        environ: where the scheduler speaks.

    Raises:
        ConfigError: it cannot be understood, or means this process to be something else.
    """
    read = _SCHEDULERS.get(said.get("discovery", ""))
    if read is None:
        return []
    try:
        facts = dict(read(environ))
    except DiscoveryError as exc:
        raise ConfigError([str(exc)]) from exc
    if "role" in facts and not _is_meant(asked or said.get("role"), facts, said):
        facts = {name: fact for name, fact in facts.items() if name in _COUNTS}
    left_out = {"role"} if asked else set()
    left_out |= {"bind_addr", "advertise_addr"} if "bind_addr" in said else set()  # the two belong together
    return [
        Layer(Source.SCHEDULER, {name: Role(fact.value) if name == "role" else fact.value}, fact.variable)
        for name, fact in facts.items()
        if name not in left_out
    ]


def _is_meant(role: Role | None, facts: _Facts, said: Said) -> bool:
    """Whether this process is who the scheduler speaks of; if not, its index must have been said."""
    told, variable = facts["role"]
    who = f"{variable} says that this process is {told}-{facts['index'].value}"
    if role is None and told not in list(Role):
        raise ConfigError([f"{who}, which is neither ps nor worker: give --role and --index"])
    if role in (None, told):
        return True
    if "index" not in said:
        raise ConfigError([f"{who}, and it was started as a {role}: start it as a {told}, or give --index"])
    return False


def _tf_config(environ: Mapping[str, str]) -> Iterator[tuple[str, _Fact]]:
    platform = read_tf_config(environ, FOR_DISCOVERY)
    told = {"role": platform.server_type, "index": platform.index, **_places(platform.addr, TF_CONFIG)}
    yield from ((name, _Fact(value, TF_CONFIG)) for name, value in {**told, **_counts(platform)}.items())


def _mlp(environ: Mapping[str, str]) -> Iterator[tuple[str, _Fact]]:
    platform = Mlp(environ)
    for name, count in _counts(platform).items():
        yield name, _Fact(count, f"MLP_{_COUNTS[name].upper()}_NUM")
    yield "index", _Fact(platform.index, "MLP_ROLE_INDEX")
    if platform.server_type:
        yield "role", _Fact(platform.server_type, "MLP_ROLE")
    if platform.addr:
        variable = f"MLP_{platform.server_type}_{platform.index}_PORT".upper()
        yield from (
            (name, _Fact(value, variable)) for name, value in _places(platform.addr, variable).items()
        )


def _counts(platform: TfConfig | Mlp) -> dict[str, int]:
    counts = {name: platform.count(role) for name, role in _COUNTS.items()}
    return {name: count for name, count in counts.items() if count}


def _places(listed: str, variable: str) -> dict[str, str]:
    """Where to listen, to be reached at `listed`: everywhere, since a machine may not know that address."""
    host, port = parse_address(listed, what=f"the address in {variable}")
    everywhere = "::" if ":" in host else "0.0.0.0"  # noqa: S104
    return {"bind_addr": str(Address(everywhere, port)), "advertise_addr": listed}


_SCHEDULERS: Mapping[str, Callable[[Mapping[str, str]], Iterator[tuple[str, _Fact]]]] = {
    "mlp": _mlp,
    "tf-config": _tf_config,
}
