"""Every rule about a distributed run, in one table.

A rule has two sentences: one for code, files and the environment, one for who typed a flag.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator

import attrs

from monolith.config.distributed import DistributedRunConfig
from monolith.config.runner import RunnerConfig
from monolith.config.settings import fields, flag
from monolith.config.sync_target import SyncTarget, parse_sync_target
from monolith.core.address import parse_address
from monolith.core.errors import ConfigError
from monolith.core.names import Role

FLAGS = {f.name: flag(f, about) for f, about in fields(RunnerConfig)}
LONGEST_MS = 24 * 3600 * 1000  # that a server lets a worker wait at a barrier
IN_DISTRIBUTED_MODE = " in distributed mode"
_TARGETS = "parameter_sync_targets"
_TARGET = FLAGS[_TARGETS]
_WITH_TARGETS = f" when {_TARGETS} are configured"
_WITH_TARGET = f" when {_TARGET} is provided"


@attrs.frozen
class Rule:
    """`broken` gives a complaint for each way in which the rule is broken: what a sentence has in its {}."""

    names: tuple[str, ...]
    sentence: str
    flag_sentence: str
    broken: Callable[[DistributedRunConfig], Iterable[str]]
    # Its place among the complaints about a command line: the reference's row, or a fraction between two.
    flag_row: float


def _when(test: Callable[[DistributedRunConfig], bool]) -> Callable[[DistributedRunConfig], Iterable[str]]:
    return lambda config: [""] if test(config) else []


def _positive(name: str, flag_row: float, flag_suffix: str = "", said: str = "") -> Rule:
    return Rule(
        (name,),
        f"requires {said or name} > 0",
        f"{FLAGS[name]} must be > 0{flag_suffix}",
        _when(lambda c: getattr(c.runner, name) <= 0),
        flag_row,
    )


def _index(role: Role, count: str, flag_row: float) -> Rule:
    def broken(config: DistributedRunConfig) -> Iterator[str]:
        index, limit = config.runner.index, getattr(config.runner, count)
        if config.role is role and not 0 <= index < limit:
            yield f"index={index} {count}={limit}"

    return Rule(
        ("index", count),
        f"requires index < {count} for {role} role ({{}})",
        f"--index must be < {FLAGS[count]} for --role {role}",
        broken,
        flag_row,
    )


def _word(
    name: str, flag_rows: tuple[float, float, float], empty: str = "", *, with_targets: bool = False
) -> list[Rule]:
    """Rules of a name: not empty, no space around it or in it; some names matter only with targets."""
    when, flag_when = (_WITH_TARGETS, _WITH_TARGET) if with_targets else ("", "")
    flag = FLAGS[name]

    def rule(sentence: str, flag_sentence: str, wrong: Callable[[str], bool], row: float) -> Rule:
        def broken(c: DistributedRunConfig) -> bool:
            return wrong(getattr(c.runner, name)) and (
                not with_targets or bool(c.runner.parameter_sync_targets)
            )

        return Rule((name,), sentence + when, flag_sentence + flag_when, _when(broken), row)

    padded = f"requires {name} without leading/trailing whitespace"
    spaced = f"requires {name} without whitespace characters"
    return [
        rule(f"requires non-empty {name}", f"{flag} must be non-empty{empty}", _blank, flag_rows[0]),
        rule(padded, f"{flag} must not have leading/trailing whitespace", _padded, flag_rows[1]),
        rule(spaced, f"{flag} must not contain whitespace", _spaced, flag_rows[2]),
    ]


def _blank(text: str) -> bool:
    return not text.strip()


def _padded(text: str) -> bool:
    return text != text.strip()


def _spaced(text: str) -> bool:
    return any(c.isspace() for c in text)


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text.strip())


def _parsed(config: DistributedRunConfig) -> list[tuple[str, SyncTarget | str]]:
    return [(target, parse_sync_target(target)) for target in config.runner.parameter_sync_targets]


def _malformed(config: DistributedRunConfig) -> Iterator[str]:
    for target, parsed in _parsed(config):
        if isinstance(parsed, str):
            yield f"`{target}`: {parsed}"


def _repeated(config: DistributedRunConfig) -> bool:
    endpoints = [one.endpoint for _, one in _parsed(config) if isinstance(one, SyncTarget)]
    return len(set(endpoints)) < len(endpoints)


def _no_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(parse_address(text).host)
    except ValueError:
        return True
    return False


def _unreachable(config: DistributedRunConfig) -> bool:
    told = config.advertise_addr or config.bind_addr
    try:
        return parse_address(told).everywhere
    except ConfigError:
        return told is config.advertise_addr


RULES: tuple[Rule, ...] = (
    _positive("num_ps", 4, IN_DISTRIBUTED_MODE),
    _positive("num_workers", 5, IN_DISTRIBUTED_MODE),
    _index(Role.PS, "num_ps", 6),
    _index(Role.WORKER, "num_workers", 7),
    _positive("dim", 8, IN_DISTRIBUTED_MODE),
    Rule(
        ("retry_backoff_ms", "connect_retries"),
        "requires retry_backoff_ms > 0 when connect_retries > 0",
        "--retry-backoff-ms must be > 0 when --connect-retries is > 0",
        _when(lambda c: c.role is Role.WORKER and c.runner.connect_retries > 0 >= c.runner.retry_backoff_ms),
        3.5,
    ),
    Rule(
        ("connect_retries",),
        "requires connect_retries >= 0",
        "--connect-retries must be >= 0",
        _when(lambda c: c.runner.connect_retries < 0),
        3.6,
    ),
    _positive("barrier_timeout_ms", 3),
    Rule(
        ("barrier_timeout_ms",),
        f"requires barrier_timeout_ms <= {LONGEST_MS}",
        f"--barrier-timeout-ms must be <= {LONGEST_MS}",
        _when(lambda c: c.runner.barrier_timeout_ms > LONGEST_MS),
        3.1,
    ),
    _positive("discovery_operation_timeout_ms", 1, said="discovery_operation_timeout"),
    _positive("discovery_cleanup_timeout_ms", 2, said="discovery_cleanup_timeout"),
    Rule(
        ("heartbeat_interval",),
        "requires heartbeat_interval > 0 when configured",
        "",  # 0 at the command line gives none
        _when(lambda c: c.heartbeat_interval is not None and c.heartbeat_interval <= 0),
        3.7,
    ),
    *_word("discovery_service_type_ps", (9, 11, 12)),
    *_word("discovery_service_type_worker", (10, 13, 14)),
    Rule(
        ("discovery_service_type_ps", "discovery_service_type_worker"),
        "requires distinct discovery_service_type_ps and discovery_service_type_worker",
        "--discovery-service-type-ps and --discovery-service-type-worker must be distinct",
        _when(
            lambda c: (
                _ascii_lower(c.runner.discovery_service_type_ps)
                == _ascii_lower(c.runner.discovery_service_type_worker)
            )
        ),
        15,
    ),
    *_word("table_name", (16, 17, 18), empty=IN_DISTRIBUTED_MODE),
    Rule(
        ("parameter_sync_interval_ms",),
        f"requires parameter_sync_interval > 0{_WITH_TARGETS}",
        f"--parameter-sync-interval-ms must be > 0{_WITH_TARGET}",
        _when(lambda c: bool(c.runner.parameter_sync_targets) and c.runner.parameter_sync_interval_ms <= 0),
        19,
    ),
    Rule(
        (_TARGETS,),
        f"requires non-empty {_TARGETS} entries",
        f"{_TARGET} entries must be non-empty",
        _when(lambda c: any(map(_blank, c.runner.parameter_sync_targets))),
        20,
    ),
    Rule(
        (_TARGETS,),
        f"requires {_TARGETS} entries without leading/trailing whitespace",
        f"{_TARGET} entries must not have leading/trailing whitespace",
        _when(lambda c: any(map(_padded, c.runner.parameter_sync_targets))),
        21,
    ),
    Rule(
        (_TARGETS,),
        f"has invalid {_TARGETS} entry {{}}",
        f"{_TARGET} contains invalid endpoint {{}}",
        _malformed,
        22,
    ),
    Rule(
        (_TARGETS,),
        f"requires unique {_TARGETS} entries",
        f"{_TARGET} entries must be unique",
        _when(_repeated),
        23,
    ),
    *_word("parameter_sync_model_name", (24, 25, 26), with_targets=True),
    *_word("parameter_sync_signature_name", (27, 28, 29), with_targets=True),
    Rule(
        ("bind_addr",),
        "requires bind_addr as IP:port, as in 127.0.0.1:0 or [::1]:0",
        "Invalid --bind-addr (expected host:port)",
        _when(lambda c: _no_ip(c.bind_addr)),
        30,
    ),
    Rule(
        ("bind_addr", "advertise_addr"),
        "requires advertise_addr as host:port that others can reach when bind_addr is none",
        "--advertise-addr must be host:port that others can reach when --bind-addr is none",
        _when(_unreachable),
        31,
    ),
)
