"""What may be written where a Consul agent's address is asked for."""

import pytest

from monolith.core.errors import DiscoveryMisconfigured
from monolith.discovery.consul_address import base_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("", "http://127.0.0.1:8500"),
        ("consul", "http://consul"),
        ("consul:8500", "http://consul:8500"),
        ("HTTPS://consul:8501/", "https://consul:8501"),
        ("http://[::1]:8500", "http://[::1]:8500"),
        ("[::1]", "http://[::1]"),
    ],
)
def test_an_address_is_a_url(address, url):
    assert base_url(address) == url


@pytest.mark.parametrize("operation", ["connect", "register_entity", "watch_service"])
@pytest.mark.parametrize(
    ("address", "why"),
    [
        (" consul:8500", "leading/trailing whitespace"),
        ("consul:8500\n", "leading/trailing whitespace"),
        (" ", "leading/trailing whitespace"),
        ("ftp://consul", "invalid scheme"),
        ("://consul", "invalid scheme"),
        ("http://", "empty host"),
        ("http:///v1", "empty host"),
        ("?dc=1", "empty host"),
        ("con sul:8500", "whitespace in authority"),
        ("user:secret@consul:8500", "userinfo in authority"),
        ("consul:8500?dc=1", "query is not allowed"),
        ("consul:8500/?dc=1", "query is not allowed"),
        ("consul:8500#top", "fragment is not allowed"),
        ("consul:8500/v1", "path is not allowed"),
        ("consul:8500//", "path is not allowed"),
        ("http:/consul", "path is not allowed"),
        ("[::1", "invalid IPv6 host"),
        ("[consul]:8500", "invalid IPv6 host"),
        ("[]:8500", "empty host"),
        ("[::1]8500", "invalid authority"),
        ("[::1]:", "invalid port"),
        ("[::1]:65536", "invalid port"),
        ("consul:", "invalid port"),
        ("consul:http", "invalid port"),
        ("consul:65536", "invalid port"),
        ("consul:-1", "invalid port"),
        ("consul:٣", "invalid port"),
        (":8500", "empty host"),
        ("::1:8500", "invalid authority"),
    ],
)
def test_what_is_none_is_told(address, why, operation):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        base_url(address, operation)
    assert str(caught.value) == f"Configuration error: Consul {operation} invalid address: {why}"
