"""URLs, taken apart."""

import pytest

from prober.net.origin import Origin, split_url


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://mail.test", Origin("https", "mail.test", 443), "/"),
        ("https://Mail.Test:8443/a?b=c", Origin("https", "mail.test", 8443), "/a?b=c"),
        ("http://mail.test/", Origin("http", "mail.test", 80), "/"),
        ("https://mail.test/?Cmd=Sync&User=a%40b", Origin("https", "mail.test", 443), "/?Cmd=Sync&User=a%40b"),
        ("https://mail.test/a%2Fb/../c#part", Origin("https", "mail.test", 443), "/a%2Fb/../c"),
        ("https://[2001:db8::1]/x", Origin("https", "2001:db8::1", 443), "/x"),
        ("imaps://mail.test", Origin("imaps", "mail.test", 993), "/"),
        ("imap://127.0.0.1:1143", Origin("imap", "127.0.0.1", 1143), "/"),
        ("https://bücher.test/", Origin("https", "xn--bcher-kva.test", 443), "/"),
    ],
)
def test_a_url_gives_its_origin_and_its_target_as_written(url: str, origin: Origin, target: str) -> None:
    """Path and query are not touched: servers compare them byte by byte."""
    assert split_url(url) == (origin, target)


@pytest.mark.parametrize("url", ["", "mail.test", "ftp://mail.test/", "https:///path", "https://mail.test:x/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """Better here than on the wire."""
    with pytest.raises(ValueError, match=r"."):
        split_url(url)


@pytest.mark.parametrize(
    ("origin", "authority", "host_field"),
    [
        (Origin("https", "mail.test", 443), "mail.test:443", "mail.test"),
        (Origin("https", "mail.test", 8443), "mail.test:8443", "mail.test:8443"),
        (Origin("http", "mail.test", 443), "mail.test:443", "mail.test:443"),
        (Origin("https", "::1", 443), "[::1]:443", "[::1]"),
    ],
)
def test_hosts_are_said_as_the_specification_writes_them(origin: Origin, authority: str, host_field: str) -> None:
    """CONNECT always names the port (RFC 9110 9.3.6), Host leaves the usual one out (7.2)."""
    assert (origin.authority, origin.host_field) == (authority, host_field)


def test_only_two_schemes_begin_with_tls() -> None:
    """`imap` is upgraded later, `http` never."""
    assert [scheme for scheme in ("http", "https", "imap", "imaps") if Origin(scheme, "a", 1).secure] == [
        "https",
        "imaps",
    ]
