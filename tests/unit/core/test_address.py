"""host:port in one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError

HOSTS = st.sampled_from(["localhost", "127.0.0.1", "ps-0.job.svc", "::1", "fe80::1%eth0"])


@given(HOSTS, st.integers(0, 65535))
def test_what_is_printed_is_read_back(host, port):
    assert parse_address(str(Address(host, port))) == (host, port)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("localhost", "has no port"),
        ("", "has no port"),
        ("localhost:", "has port ''"),
        ("localhost:http", "has port 'http'"),
        ("localhost:65536", "has port '65536'"),
        ("localhost:-1", "has port '-1'"),
        ("localhost:" + "9" * 5000, "not in 0..65535"),
        (":80", "no usable host"),
        ("[]:80", "no usable host"),
        ("a b:80", "no usable host"),
        ("http://a:80", "no usable host"),
        ("[::1:80", "no usable host"),
        ("::1:80", "without brackets"),
    ],
)
def test_a_bad_address_is_told_in_one_sentence(text, said):
    with pytest.raises(ConfigError) as caught:
        parse_address(text, what="--bind-addr")
    assert str(caught.value).startswith(f"--bind-addr {text!r} has")
    assert said in str(caught.value)
    assert str(caught.value).endswith("write host:port, as in 127.0.0.1:50051 or [::1]:50051")


@pytest.mark.parametrize(
    ("text", "everywhere"),
    [("0.0.0.0:1", True), ("[::]:1", True), ("127.0.0.1:1", False), ("[::1]:1", False), ("ps-0:1", False)],
)
def test_everywhere_is_no_address_to_call(text, everywhere):
    assert parse_address(text).everywhere is everywhere
