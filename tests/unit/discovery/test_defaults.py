"""From what a scheduler says to settings."""

import json

import pytest

from monolith.config.settings import Source
from monolith.core.errors import ConfigError
from monolith.core.names import Role
from monolith.discovery.defaults import scheduled

CLUSTER = {"chief": ["c:1"], "worker": ["w0:2", "[::1]:3"], "ps": ["p0:4", "p1:5"], "evaluator": ["e:6"]}
MLP = {
    "MLP_PS_NUM": "2",
    "MLP_PS_1_PRIMARY_HOST": "p1",
    "MLP_PS_1_PORT": "5",
    "MLP_WORKER_NUM": "3",
}
PS1 = {"MLP_ROLE": "PS", "MLP_ROLE_INDEX": "1"}
PS1_AT = {"bind_addr": "0.0.0.0:5", "advertise_addr": "p1:5"}


def tf_config(kind, index, **cluster):
    said = {"cluster": {**CLUSTER, **cluster}, "task": {"type": kind, "index": index}}
    return {"TF_CONFIG": json.dumps(said)}


def told(environ, asked=None, **said):
    """The settings that come of it, and the variable of each."""
    said = {"discovery": "tf-config" if "TF_CONFIG" in environ else "mlp", **said}
    layers = scheduled(asked, said, environ)
    assert all(layer.source is Source.SCHEDULER for layer in layers)
    return {name: (value, layer.origin) for layer in layers for name, value in layer.values.items()}


def values(*args, **kwargs):
    return {name: value for name, (value, _) in told(*args, **kwargs).items()}


@pytest.mark.parametrize(
    ("task", "role", "index", "bind", "listed"),
    [
        (("ps", 1), "ps", 1, "0.0.0.0:5", "p1:5"),
        (("chief", 0), "worker", 0, "0.0.0.0:1", "c:1"),
        (("worker", 0), "worker", 1, "0.0.0.0:2", "w0:2"),
        (("worker", 1), "worker", 2, "[::]:3", "[::1]:3"),
    ],
)
def test_tf_config_says_it_all(task, role, index, bind, listed):
    said = {"role": role, "index": index, "num_ps": 2, "num_workers": 3}
    said |= {"bind_addr": bind, "advertise_addr": listed}
    assert told(tf_config(*task)) == {name: (value, "TF_CONFIG") for name, value in said.items()}


def test_each_variable_of_mlp_is_named():
    assert told({**MLP, **PS1}) == {
        "role": ("ps", "MLP_ROLE"),
        "index": (1, "MLP_ROLE_INDEX"),
        "num_ps": (2, "MLP_PS_NUM"),
        "num_workers": (3, "MLP_WORKER_NUM"),
        "bind_addr": ("0.0.0.0:5", "MLP_PS_1_PORT"),
        "advertise_addr": ("p1:5", "MLP_PS_1_PORT"),
    }


@pytest.mark.parametrize("environ", [tf_config("ps", 1), {**MLP, **PS1}], ids=["tf-config", "mlp"])
@pytest.mark.parametrize(
    ("asked", "said", "left_out"),
    [
        (Role.PS, {}, {"role"}),  # it is in the command's name
        (None, {"role": Role.PS}, set()),  # said twice
        (None, {"bind_addr": "127.0.0.1:0"}, {"bind_addr", "advertise_addr"}),
        (Role.WORKER, {"index": 0}, {"role", "index", "bind_addr", "advertise_addr"}),
        (None, {"role": Role.WORKER, "index": 0}, {"role", "index", "bind_addr", "advertise_addr"}),
    ],
)
def test_stronger_words(environ, asked, said, left_out):
    """A process that is not the one the scheduler speaks of still learns how many there are."""
    assert set(told(environ, asked, **said)) == set(told(environ)) - left_out


@pytest.mark.parametrize(
    ("environ", "known"),
    [
        (MLP, {"index": 0, "num_ps": 2, "num_workers": 3}),
        ({}, {"index": 0}),
        ({**MLP, "MLP_ROLE": "worker"}, {"role": "worker", "index": 0, "num_ps": 2, "num_workers": 3}),
        (tf_config("ps", 0, worker=[], chief=[]), {"role": "ps", "index": 0, "num_ps": 2}),
    ],
    ids=["no role", "nothing", "no address", "no workers"],
)
def test_what_is_not_said_is_not_made_up(environ, known):
    found = values(environ)
    assert {name: value for name, value in found.items() if "addr" not in name} == known


@pytest.mark.parametrize("discovery", [None, "host-files", "in-memory", "zookeeper"])
def test_a_scheduler_must_be_asked(discovery):
    assert scheduled(Role.PS, {"discovery": discovery} if discovery else {}, tf_config("ps", 1)) == []


@pytest.mark.parametrize(
    ("environ", "asked", "said"),
    [
        (
            tf_config("worker", 1),
            Role.PS,
            "TF_CONFIG says that this process is worker-2, and it was started as a ps: "
            "start it as a worker, or give --index",
        ),
        (
            {**MLP, **PS1},
            Role.WORKER,
            "MLP_ROLE says that this process is ps-1, and it was started as a worker: "
            "start it as a ps, or give --index",
        ),
        (
            tf_config("evaluator", 0),
            None,
            "TF_CONFIG says that this process is evaluator-0, which is neither ps nor worker: "
            "give --role and --index",
        ),
        (
            tf_config("ps", 2),
            None,
            'Configuration error: TF_CONFIG cluster missing index 2 for type "ps"',
        ),
        (
            tf_config("ps", 0, ps=["nowhere"]),
            None,
            "the address in TF_CONFIG 'nowhere' has no port: write host:port, as in 127.0.0.1:50051 or "
            "[::1]:50051",
        ),
        ({"TF_CONFIG": ""}, None, "TF_CONFIG is required for --discovery tf-config"),
        (
            {"MLP_ROLE_INDEX": "one"},
            None,
            'Configuration error: MLP_ROLE_INDEX="one" must be a number from 0',
        ),
    ],
)
def test_what_cannot_be_is_told(environ, asked, said):
    with pytest.raises(ConfigError) as caught:
        told(environ, asked)
    assert str(caught.value) == said
