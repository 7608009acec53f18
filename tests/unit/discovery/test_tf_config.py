"""What TF_CONFIG says of everyone, and of this process."""

import json

import pytest

from monolith.core.errors import ConfigError, DiscoveryMisconfigured
from monolith.discovery.tf_config import TfConfig, tf_config_of

CLUSTER = {"ps": ["p0:1", "p1:1"], "worker": ["w0:1", "w1:1"], "chief": ["c:1"]}


def config(kind="ps", index=0, cluster=CLUSTER, **more):
    return TfConfig.from_json(
        json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}), **more
    )


def without(role):
    return {name: addresses for name, addresses in CLUSTER.items() if name != role}


@pytest.mark.parametrize(
    ("task", "cluster", "me"),
    [
        (("ps", 1), CLUSTER, ("ps", 1, "p1:1")),
        (("chief", 0), CLUSTER, ("worker", 0, "c:1")),
        (("worker", 0), CLUSTER, ("worker", 1, "w0:1")),
        (("worker", 0), without("chief"), ("worker", 0, "w0:1")),
        (("ps", 1), without("chief"), ("ps", 1, "p1:1")),
    ],
)
def test_who_i_am(task, cluster, me):
    mine = config(*task, cluster=cluster)
    assert (mine.server_type, mine.index, mine.addr) == me
    assert mine.query(mine.server_type)[mine.index] == mine.addr


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (("evaluator", 0), 'TF_CONFIG cluster missing task type "evaluator"'),
        (("ps", 2), 'TF_CONFIG cluster missing index 2 for type "ps"'),
    ],
)
def test_i_am_not_on_the_list(task, said):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        _ = config(*task).addr
    assert str(caught.value) == f"Configuration error: {said}"


@pytest.mark.parametrize(
    ("name", "addresses"),
    [("ps", ["p0:1", "p1:1"]), ("worker", ["c:1", "w0:1", "w1:1"]), ("my_ps", ["p0:1", "p1:1"])],
)
def test_others_are_listed(name, addresses):
    assert config(roles={"my_ps": "ps"}).query(name) == dict(enumerate(addresses))


@pytest.mark.parametrize(
    ("name", "cluster", "said"),
    [
        ("ps", without("ps"), "TF_CONFIG missing ps"),
        ("worker", without("worker"), "TF_CONFIG missing worker"),
        ("chief", CLUSTER, 'name must be ps/worker, got "chief"'),
    ],
)
def test_others_are_not_listed(name, cluster, said):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        config(cluster=cluster).query(name)
    assert str(caught.value) == f"Configuration error: {said}"


def test_nobody_has_to_register():
    mine = config()
    mine.deregister("ps", 0, "p0:1")
    mine.register("ps", 7, "anything")
    mine.close()
    assert mine.query("ps") == {0: "p0:1", 1: "p1:1"}


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "missing field `cluster`"),
        ('{"cluster": {}}', "missing field `task`"),
        ('{"cluster": [], "task": {}}', "`cluster` must be an object, got []"),
        ('{"cluster": {"ps": "p:1"}, "task": {}}', '`ps` must be a list, got "p:1"'),
        ('{"cluster": {"ps": [1]}, "task": {}}', "`ps` must list addresses as text, got [1]"),
        ('{"cluster": {}, "task": {"type": 1, "index": 0}}', "`type` must be text, got 1"),
        ('{"cluster": {}, "task": {"type": "ps"}}', "missing field `index`"),
        (
            '{"cluster": {}, "task": {"type": "ps", "index": true}}',
            "`index` must be a whole number, got true",
        ),
        ('{"cluster": {}, "task": {"type": "ps", "index": -1}}', "`index` must be >= 0, got -1"),
    ],
)
def test_bad_json_is_told(said, complaint):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        TfConfig.from_json(said)
    assert str(caught.value) == f"Configuration error: Invalid TF_CONFIG JSON: {complaint}"


def test_more_keys_are_nobodys_business():
    said = '{"cluster": {"ps": []}, "task": {"type": "ps", "index": 0, "x": 1}, "environment": "cloud"}'
    assert TfConfig.from_json(said).query("ps") == {}


def test_the_environment_has_it():
    assert tf_config_of({"TF_CONFIG": "{}"}, "training") == "{}"


@pytest.mark.parametrize("environ", [{}, {"TF_CONFIG": " "}])
def test_the_environment_lacks_it(environ):
    with pytest.raises(ConfigError, match=r"^TF_CONFIG is required for training$"):
        tf_config_of(environ, "training")
