"""What a process tells about itself."""

import pytest

from monolith.core.address import Address
from monolith.core.errors import ConfigError
from monolith.core.names import Role, ServiceId
from monolith.discovery.base import NO_INDEX, ServiceInfo

PS3 = ServiceId(Role.PS, 3)


@pytest.mark.parametrize("address", ["h:1", Address("h", 1)])
def test_a_process_makes_itself_known(address):
    told = {"addr": "h:1", "index": "3", "allow_update": "true"}
    assert ServiceInfo.of(PS3, "my_ps", address, allow_update="true") == ServiceInfo(
        "ps-3", "ps-3", "my_ps", "h", 1, told
    )


def test_one_of_a_list_is_named_for_its_type():
    told = {"addr": "h:1", "index": "3"}
    assert ServiceInfo.listed("my_ps", 3, "h:1") == ServiceInfo("my_ps-3", "my_ps-3", "my_ps", "h", 1, told)


@pytest.mark.parametrize("address", ["10.0.0.1:5", "[::1]:5", "name:0"])
def test_the_address_is_as_it_was_given(address):
    assert ServiceInfo.of(PS3, "ps", address).address == address


def test_no_address_is_refused():
    with pytest.raises(ConfigError, match="has no port"):
        ServiceInfo.of(PS3, "ps", "h")


def test_nothing_can_be_changed():
    metadata = {"index": "0"}
    info = ServiceInfo("ps-0", "ps-0", "ps", "h", 1, metadata)
    metadata["index"] = "1"
    assert info.index == 0
    with pytest.raises(TypeError):
        info.metadata["index"] = "1"
    assert hash(info) == hash(ServiceInfo("ps-0", "ps-0", "ps", "h", 1, {"index": "0"}))


@pytest.mark.parametrize(
    ("metadata", "index"),
    [({}, None), ({"index": "0"}, 0), ({"index": "+3"}, 3), ({"index": "007"}, 7), ({"index": 2}, 2)]
    + [
        ({"index": bad}, NO_INDEX)
        for bad in ("", "+", "-1", " 1", "1 ", "++1", "1.0", "one", "٣", "9" * 5000)
    ],
)
def test_an_index_is_read_from(metadata, index):
    assert ServiceInfo("ps-x", "ps-x", "ps", "h", 1, metadata).index == index


def test_when_it_registered_is_no_part_of_it():
    first, second = (ServiceInfo("ps-0", "ps-0", "ps", "h", 1, registered_at=at) for at in (None, 1.0))
    assert (first, hash(first)) == (second, hash(second))
