"""Every rule about a distributed run: its sentence, its other sentence for a flag, and whom it binds."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.building import build
from monolith.config.distributed import DistributedRunConfig
from monolith.config.job import RoleSettings
from monolith.config.judging import judge, told
from monolith.config.layers import from_environment
from monolith.config.rules import RULES
from monolith.config.runner import RunConfig, RunnerConfig
from monolith.config.settings import Layer, Source, fields, flag, part
from monolith.core.errors import ConfigError
from monolith.core.names import Role

PS, WORKER = Role.PS, Role.WORKER
BOTH = (PS, WORKER)
FINE = {"num_ps": 1, "num_workers": 1}
TARGET = {"parameter_sync_targets": ("h:80",)}


class Row(NamedTuple):
    """A value that breaks one rule: what code is told, what the command line is told, and which roles are."""

    wrong: dict[str, Any]
    said: str
    typed: str
    roles: tuple[Role, ...] = BOTH


def words(name: str, flag_name: str, when: str = "", typed_when: str = "", empty: str = "") -> dict[str, Row]:
    """The rules of a name, each with a value that breaks no other but those that it must."""
    more = TARGET if when else {}
    return {
        f"{name}_empty": Row(
            {name: "", **more},
            f"requires non-empty {name}{when}",
            f"{flag_name} must be non-empty{empty or typed_when}",
        ),
        f"{name}_padded": Row(
            {name: " x", **more},
            f"requires {name} without leading/trailing whitespace{when}",
            f"{flag_name} must not have leading/trailing whitespace{typed_when}",
        ),
        f"{name}_spaced": Row(
            {name: "x\u2003y", **more},
            f"requires {name} without whitespace characters{when}",
            f"{flag_name} must not contain whitespace{typed_when}",
        ),
    }


def endpoint(target: str, complaint: str) -> Row:
    return Row(
        {"parameter_sync_targets": (target,)},
        f"has invalid parameter_sync_targets entry `{target}`: {complaint}",
        f"--parameter-sync-target contains invalid endpoint `{target}`: {complaint}",
    )


WITH = " when parameter_sync_targets are configured"
TYPED_WITH = " when --parameter-sync-target is provided"
MODE = " in distributed mode"

ROWS: dict[str, Row] = {
    "num_ps_zero": Row({"num_ps": 0}, "requires num_ps > 0", "--num-ps must be > 0 in distributed mode"),
    "num_workers_zero": Row(
        {"num_workers": 0},
        "requires num_workers > 0",
        "--num-workers-cluster must be > 0 in distributed mode",
    ),
    "index_of_ps": Row(
        {"index": 1, "num_workers": 2},
        "requires index < num_ps for ps role (index=1 num_ps=1)",
        "--index must be < --num-ps for --role ps",
        (PS,),
    ),
    "index_of_worker": Row(
        {"index": 1, "num_ps": 2},
        "requires index < num_workers for worker role (index=1 num_workers=1)",
        "--index must be < --num-workers-cluster for --role worker",
        (WORKER,),
    ),
    "dim_zero": Row({"dim": 0}, "requires dim > 0", "--dim must be > 0 in distributed mode"),
    "backoff_zero": Row(
        {"retry_backoff_ms": 0},
        "requires retry_backoff_ms > 0 when connect_retries > 0",
        "--retry-backoff-ms must be > 0 when --connect-retries is > 0",
        (WORKER,),
    ),
    "retries_negative": Row(
        {"connect_retries": -1}, "requires connect_retries >= 0", "--connect-retries must be >= 0"
    ),
    "barrier_zero": Row(
        {"barrier_timeout_ms": 0}, "requires barrier_timeout_ms > 0", "--barrier-timeout-ms must be > 0"
    ),
    "operation_timeout_zero": Row(
        {"discovery_operation_timeout_ms": 0},
        "requires discovery_operation_timeout > 0",
        "--discovery-operation-timeout-ms must be > 0",
    ),
    "cleanup_timeout_zero": Row(
        {"discovery_cleanup_timeout_ms": 0},
        "requires discovery_cleanup_timeout > 0",
        "--discovery-cleanup-timeout-ms must be > 0",
    ),
    **words("discovery_service_type_ps", "--discovery-service-type-ps"),
    **words("discovery_service_type_worker", "--discovery-service-type-worker"),
    "types_equal": Row(
        {"discovery_service_type_ps": "Same", "discovery_service_type_worker": "sAME"},
        "requires distinct discovery_service_type_ps and discovery_service_type_worker",
        "--discovery-service-type-ps and --discovery-service-type-worker must be distinct",
    ),
    **words("table_name", "--table-name", empty=MODE),
    "sync_interval_zero": Row(
        {"parameter_sync_interval_ms": 0, **TARGET},
        f"requires parameter_sync_interval > 0{WITH}",
        f"--parameter-sync-interval-ms must be > 0{TYPED_WITH}",
    ),
    "target_empty": Row(
        {"parameter_sync_targets": ("",)},
        "requires non-empty parameter_sync_targets entries",
        "--parameter-sync-target entries must be non-empty",
    ),
    "target_padded": Row(
        {"parameter_sync_targets": (" h",)},
        "requires parameter_sync_targets entries without leading/trailing whitespace",
        "--parameter-sync-target entries must not have leading/trailing whitespace",
    ),
    "target_scheme": endpoint("ftp://h", "endpoint scheme must be http or https"),
    "target_path": endpoint("h/path", "endpoint must not include a URL path or query"),
    "target_option": endpoint(
        "h?every=5", "endpoint must not include a URL path or query, other than ?interval-ms=N: not 'every'"
    ),
    "target_interval": endpoint(
        "h?interval-ms=0", "interval-ms='0' must be a number of milliseconds in 1..86400000"
    ),
    "target_user": endpoint("u@h", "endpoint must not include userinfo"),
    "target_no_uri": endpoint("http://", "invalid URI"),
    "target_no_host": endpoint("http://:8500", "endpoint is missing host:port authority"),
    "target_repeated": Row(
        {"parameter_sync_targets": ("h:80", "HTTP://H/?interval-ms=5")},
        "requires unique parameter_sync_targets entries",
        "--parameter-sync-target entries must be unique",
    ),
    **words("parameter_sync_model_name", "--parameter-sync-model-name", WITH, TYPED_WITH),
    **words("parameter_sync_signature_name", "--parameter-sync-signature-name", WITH, TYPED_WITH),
}
CASES = [pytest.param(row, role, id=f"{name}-{role}") for name, row in ROWS.items() for role in BOTH]


def refused(config: DistributedRunConfig) -> list[str]:
    """The lines of the refusal; none where there is no refusal."""
    try:
        judge(config)
    except ConfigError as exc:
        return str(exc).splitlines()
    return []


@pytest.mark.parametrize(("row", "role"), CASES)
def test_code_is_told_the_rule_and_the_value(row: Row, role: Role) -> None:
    lines = refused(DistributedRunConfig(RunnerConfig(**{**FINE, **row.wrong}), role))
    name, value = next(iter(row.wrong.items()))
    told = [line for line in lines if line.startswith(f"distributed config {row.said} (")]
    assert bool(told) is (role in row.roles)
    assert all(f"{name}={value!r}, from " in line for line in told)


@pytest.mark.parametrize(("row", "role"), CASES)
def test_who_typed_it_is_told_the_flag(row: Row, role: Role) -> None:
    typed = build(RoleSettings, Layer(Source.COMMAND_LINE, {**FINE, **row.wrong}))
    flags = {f.name: flag(f, about) for f, about in fields(RoleSettings)}
    told = [line for line in refused(typed.as_role(role)) if line.startswith(f"{row.typed} (")]
    assert bool(told) is (role in row.roles)
    assert all(f"from {flags[next(iter(row.wrong))]}" in line for line in told)


def test_what_is_fine_is_not_refused() -> None:
    assert refused(DistributedRunConfig(RunnerConfig(**FINE, **TARGET))) == []


@pytest.mark.parametrize("role", BOTH)
def test_defaults_build_and_do_not_run(role: Role) -> None:
    assert refused(DistributedRunConfig(RunnerConfig(), role))[0] == (
        "distributed config requires num_ps > 0 (num_ps=0, from its default)"
    )


def test_the_variable_is_blamed() -> None:
    told = build(RoleSettings, from_environment(RoleSettings, {"MONOLITH_DIM": "0"})).as_role(WORKER)
    assert refused(told) == ["distributed config requires dim > 0 (dim=0, from MONOLITH_DIM)"]


def test_every_line_in_the_order_of_its_table() -> None:
    wrong = {"num_ps": 0, "dim": 0, "discovery_cleanup_timeout_ms": 0, "barrier_timeout_ms": 0}
    code = refused(DistributedRunConfig(RunnerConfig(**wrong)))
    assert [line.split("requires ")[1].split(" >")[0] for line in code] == [
        "num_ps",
        "dim",
        "barrier_timeout_ms",
        "discovery_cleanup_timeout",
    ]
    typed = refused(build(RoleSettings, Layer(Source.COMMAND_LINE, wrong)).as_role(WORKER))
    assert [line.split(" must")[0] for line in typed] == [
        "--discovery-cleanup-timeout-ms",
        "--barrier-timeout-ms",
        "--num-ps",
        "--dim",
    ]


@pytest.mark.parametrize("interval", [0, -1.0])
def test_a_heart_beats_now_and_then_or_not_at_all(interval: float) -> None:
    assert refused(DistributedRunConfig(RunnerConfig(**FINE), PS, heartbeat_interval=interval)) == [
        "distributed config requires heartbeat_interval > 0 when configured "
        f"(heartbeat_interval={interval}, from code)"
    ]
    assert refused(DistributedRunConfig(RunnerConfig(**FINE), PS, heartbeat_interval=None)) == []


@pytest.mark.parametrize(
    ("bind", "advertise", "fine"),
    [
        ("127.0.0.1:0", None, True),
        ("[::1]:7000", None, True),
        ("0.0.0.0:0", "10.0.0.5:0", True),
        ("0.0.0.0:0", None, False),
        ("[::]:0", "0.0.0.0:1", False),
        ("localhost:0", None, False),
        ("127.0.0.1", None, False),
        ("127.0.0.1:0", "nowhere", False),
    ],
)
def test_where_a_process_listens_and_is_found(bind: str, advertise: str | None, fine: bool) -> None:
    lines = refused(DistributedRunConfig(RunnerConfig(**FINE), PS, bind, advertise_addr=advertise))
    assert (lines == []) is fine
    assert all("bind_addr" in line for line in lines)


def test_the_flag_of_an_address_is_blamed() -> None:
    typed = build(RoleSettings, Layer(Source.COMMAND_LINE, {"bind_addr": "localhost:0"}))
    assert refused(typed.as_role(PS)) == [
        "Invalid --bind-addr (expected host:port) (bind_addr='localhost:0', from --bind-addr)"
    ]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (DistributedRunConfig(RunnerConfig(**{**FINE, "dim": "8"})), "dim to be int (dim='8', from code)"),
        (DistributedRunConfig(RunnerConfig(**{**FINE, "dim": None})), "dim to be int (dim=None, from code)"),
        (
            DistributedRunConfig(RunnerConfig(**{**FINE, "table_name": 5})),
            "table_name to be str (table_name=5",
        ),
        (DistributedRunConfig(RunnerConfig(**FINE), PS, 5), "bind_addr to be str (bind_addr=5, from code)"),
    ],
)
def test_another_type_is_named(config: DistributedRunConfig, said: str) -> None:
    assert [line for line in refused(config) if f"distributed config requires {said}" in line]


@pytest.mark.parametrize(
    ("environ", "argv", "said"),
    [
        ({"MONOLITH_BIND_ADDR": "zz"}, {}, "bind_addr='zz', from MONOLITH_BIND_ADDR"),
        ({}, {"index": 5}, "index=5, from --index; num_workers=1, from its default"),
    ],
)
def test_where_a_value_came_from(environ: dict[str, str], argv: dict[str, Any], said: str) -> None:
    layers = from_environment(RoleSettings, environ), Layer(Source.COMMAND_LINE, argv)
    assert said in "\n".join(refused(build(RoleSettings, *layers).as_role(WORKER)))


def test_who_overrides_a_flag_is_blamed_for_it() -> None:
    typed = part(RunnerConfig, build(RoleSettings, Layer(Source.COMMAND_LINE, {"dim": 8})))
    merged = RunConfig(dim=-1).to_runner_config(typed)
    assert refused(DistributedRunConfig(merged)) == [
        "distributed config requires dim > 0 (dim=-1, from code)"
    ]


NUMBERS = ("num_ps", "num_workers", "dim", "barrier_timeout_ms", "index", "connect_retries")


@given(
    st.fixed_dictionaries({}, optional={name: st.integers(-2, 2) for name in NUMBERS}), st.sampled_from(BOTH)
)
def test_rules_are_judged_one_by_one(wrong: dict[str, int], role: Role) -> None:
    """No rule hides another: what is said is what each rule says by itself."""
    config = DistributedRunConfig(RunnerConfig(**{**FINE, **wrong}), role)
    alone = [told(rule, config, said) for rule in RULES for said in rule.broken(config)]
    assert refused(config) == alone
