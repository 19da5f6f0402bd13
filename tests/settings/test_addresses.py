"""What people write as URL, host or address is taken or refused, with a message that fits behind its place."""

import pytest

from prober.settings.addresses import (
    MAIL,
    WEB,
    direct_trouble,
    is_host,
    mailbox_trouble,
    name_server_trouble,
    proxy_trouble,
    url_trouble,
)


@pytest.mark.parametrize(
    ("text", "schemes"),
    [
        ("https://mail.corp.example/Microsoft-Server-ActiveSync", WEB),
        ("http://127.0.0.1:8080/?a=b", WEB),
        ("https://[2001:db8::1]:8443/", WEB),
        ("https://grüße.example/", WEB),
        ("imaps://mail.corp.example", MAIL),
        ("imap://mail.corp.example:143", MAIL),
    ],
)
def test_a_url_of_the_right_scheme_is_taken(text: str, schemes: tuple[str, ...]) -> None:
    assert url_trouble(text, schemes) == ""


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("mail.corp.example", "must be a URL such as https://host/"),
        ("imaps://mail.corp.example", "must be a URL such as https://host/"),
        ("https://", "must be a URL such as https://host/"),
        ("https://h:0/", "must be a URL such as https://host/"),
        ("https://h:65536/", "must be a URL such as https://host/"),
        ("https://[::1/", "must be a URL such as https://host/"),
        ("https://a b/", "must be a URL such as https://host/"),
        ("https://h/a b", "must be a URL such as https://host/"),
        ("https://-h-/", "must be a URL such as https://host/"),
        ("https://user:hunter2@h/", "must not hold a user name or password"),
        ("https://h/#f", "must not have a fragment"),
    ],
)
def test_any_other_url_is_refused_without_being_repeated(text: str, trouble: str) -> None:
    assert url_trouble(text, WEB) == trouble


def test_a_proxy_is_host_and_port_alone() -> None:
    assert proxy_trouble("http://proxy.corp.example:3128") == proxy_trouble("http://proxy:3128/") == ""
    assert proxy_trouble("http://proxy/file.pac") == "must be host and port alone: http://host:port"
    assert proxy_trouble("https://proxy:3128") == "must be a URL such as http://host/"


@pytest.mark.parametrize("text", ["h", "a.b", "a.b.", "mail-1.corp.example", "_x.y", "192.0.2.1", "x" * 63])
def test_a_host_name_is_taken(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize("text", ["", ".", "a..b", "-a", "a-", "a b", "a/b", "a:1", "a@b", "x" * 64, "a." * 127 + "b"])
def test_what_no_host_is_called_is_refused(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize("text", ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:53"])
def test_a_name_server_is_an_address_with_or_without_port(text: str) -> None:
    assert name_server_trouble(text) == ""


@pytest.mark.parametrize("text", ["dns.corp.example", "192.0.2.53:", "[2001:db8::53]", "[192.0.2.53", "", "1.2.3"])
def test_a_name_server_cannot_be_a_name(text: str) -> None:
    assert name_server_trouble(text).startswith("is not the address of a name server")


def test_a_name_server_has_a_real_port() -> None:
    assert name_server_trouble("192.0.2.53:0") == name_server_trouble("[::1]:65536") == "has no valid port"


def test_what_goes_past_the_proxy_is_a_host_a_suffix_an_address_or_everything() -> None:
    for good in ("localhost", ".corp.example", "192.0.2.1", "2001:db8::1", "*"):
        assert direct_trouble(good) == ""
    for bad in ("*.corp.example", "192.0.2.0/24", "host:80", "", "https://h"):
        assert direct_trouble(bad) != ""


def test_a_mailbox_has_a_name_and_a_domain() -> None:
    for good in ("probe@corp.example", "a+b'c@x.y", "grüße@example.com"):
        assert mailbox_trouble(good) == ""
    for bad in ("probe", "@x", "a@", "a b@x", "a@@b", "a@b@c", "a@b\r\nc", "x" * 65 + "@y"):
        assert mailbox_trouble(bad) == "must be an address: name@domain"
