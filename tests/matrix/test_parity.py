"""The audit passes, and would not pass lightly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from monolith.core.names import Role
from parity import claims
from parity.audit import MOST_OUT, Audit, audit, lines, main, problems
from parity.claims import HERE, BadClaim, Claim, Patterns
from parity.counterparts import close
from parity.evidence import Evidence, unused_snapshots
from parity.judging import by_number, by_pattern, judge
from parity.scenarios import Scenarios
from tests.matrix.axes import Door, Fault, Mode, Names, Scenario, Step
from tests.matrix.product import Matrix
from tests.matrix.specs.lifecycle import LIFECYCLE

SMALL = Matrix(
    Scenario,
    {
        "role": Role,
        "index": (0,),
        "fault": (None, Fault(Step.CONNECT, Mode.FAILS)),
        "deregister": (Mode.OK,),
        "disconnect": (Mode.OK,),
        "names": (Names.DEFAULT,),
        "door": (Door.RUNNER,),
    },
)
EVIDENCE = Evidence(
    Scenarios(SMALL),
    frozenset({"law"}),
    frozenset({"rule"}),
    frozenset({"test_it.py", "test_it.py::test_it"}),
)
OF_SERVERS = "role=ps"


@pytest.fixture(scope="module")
def audited() -> Audit:
    return audit()


def test_nothing_is_missing(audited: Audit) -> None:
    assert audited.passed, "\n".join(lines(audited))


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (None, "nobody claims it"),
        (Claim(), "it must be shown now or later, or else be out"),
        (Claim(out="why", tests=("test_it.py",)), "it must be shown now or later, or else be out"),
        (Claim(later="D"), "later = 'D': must be one of C, E"),
        (Claim(laws=("lore",)), "there is no law lore"),
        (Claim(rules=("ruse",)), "there is no rule ruse"),
        (Claim(tests=("test_it.py::test_that",)), "there is no test test_it.py::test_that"),
        (Claim(scenarios=(OF_SERVERS, "role=ps & role=worker")), "selects no scenario"),
        (Claim(scenarios=("role=ps|worker & index=0",)), "selects every scenario"),
        (Claim(scenarios=("role=ps & index=0|7",)), "no scenario has index=7"),
        (Claim(scenarios=("rolle=ps",)), "'rolle=ps' names no axis"),
    ],
)
def test_a_claim_that_shows_nothing(claim: Claim | None, said: str) -> None:
    judged = judge({"1": claim}, EVIDENCE)
    assert said in judged.missing["1"]
    assert judged.of == {"missing": 1}


@pytest.mark.parametrize(
    ("claim", "column"),
    [
        (Claim(scenarios=(OF_SERVERS,), laws=("law",), rules=("rule",)), "shown"),
        (Claim(tests=("test_it.py", "test_it.py::test_it")), "shown"),
        (Claim(later="C", tests=("test_it.py",)), "later (C)"),
        (Claim(out="why"), "out"),
    ],
)
def test_a_claim_that_stands(claim: Claim, column: str) -> None:
    assert judge({"1": claim}, EVIDENCE).of == {column: 1}


def test_selectors_mean_their_axes(scenarios: Scenarios) -> None:
    meant = {s for s in LIFECYCLE if s.fault is None and s.door is not Door.CLI and s.names is Names.CUSTOM}
    assert scenarios.select("fault=all_well & door=run* & names=custom") == meant


def test_an_unknown_section_is_named() -> None:
    with pytest.raises(BadClaim, match="there is no section 276"):
        by_number(["1 First things"], claims.of_sections("276 = 'role=ps'"))


def test_few_may_be_out() -> None:
    outs = {kind: judge(dict.fromkeys(range(n), Claim(out="why")), EVIDENCE) for kind, n in MOST_OUT.items()}
    assert list(problems(outs, SMALL)) == []
    outs["names"].out["one"] = "more"
    assert list(problems(outs, SMALL)) == ["11 names are out: at most 10 may be"]


PATTERNS = """
[words.who]
ps_ = "ps"
"" = "*"
[[pattern]]
name = "(?P<who>[a-z]*_|)fails"
scenarios = "role={who} & fault=connect_fails"
"""


def test_names_are_translated() -> None:
    named = by_pattern(["ps_fails", "fails", "something_else"], Patterns(PATTERNS))
    assert [claim and claim.scenarios for claim in named.values()] == [
        ("role=ps & fault=connect_fails",),
        ("role=* & fault=connect_fails",),
        None,
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [("chief_fails", r"\[words.who\] does not translate 'chief_'"), ("other", "no name is left for")],
)
def test_a_pattern_must_fit(name: str, said: str) -> None:
    with pytest.raises(BadClaim, match=said):
        by_pattern([name], Patterns(PATTERNS))


def test_a_claim_has_few_parts() -> None:
    with pytest.raises(BadClaim, match="a claim has no test"):
        claims.of_sections('1 = { test = "test_it.py" }')


def test_counterparts_must_be() -> None:
    of_ps = [s for s in SMALL if s.role is Role.PS]
    reasoned = SMALL.except_("no workers", lambda s: s.role is Role.WORKER)
    silent = SMALL.except_("", lambda s: s.role is Role.WORKER)
    assert close(of_ps, SMALL).there["worker ↔ ps"] == 2
    assert close(of_ps, reasoned).left_out["worker ↔ ps", "no workers"] == 2
    assert sum("worker ↔ ps" in said for said in close(of_ps, silent).unexplained) == 2
    assert any("default ↔ own types" in said for said in close(of_ps, SMALL).unexplained)


def test_a_hole_must_have_its_reason() -> None:
    silent = SMALL.except_("", lambda s: s.fault is None)
    said = list(problems({kind: judge({}, EVIDENCE) for kind in MOST_OUT}, silent))
    assert said[0] == "a hole without a reason: ps0-all_well-deregister_ok-disconnect_ok-default-via_runner"


def test_a_snapshot_must_be_read(tmp_path: Path) -> None:
    (tmp_path / "test_diagnostics.ambr").write_text("# name: test_diagnosis[of_nothing]\n  ''\n# ---\n")
    assert unused_snapshots(tmp_path) == ["test_diagnosis[of_nothing]"]


WORDS = {
    "from_run_config_": lambda s: s.door is Door.RUN_CONFIG,
    "from_runner_config_": lambda s: s.door is Door.RUNNER_CONFIG,
    "build_distributed_run_config": lambda s: s.door is Door.CLI,
    "custom_": lambda s: s.names is Names.CUSTOM,
    "default_service": lambda s: s.names is Names.DEFAULT,
    "_index_": lambda s: s.index > 0,
    "_ps_connect": lambda s: s.role is Role.PS,
    "_connect_failure": lambda s: s.fault == Fault(Step.CONNECT, Mode.FAILS),
    "_register_timeout": lambda s: s.fault == Fault(Step.REGISTER, Mode.HANGS),
    "discover_timeout": lambda s: s.fault == Fault(Step.DISCOVER, Mode.HANGS),
    "after_success": lambda s: s.fault is None,
    "cleanup_timeout_context": lambda s: s.disconnect is Mode.HANGS,
    "cleanup_fails": lambda s: s.disconnect is Mode.FAILS,
    "disconnect_failure": lambda s: s.disconnect is Mode.FAILS,
}


@pytest.fixture(scope="module")
def scenarios() -> Scenarios:
    return Scenarios(LIFECYCLE)


@pytest.mark.parametrize("word", WORDS)
def test_names_mean_what_they_say(word: str, scenarios: Scenarios) -> None:
    patterns = Patterns((HERE / "names.toml").read_text())
    selectors = {s for name in claims.names() if word in f"{name}_" for s in patterns.claim(name).scenarios}
    assert selectors
    assert all(map(WORDS[word], set().union(*map(scenarios.select, selectors))))


def test_programs_read_it_too(
    audited: Audit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["audit.py", "--json"])
    monkeypatch.setattr("parity.audit.audit", lambda: audited)
    assert main() == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["sections"]["all"], told["names"]["all"], told["problems"]) == (275, 662, [])
