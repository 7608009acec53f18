"""Who mistypes a variable is told, and nobody else is bothered."""

import pytest

from monolith.cli.commands import entries
from monolith.cli.main import main
from monolith.cli.mistyped import mistyped

ENTRIES = dict(entries())
# Read by tests, by upstream, by parts of ours that are no command, or by those who talk to a service.
OF_OTHERS = [
    "MONOLITH_REQUIRE",
    "MONOLITH_GRPC_WORKER_SERVICE_HANDLER_MULTIPLIER",
    "MONOLITH_FAILPOINT",
    "MONOLITH_CACHE",
    "MONOLITH_CONFIG_PATH",
    "MONOLITH_SERVICE_HOST",
    "MONOLITH_SERVICE_PORT",
    "MONOLITH_PORT",
    "MONOLITH_SERVING_PORT",
]


def told(words, *names):
    return list(mistyped(ENTRIES[words].load(), dict.fromkeys(names, "1")))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("MONOLITH_NUM_PSS", "NUM_PS"), ("MONOLITH_BATCHSIZE", "BATCH_SIZE"), ("MONOLITH_EPOCH", "EPOCHS")],
)
def test_the_nearest_is_named(name, meant):
    assert told("train", name) == [f"{name} is not read by any command: did you mean MONOLITH_{meant}?"]


@pytest.mark.parametrize("words", ENTRIES)
def test_who_else_has_such_variables_is_left_alone(words):
    assert told(words, *OF_OTHERS) == []


def test_what_another_command_reads_is_none_of_ours():
    assert told("serve", "MONOLITH_MODEL_DIR", "MONOLITH_MODEL_PAHT") == [
        "MONOLITH_MODEL_PAHT is not read by any command: did you mean MONOLITH_MODEL_PATH?"
    ]


def test_it_is_told_though_the_command_fails(capsys):
    assert main(["checkpoint", "ls"], {"MONOLITH_MODELDIR": "runs/ml"}) == 2
    assert "did you mean MONOLITH_MODEL_DIR?" in capsys.readouterr().err


@pytest.mark.parametrize("started_by", [[], ["--lifeline"]], ids=["somebody", "us"])
def test_a_role_leaves_it_to_who_started_it(capsys, started_by):
    assert main(["ps", "--config-path=missing", *started_by], {"MONOLITH_NUM_PSS": "2"}) == 2
    assert ("did you mean" in capsys.readouterr().err) is not bool(started_by)
