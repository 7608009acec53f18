"""What proves to ZooKeeper who we are."""

import pytest

from monolith.discovery.credentials import get_zk_auth_data


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"ZK_AUTH": " \t\n"}, None),
        ({"ZK_AUTH": " user:pass word \n"}, [("digest", "user:pass word")]),
    ],
)
def test_the_variable_is_the_credential(environ, expected, capfd):
    assert get_zk_auth_data(environ) == expected
    assert capfd.readouterr() == ("", "")
