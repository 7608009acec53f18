"""Addresses and paths that cannot be, each with its sentence; and the names of nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import BackendFailed, DiscoveryMisconfigured
from monolith.discovery.base import ServiceInfo
from monolith.discovery.zk_client import Node
from monolith.discovery.zk_paths import Folder, check_base_path, check_hosts, job_folder, listed

OPERATIONS = st.sampled_from(["connect", "watch_service"])


def complaint(check, text, operation="connect"):
    try:
        check(text, operation)
    except DiscoveryMisconfigured as exc:
        return str(exc)
    return None


@pytest.mark.parametrize(
    ("hosts", "why"),
    [
        ("", "empty hosts"),
        (" ", "leading/trailing whitespace"),
        (" zk:2181", "leading/trailing whitespace"),
        ("zk:2181\n", "leading/trailing whitespace"),
        ("zk:2181, zk:2182", "whitespace in hosts"),
        ("z k,", "whitespace in hosts"),
        (",", "empty host entry"),
        ("zk:2181,", "empty host entry"),
        ("zk:2181,,zk:2182", "empty host entry"),
        ("[::1", "invalid host entry"),
        ("[::1]2181", "invalid host entry"),
        ("[]x:1", "invalid host entry"),
        ("[]", "empty host"),
        ("[]:x", "empty host"),
        ("[::1]:", "invalid port"),
        ("[::1]:65536", "invalid port"),
        ("::1", "invalid host entry"),
        ("zk:1:2", "invalid host entry"),
        (":2181", "empty host"),
        (":", "empty host"),
        ("zk:", "invalid port"),
        ("zk:x", "invalid port"),
        ("zk:-1", "invalid port"),
        ("zk:+1", "invalid port"),
        ("zk:٣", "invalid port"),
        ("zk:65536", "invalid port"),
        ("zk:2181/chroot", "invalid port"),
        ("zk:2181,other:", "invalid port"),
    ],
)
@pytest.mark.parametrize("operation", ["connect", "watch_service"])
def test_hosts_that_cannot_be(hosts, why, operation):
    said = complaint(check_hosts, hosts, operation)
    assert said == f"Configuration error: ZooKeeper {operation} invalid hosts: {why}"


@pytest.mark.parametrize(
    "hosts", ["zk", "zk:2181", "zk:0", "zk:65535", "10.0.0.1:1,zk,[::1],[fe80::1%eth0]:2181"]
)
def test_hosts_that_can_be(hosts):
    assert complaint(check_hosts, hosts) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "empty path"),
        (" ", "leading/trailing whitespace"),
        ("/a ", "leading/trailing whitespace"),
        ("a", "path must start with /"),
        ("a b", "path must start with /"),
        ("/a b", "whitespace in path"),
        ("/a b//c", "whitespace in path"),
        ("//", "empty path segment"),
        ("/a//b", "empty path segment"),
    ],
)
@pytest.mark.parametrize("operation", ["connect", "watch_service"])
def test_paths_that_cannot_be(path, why, operation):
    said = complaint(check_base_path, path, operation)
    assert said == f"Configuration error: ZooKeeper {operation} invalid base_path: {why}"


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a/b-c.d_e", "/ä"])
def test_paths_that_can_be(path):
    assert complaint(check_base_path, path) is None


@given(st.text(), st.sampled_from([check_hosts, check_base_path]), OPERATIONS)
def test_nothing_else_is_said(text, check, operation):
    said = complaint(check, text, operation)
    assert said is None or said.startswith(f"Configuration error: ZooKeeper {operation} invalid ")


@pytest.mark.parametrize(
    ("path", "node", "lineage"),
    [("/", "/", []), ("/a", "/a", ["/a"]), ("/a/b/", "/a/b", ["/a", "/a/b"])],
)
def test_a_folder_is_in_folders(path, node, lineage):
    assert (Folder(path).node, list(Folder(path).lineage())) == (node, lineage)


def test_a_job_is_where_the_original_keeps_it():
    assert Folder(job_folder("news")).place(ServiceInfo.listed("ps", 3, "h:1")) == "/monolith/news/ps.3"


@given(st.sets(st.integers(0, 10**6), max_size=9))
def test_names_are_found_by_index(indices):
    folder = Folder("/jobs/")
    names = [folder.place(ServiceInfo.listed("ps", index, "h:1")).rpartition("/")[2] for index in indices]
    others = ["worker.0", "ps", "ps.", "ps.x", "ps.-1", "ps.0.0", "ps.007", "ps.+7", "ps2.1", "lock-ps.1"]
    expected = {index: f"/jobs/ps.{index}" for index in sorted(indices)}
    assert list(folder.found(names + others, "ps").items()) == list(expected.items())


@pytest.mark.parametrize("service_type", ["", "p.s", "p/s", "p\0s", "p\ns"])
def test_a_type_must_be_told_from_an_index(service_type):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        Folder("/jobs").place(ServiceInfo.listed(service_type, 0, "h:1"))
    assert repr(service_type) in str(caught.value)


@pytest.mark.parametrize("index", [{}, {"index": "x"}])
def test_a_node_needs_an_index(index):
    with pytest.raises(DiscoveryMisconfigured, match=r"^Configuration error: ps-x has no usable index"):
        Folder("/jobs").place(ServiceInfo("ps-x", "ps-x", "ps", "h", 1, index))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(b"", '""'), (b"h", '"h"'), (b"h:x", '"h:x"'), (b"h:1:2", '"h:1:2"'), (b"\xff:1", '"�:1"')],
)
def test_a_value_must_be_an_address(value, shown):
    with pytest.raises(BackendFailed) as caught:
        listed("ps", 0, "/jobs/ps.0", Node(value, 0, 0))
    assert str(caught.value) == f"Internal error: ZK node /jobs/ps.0 holds {shown}, which is not host:port"
