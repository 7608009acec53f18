"""Peers in one form, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.endpoint import Endpoint, parse_endpoint

SAME = {
    "http://h:80": ["h", "h/", "h:80", "http://h", "http://h/", "HTTP://H:80", "HtTp://h"],
    "https://h:443": ["https://h", "https://h:443", "https://h/", "HTTPS://H"],
    "http://example.com:8500": ["EXAMPLE.com:8500", "HtTp://example.COM:8500", "http://example.com:8500/"],
    "http://[::1]:8500": ["[::1]:8500", "http://[::1]:8500/"],
    "https://h:80": ["https://h:80"],
}
REFUSED = {
    "endpoint scheme must be http or https": ["ftp://h:1", "grpc://h", "://h"],
    "invalid URI": [
        "",
        "http://",
        "http:///",
        "a:b:c",
        "::1",
        "[::1",
        "::1]",
        "[[::1]]",
        "h h:1",
        "h%41:1",
        "u@",
    ],
    "endpoint must not include a URL path or query": ["h:1/v1", "h:1?a=b", "http://h:1/v1?foo=bar", "h/?"],
    "endpoint must not include userinfo": ["u@h:1", "http://user@h", "http://user:secret@h:1"],
    "endpoint must not include a fragment": ["h:1#top"],
    "endpoint is missing host:port authority": [":8500", "http://:8500", "[]:1"],
    "endpoint has port '65536', which is not in 0..65535": ["h:65536"],
    "endpoint has port '', which is not in 0..65535": ["h:"],
    "endpoint has port 'abc', which is not in 0..65535": ["h:abc"],
}


@pytest.mark.parametrize(("text", "peer"), [(text, peer) for peer, texts in SAME.items() for text in texts])
def test_one_peer_has_one_form(text, peer):
    assert str(parse_endpoint(text)) == peer


@pytest.mark.parametrize(("text", "why"), [(text, why) for why, texts in REFUSED.items() for text in texts])
def test_what_is_no_peer_is_told(text, why):
    assert parse_endpoint(text) == why


@given(st.text(st.sampled_from("htps:/@[]#?%.1 ")))
def test_canonical_forms_stay(text):
    parsed = parse_endpoint(text)
    assert isinstance(parsed, str) or parse_endpoint(str(parsed)) == parsed


def test_schemes_part_peers():
    assert parse_endpoint("http://h:1") != parse_endpoint("https://h:1") == Endpoint("https", "h", 1)
