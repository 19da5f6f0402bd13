"""Dovecot does what the tests rely on, as seen by the standard library's client."""

import contextlib
import imaplib
import io
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.servers.dovecot import ALICE, BOB, CAROL, PASSWORDS, Dovecot, Introspection, Options
from tests.servers.fixtures import StartDovecot
from tests.servers.oauth_server import OAuthServer
from tests.servers.pki import Pki
from tests.servers.ports import HOST

Sasl = Callable[[bytes], bytes]


def trusting(pki: Pki) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pki.ca_file))


def token(oauth: OAuthServer, pki: Pki) -> str:
    """Fetch Alice's token as an application does."""
    form = {"grant_type": "client_credentials", "scope": "https://outlook.office365.com/.default"}
    answer = requests.post(
        oauth.token_url, data=form, auth=("prober", "prober-secret"), verify=str(pki.ca_file), timeout=10
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def xoauth2(user: str, bearer: str) -> Sasl:
    """Return what answers the challenge of XOAUTH2; a second one, which carries the error, gets an empty line."""
    answers = iter([f"user={user}\x01auth=Bearer {bearer}\x01\x01".encode(), b""])
    return lambda _challenge: next(answers)


def oauthbearer(user: str, bearer: str) -> Sasl:
    """Return what answers the challenge of OAUTHBEARER (RFC 7628)."""
    answers = iter([f"n,a={user},\x01auth=Bearer {bearer}\x01\x01".encode(), b"\x01"])
    return lambda _challenge: next(answers)


def client_of(server: Dovecot) -> imaplib.IMAP4:
    """Connect to the port in clear."""
    return imaplib.IMAP4(HOST, server.imap_port, timeout=10)


def refused(code: str) -> contextlib.AbstractContextManager[object]:
    """Expect a NO with this response code."""
    return pytest.raises(imaplib.IMAP4.error, match=code)


@contextlib.contextmanager
def conversation(server: Dovecot, source: str = HOST) -> Iterator[io.BufferedRWPair]:
    """Give a conversation in clear from `source`, up to and including the server's greeting."""
    place = (HOST, server.imap_port)
    with socket.create_connection(place, 10, (source, 0)) as connection, connection.makefile("rwb") as lines:
        read_until(lines, rb"\* OK")
        yield lines


@contextlib.contextmanager
def session(server: Dovecot, user: str) -> Iterator[io.BufferedRWPair]:
    """Give a conversation in which `user` has signed in."""
    with conversation(server) as lines:
        login(lines, user)
        read_until(lines, rb"a1 OK")
        yield lines


def login(lines: io.BufferedRWPair, user: str) -> None:
    """Send the first command: user and password."""
    lines.write(f"a1 LOGIN {user} {PASSWORDS[user]}\r\n".encode())
    lines.flush()


def read_until(lines: io.BufferedRWPair, pattern: bytes) -> None:
    """Read lines until one begins with `pattern`."""
    while line := lines.readline():
        if re.match(pattern, line):
            return
    raise AssertionError(f"{pattern!r} never came")


def test_a_password_signs_in_over_implicit_tls(dovecot: Dovecot, pki: Pki) -> None:
    """The certificate is for localhost, and special-use mailboxes are there."""
    with imaplib.IMAP4_SSL("localhost", dovecot.imaps_port, ssl_context=trusting(pki), timeout=10) as client:
        client.login(ALICE, PASSWORDS[ALICE])
        _, mailboxes = client.list()
    listed = b"\n".join(line for line in mailboxes if isinstance(line, bytes))
    assert rb"\Sent" in listed


def test_a_password_signs_in_after_starttls(dovecot: Dovecot, pki: Pki) -> None:
    """On the port in clear."""
    with imaplib.IMAP4("localhost", dovecot.imap_port, timeout=10) as client:
        client.starttls(trusting(pki))
        assert client.login(ALICE, PASSWORDS[ALICE])[0] == "OK"


def test_a_wrong_password_is_refused_at_once(dovecot: Dovecot) -> None:
    """With the code that says so."""
    with client_of(dovecot) as client, refused("AUTHENTICATIONFAILED"):
        client.login(ALICE, "wrong")


@pytest.mark.parametrize(("mechanism", "sasl"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
def test_a_fetched_token_signs_in(
    dovecot: Dovecot, oauth: OAuthServer, pki: Pki, mechanism: str, sasl: Callable[[str, str], Sasl]
) -> None:
    """By both mechanisms, checked by the server's public key alone."""
    with client_of(dovecot) as client:
        assert client.authenticate(mechanism, sasl(ALICE, token(oauth, pki)))[0] == "OK"


@pytest.mark.parametrize(
    ("shape", "logged"),
    [
        ({"claims": {"exp": 1_700_000_000}}, "Token has expired"),
        ({"claims": {"iss": "https://elsewhere.test/"}}, "is not allowed"),
        ({"claims": {"scope": "EAS.AccessAsUser.All"}}, "missing"),
        ({"claims": {"email": BOB}}, "did not match"),
        ({"malformed": "not-a-token"}, "Not a JWT token"),
        ({"typ": "at+jwt"}, "Cannot find 'typ' field"),
    ],
)
def test_each_bad_token_is_refused_for_its_own_reason(
    dovecot: Dovecot, oauth: OAuthServer, pki: Pki, shape: dict[str, object], logged: str
) -> None:
    """The client hears one answer; the log says why."""
    before = len(dovecot.log)
    with oauth.issuing(**shape):
        bad = token(oauth, pki)
    with client_of(dovecot) as client, refused("AUTHENTICATIONFAILED"):
        client.authenticate("XOAUTH2", xoauth2(ALICE, bad))
    assert logged in dovecot.log[before:]


def test_introspection_tells_a_bad_token_from_a_broken_token_service(
    start_dovecot: StartDovecot, oauth: OAuthServer, pki: Pki
) -> None:
    """Dovecot asks over TLS; a token service that is away gives UNAVAILABLE, not AUTHENTICATIONFAILED."""
    server = start_dovecot(Options(pki.right, Introspection(oauth.introspection_url, pki.ca_file)))
    good = token(oauth, pki)
    with client_of(server) as client:
        assert client.authenticate("XOAUTH2", xoauth2(ALICE, good))[0] == "OK"
    with client_of(server) as client, refused("AUTHENTICATIONFAILED"):
        client.authenticate("XOAUTH2", xoauth2(ALICE, "unheard-of"))
    with oauth.answering(500, "Oops"), client_of(server) as client, refused("UNAVAILABLE"):
        client.authenticate("XOAUTH2", xoauth2(ALICE, good))


def test_a_delivered_message_wakes_idle_and_a_kick_ends_it(dovecot: Dovecot) -> None:
    """As the standard library has no IDLE, by hand."""
    with session(dovecot, CAROL) as lines:
        lines.write(b"a2 EXAMINE INBOX\r\na3 IDLE\r\n")
        lines.flush()
        read_until(lines, rb"\+ ")
        dovecot.deliver(CAROL, "wake up")
        read_until(lines, rb"\* \d+ EXISTS")
        dovecot.kick(CAROL)
        read_until(lines, rb"\* BYE")
        assert lines.read() == b""


def test_one_user_has_a_limited_number_of_connections(start_dovecot: StartDovecot, pki: Pki) -> None:
    """The next one gets LIMIT."""
    server = start_dovecot(Options(pki.right, connections=1))
    with session(server, ALICE), conversation(server) as second:
        login(second, ALICE)
        read_until(second, rb"a1 NO \[LIMIT\]")


def test_a_frozen_server_accepts_and_says_nothing_until_thawed(start_dovecot: StartDovecot, pki: Pki) -> None:
    """The greeting comes only afterwards."""
    server = start_dovecot(Options(pki.right))
    with socket.create_connection((HOST, server.imap_port), timeout=0.2) as second:
        assert second.recv(4) == b"* OK"
    with server.frozen():
        frozen = socket.create_connection((HOST, server.imap_port), timeout=0.2)
        with pytest.raises(TimeoutError):
            frozen.recv(1)
    with frozen:
        frozen.settimeout(10)
        assert frozen.recv(4) == b"* OK"


def test_a_stopped_server_refuses_and_comes_back_with_its_mail(start_dovecot: StartDovecot, pki: Pki) -> None:
    """On the same ports."""
    server = start_dovecot(Options(pki.right))
    server.deliver(BOB, "kept")
    with server.down(), pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, server.imap_port), timeout=1)
    with client_of(server) as client:
        client.login(BOB, PASSWORDS[BOB])
        assert client.select("INBOX", readonly=True)[1] == [b"1"]


def test_a_password_in_clear_from_elsewhere_is_refused_where_tls_is_required(
    start_dovecot: StartDovecot, pki: Pki
) -> None:
    """Equal addresses count as secure; another address of this machine does not."""
    server = start_dovecot(Options(pki.right, tls="required"))
    with conversation(server, source="127.0.0.2") as lines:
        login(lines, ALICE)
        read_until(lines, rb"a1 NO \[PRIVACYREQUIRED\]")


@pytest.mark.parametrize(
    ("name", "error"), [("wrong_name", 62), ("expired", 10), ("not_yet_valid", 9), ("unknown_ca", 20)]
)
def test_each_certificate_is_served_as_chosen(start_dovecot: StartDovecot, pki: Pki, name: str, error: int) -> None:
    """OpenSSL's client names the fault, over implicit TLS and after STARTTLS."""
    server = start_dovecot(Options(getattr(pki, name)))
    for place in ((server.imaps_port,), (server.imap_port, "-starttls", "imap")):
        port, *options = place
        command = ["openssl", "s_client", "-connect", f"{HOST}:{port}", *map(str, options)]
        trust = ["-CAfile", str(pki.ca_file), "-verify_hostname", "localhost", "-verify_return_error"]
        done = subprocess.run([*command, *trust], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert re.findall(r"verify error:num=(\d+)", done.stderr)[:1] == [str(error)]
