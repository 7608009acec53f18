"""A service, told to the catalogue and found in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import LookupMalformed
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul_entries import META_LENGTH, Owner, services

ME = Owner("job", "me", 30.0)
TEXT = st.text(max_size=700)


def listed(told, created=1, **changed):
    """An entry as the catalogue has it."""
    service = {**told, "Service": told["Name"], "CreateIndex": created, **changed}
    return {"Node": {"Address": "127.0.0.1"}, "Service": service}


def by_hand(*tags, **changed):
    """One that something else has registered."""
    told = {"ID": "theirs", "Name": "job", "Tags": ["name:ps", *tags], "Address": "10.0.0.1", "Port": 1}
    return listed(told, Meta=None, **changed)


@given(st.dictionaries(TEXT, TEXT, max_size=4), TEXT, TEXT, st.integers(0, 10**6))
def test_all_comes_back(more, service_id, name, index):
    told = {**more, "addr": "[::1]:50051", "index": str(index)}
    info = ServiceInfo(service_id or "id", name or "name", "ps", "::1", 50051, told)
    registration = ME.registration(info, now=12.5)
    assert max(map(len, registration["Meta"].values())) <= max(META_LENGTH, len(info.id), len(info.name))
    (found,) = services([listed(registration)], "ps")
    assert (found, found.registered_at) == (info, 12.5)


def test_ids_of_two_jobs_are_apart():
    infos = [Owner(job, "me", None).service_id(i) for job, i in [("a", "b:c"), ("a:b", "c"), ("a/b", "c")]]
    assert len(set(infos)) == 3
    assert not any(char in text for text in infos for char in "/ ?#")


@pytest.mark.parametrize(
    ("entry", "metadata"),
    [
        (by_hand("index:3"), {"addr": "10.0.0.1:1", "index": "3"}),
        (by_hand("index:x"), {"addr": "10.0.0.1:1", "index": "x"}),
        (by_hand("index:"), {"addr": "10.0.0.1:1"}),
        (by_hand(), {"addr": "10.0.0.1:1"}),
        (by_hand(Address=""), {"addr": "127.0.0.1:1"}),
    ],
)
def test_what_others_registered_is_found(entry, metadata):
    (info,) = services([entry], "ps")
    assert (info.id, info.name, dict(info.metadata)) == ("theirs", "theirs", metadata)


def test_types_differ_in_case():
    assert services([by_hand()], "PS") == []


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_agents_the_later_counts(order):
    """One that moved to another machine stays with the first agent until it is missed."""
    both = [by_hand(Address=f"10.0.0.{at}", created=at) for at in (7, 8)]
    assert [info.host for info in services(both[::order], "ps")] == ["10.0.0.8"]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"Port": 0}, "missing Port"),
        ({"Port": None}, "missing Port"),
        ({"Port": 70000}, "missing Port"),
        ({"Address": "not an address"}, "address 'not an address:1' has no usable host"),
        ({"Meta": {"metadata-0": "{"}}, r"invalid metadata \(.*\)"),
        ({"Meta": {"metadata-0": "[]"}}, r"invalid metadata \(no object\)"),
    ],
)
def test_an_entry_that_is_none_is_named(changed, what):
    bad = by_hand()
    bad["Service"] |= changed
    with pytest.raises(LookupMalformed, match=f"^Malformed consul lookup response at entry 1: {what}"):
        services([by_hand(), bad], "ps")
