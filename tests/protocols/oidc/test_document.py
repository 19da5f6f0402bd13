"""JSON objects, and addresses that may be followed."""

import pytest

from prober.exchange import Auth
from prober.protocols.oidc import document, status
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import ERROR, outcomes, said


def test_a_document_is_anybodys_to_ask_for() -> None:
    """As JSON."""
    call = document.ask("https://login.example.test/x")
    assert (call.method, call.auth, dict(call.headers)) == ("GET", Auth.NONE, {"Accept": "application/json"})


def test_an_object_is_read() -> None:
    """And nothing else."""
    assert document.read(said({"a": 1}), status.KEYS_BROKEN) == {"a": 1}
    for body in (b"", b"<html>", b"\xff", b"[1]", b'"x"', b"null"):
        assert refused(lambda reply: document.read(reply, status.KEYS_BROKEN), said(body)).kind is status.KEYS_BROKEN
    assert refused(lambda reply: document.read(reply, status.KEYS_BROKEN), said(ERROR, 400)).kind.code == "aadsts_90002"


@pytest.mark.parametrize("address", ["https://a.test", "https://a.test:8443/x?y=%20", "https://127.0.0.1/"])
def test_an_address_over_tls_is_one(address: str) -> None:
    """With a port, too."""
    assert document.is_https(address)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, [], "", "http://a.test/", "https://", "https:///x", "https://[a", "https://a.test:99999/"),
        *("https://a b/", "https://u:p@a.test/", "https://\u00e4.test/", "https://a.test/\x00", "//a.test/"),
    ],
)
def test_anything_else_is_none(value: object) -> None:
    """Least of all one with a password in it."""
    assert not document.is_https(value)


def test_any_bytes_are_read_or_refused() -> None:
    """Never a traceback."""
    found = outcomes(lambda reply: document.read(reply, status.KEYS_BROKEN), b'{"a": [1, 2.5, null], "b": "c"}')
    assert found == {"read", "signing_keys_broken"}
