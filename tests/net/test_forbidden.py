"""Addresses where no server of anybody's mail can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.net.forbidden import is_forbidden


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "100.100.100.200"),
        *("168.63.129.16", "192.0.0.192", "::", "fe80::1", "fe80::1%eth0", "febf::1", "ff02::1", "fd00:ec2::254"),
        *("fd20:ce::254", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    ],
)
def test_these_are(host: str) -> None:
    """In whatever clothes."""
    assert is_forbidden(host)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "52.97.1.1", "2603:1026::1"),
        *("fd12:3456::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "mail.corp.example", "169.254.169.254.nip.example", ""),
    ],
)
def test_these_are_not(host: str) -> None:
    """Servers of one's own, proxies and tunnels are there; names are looked at when they have been resolved."""
    assert not is_forbidden(host)


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    assert is_forbidden(text) in (True, False)
