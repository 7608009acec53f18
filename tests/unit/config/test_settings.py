"""Merging, blaming, and the command line that builds the same settings again."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.config.building import build, checked
from monolith.config.checks import positive
from monolith.config.job import RoleSettings
from monolith.config.layers import add_flags, from_environment, from_namespace, from_toml
from monolith.config.settings import Layer, Problem, Settings, Source, chosen, reference, setting, to_argv
from monolith.core.errors import ConfigError


@attrs.frozen(kw_only=True)
class Small(Settings):
    count: int = setting(1, "How many.", check=positive)
    rate: float | None = setting(None, "How fast.")
    loud: bool = setting(True, "Whether to tell.", group="talk")
    names: tuple[str, ...] = setting((), "Who.", flag="--name")
    place: Path | None = setting(None, "Where.", short="-p")

    def rules(self) -> Iterator[Problem]:
        if self.rate is not None and self.rate > self.count:
            yield Problem(("rate", "count"), "rate must not exceed count")


def from_argv(argv: list[str]) -> Layer:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_flags(parser, Small)
    return from_namespace(Small, parser.parse_args(argv))


def layer_of(source: Source, count: int, folder: Path) -> Layer:
    """The same setting, said through each of its doors."""
    if source is Source.SCHEDULER:
        return Layer(source, {"count": count}, "MLP_PS_NUM")
    if source is Source.FILE:
        (folder / "m.toml").write_text(f"count = {count}")
        return from_toml(Small, folder / "m.toml")
    if source is Source.ENVIRONMENT:
        return from_environment(Small, {"MONOLITH_COUNT": str(count)})
    if source is Source.COMMAND_LINE:
        return from_argv([f"--count={count}"])
    return Layer(Source.CODE, {"count": count})


DOORS = [s for s in Source if s is not Source.DEFAULT]


@pytest.mark.parametrize("weaker", DOORS)
@pytest.mark.parametrize("stronger", DOORS)
def test_stronger_source_wins(weaker: Source, stronger: Source, tmp_path: Path) -> None:
    if stronger > weaker:
        layers = [layer_of(stronger, 7, tmp_path), layer_of(weaker, 3, tmp_path)]
        assert build(Small, *layers).count == 7


@pytest.mark.parametrize(
    ("source", "named"),
    list(zip(DOORS, ["MLP_PS_NUM", "m.toml", "MONOLITH_COUNT", "--count", "code"], strict=True)),
)
def test_complaint_names_the_source(source: Source, named: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^count=-1 \(from .*{named}\): must be > 0$"):
        build(Small, layer_of(source, -1, tmp_path))


def test_every_broken_check_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Small(count=1, rate=2.0))
    assert caught.value.problems == (Problem(("rate", "count"), "rate must not exceed count"),)
    assert str(caught.value).startswith("rate=2.0 (from code), count=1")


@given(
    count=st.integers(1, 9),
    rate=st.none() | st.floats(0, 1),
    loud=st.booleans(),
    names=st.lists(st.text("abc-_.", min_size=1).filter(lambda n: n != "--"), max_size=3),  # argparse's own
    place=st.none() | st.just(Path("a b/c")),
)
def test_argv_builds_it_again(**values: object) -> None:
    settings = Small(**values)  # type: ignore[arg-type]
    around = from_environment(Small, {"MONOLITH_COUNT": "77", "MONOLITH_LOUD": "no"})
    assert build(Small, from_argv(to_argv(settings)), around) == settings


def test_a_default_that_someone_chose_was_chosen() -> None:
    small = build(Small, Layer(Source.CODE, {"loud": True, "count": 2}))
    assert chosen(small) == {"count": 2}
    assert [name for name in ("count", "rate", "loud") if small.has_chosen(name)] == ["count", "loud"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cuont = 1", "did you mean 'count'"),
        ("count = 'x'", "count='x' cannot be read as int"),
        ("count = ", "Invalid value"),
    ],
)
def test_bad_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"m.toml: .*{said}"):
        from_toml(Small, path)


def test_file_groups_are_flattened(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text('rate = 0.5\nnames = ["a", "b"]\n[talk]\nloud = false\n')
    assert build(Small, from_toml(Small, path)) == Small(rate=0.5, names=("a", "b"), loud=False)


def test_file_may_have_settings_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text("rate = 0.5\n[cluster]\nnum_ps = 2\ncuont = 1\n")
    with pytest.raises(ConfigError) as caught:
        from_toml(Small, path, lambda: {"num_ps"})
    assert str(caught.value) == f"{path}: unknown setting 'cuont' (did you mean 'count'?)"
    assert from_toml(Small, path, lambda: {"num_ps", "cuont"}).values == {"rate": 0.5}


def test_unreadable_choice_is_told_of_them_all() -> None:
    with pytest.raises(ConfigError, match="BAD_GRADIENTS=x cannot be read as one of refuse, skip, clip"):
        from_environment(RoleSettings, {"MONOLITH_BAD_GRADIENTS": "x"})


def test_a_choice_that_code_makes_is_told_of_them_all() -> None:
    with pytest.raises(ConfigError, match=r"^bad_gradients='x': must be one of: refuse, skip, clip$"):
        RoleSettings(bad_gradients="x")


def test_help_shows_the_words_of_a_choice() -> None:
    add_flags(parser := argparse.ArgumentParser(), RoleSettings)
    assert "--bad-gradients {refuse,skip,clip}" in parser.format_help()


def test_help_begins_with_what_is_told_most_often() -> None:
    add_flags(parser := argparse.ArgumentParser(), RoleSettings)
    told = re.findall(r"^(\w.*):$", parser.format_help(), re.MULTILINE)
    assert told[1:6] == ["data", "model", "training", "checkpoint", "cluster"]
    assert len(told) == len(set(told)) > 6


def test_unreadable_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="MONOLITH_LOUD=perhaps cannot be read as bool"):
        from_environment(Small, {"MONOLITH_LOUD": "perhaps"})


def test_reference_has_a_row_each() -> None:
    rows = reference(Small).splitlines()
    assert rows[2] == "| `count` | `--count` | `MONOLITH_COUNT` | `1` | How many. |"
    assert len(rows) == 2 + len(attrs.fields(Small))
