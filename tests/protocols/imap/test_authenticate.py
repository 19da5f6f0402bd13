"""Signing in, byte for byte, and what error challenges tell."""

import base64
import imaplib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import Fault, Kind
from prober.protocols.imap import status as kinds
from prober.protocols.imap.authenticate import (
    Authenticate,
    Login,
    LoginMechanism,
    Mechanism,
    OAuthBearer,
    Plain,
    XOAuth2,
    challenge,
    non_synchronizing,
    sasl_status,
)
from prober.protocols.imap.commands import Answer
from prober.protocols.imap.responses import Condition, Continuation, Status
from prober.secret import Secret

TOKEN = Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
MECHANISMS: list[tuple[Mechanism, tuple[bytes, ...], bytes]] = [
    # The example of RFC 4616 section 4, with an empty authorisation identity.
    (Plain("tim", Secret("tanstaaftanstaaf")), (b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm",), b"*"),
    (LoginMechanism("tim", Secret("tanstaaftanstaaf")), (b"dGlt", b"dGFuc3RhYWZ0YW5zdGFhZg=="), b"*"),
    # The published example of the XOAUTH2 mechanism.
    (
        XOAuth2("someuser@example.com", TOKEN),
        (
            (
                b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0"
                b"Q2cBAQ=="
            ),
        ),
        b"",
    ),
    # RFC 7628 section 4.1.
    (
        OAuthBearer(
            "user@example.com", Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="), "server.example.com", 143
        ),
        (
            (
                b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52"
                b"YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
            ),
        ),
        b"AQ==",
    ),
]


@pytest.mark.parametrize(("mechanism", "messages", "after_error"), MECHANISMS)
def test_messages_are_those_of_the_published_examples(
    mechanism: Mechanism, messages: tuple[bytes, ...], after_error: bytes
) -> None:
    """With SASL-IR the first message is on the command line, without it each waits to be asked for."""
    start = b"AUTHENTICATE " + mechanism.name.encode()
    first, *rest = messages
    with_ir = (start + b" " + first, *rest) if mechanism.initial else (start, *messages)
    assert Authenticate(mechanism, initial_response=True).segments() == with_ir
    assert Authenticate(mechanism, initial_response=False).segments() == (start, *messages)
    assert Authenticate(mechanism, initial_response=True).respond(Continuation(b"")) == after_error


def test_a_user_name_is_escaped_in_the_gs2_header() -> None:
    """RFC 5801 section 4 `saslname`: comma and equals sign."""
    message = OAuthBearer("a=b,c", Secret("t"), "h", 993).messages()[0]
    assert message == b"n,a=a=3Db=2Cc,\x01host=h\x01port=993\x01auth=Bearer t\x01\x01"


LOGINS: list[tuple[str, str, int, tuple[bytes, ...]]] = [
    ("alice", "secret", 0, (b'LOGIN "alice" "secret"',)),
    ("CORP\\alice", 'a"b', 0, (b'LOGIN "CORP\\\\alice" "a\\"b"',)),
    ("alice", "", 0, (b'LOGIN "alice" ""',)),
    ("alice", "pässe", 0, (b'LOGIN "alice" {6}', "pässe".encode())),
    ("alice", "pässe", 4096, (b'LOGIN "alice" {6+}\r\n' + "pässe".encode(),)),
    ("älice", "pässe", 0, (b"LOGIN {6}", "älice".encode() + b" {6}", "pässe".encode())),
    ("älice", "plain", 6, (b"LOGIN {6+}\r\n" + "älice".encode() + b' "plain"',)),
    ("älice", "pässee", 6, (b"LOGIN {6+}\r\n" + "älice".encode() + b" {7}", "pässee".encode())),
    ("alice", "a\r\nA9 LOGOUT", 0, (b'LOGIN "alice" {12}', b"a\r\nA9 LOGOUT")),
]


@pytest.mark.parametrize(("username", "password", "longest", "segments"), LOGINS)
def test_login_quotes_what_it_can_and_sends_literals_for_the_rest(
    username: str, password: str, longest: int, segments: tuple[bytes, ...]
) -> None:
    """A literal waits for the server, unless it may go without (RFC 7888)."""
    assert Login(username, Secret(password), longest).segments() == segments


def test_the_standard_library_quotes_the_same_way() -> None:
    """`imaplib` escapes a password as we do."""
    quote: Callable[[str], str] = imaplib.IMAP4._quote.__get__(object())  # type: ignore[attr-defined]  # private, independent
    password = 'with "quotes" and \\backslashes\\'
    assert Login("u", Secret(password)).segments()[0].endswith(quote(password).encode())


def test_literals_go_unasked_only_as_far_as_offered() -> None:
    """LITERAL+ has no bound, LITERAL- one of 4096 bytes."""
    assert non_synchronizing(frozenset({"LITERAL+", "LITERAL-"})) > 4096
    assert non_synchronizing(frozenset({"LITERAL-"})) == 4096
    assert non_synchronizing(frozenset({"IMAP4REV1"})) == 0


def test_no_secret_and_no_name_is_printed() -> None:
    """Neither `repr` nor `str` of anything here gives a secret or an address away."""
    secret = Secret("hunter2")
    mechanisms: tuple[Mechanism, ...] = (
        Plain("alice", secret),
        LoginMechanism("alice", secret),
        XOAuth2("alice", secret),
        OAuthBearer("alice", secret, "h", 1),
    )
    for one in (*mechanisms, *(Authenticate(one, initial_response=True) for one in mechanisms), Login("alice", secret)):
        assert "hunter2" not in f"{one!r} {one}"
        assert "alice" not in f"{one!r} {one}"


def refusal(json: bytes, kind: Kind = kinds.AUTHENTICATION_FAILED, *, asked: int = 0) -> Fault:
    """Return what a refusal becomes after an error challenge; `asked`: prompts for ordinary messages before it."""
    command = Authenticate(XOAuth2("alice", TOKEN), initial_response=asked == 0)
    prompts = (*(Continuation(b""),) * asked, Continuation(base64.b64encode(json)))
    answer = Answer(Status("A1", Condition.NO), (), prompts)
    return command.refused(answer, Fault(kind, {"condition": "NO"}))


@pytest.mark.parametrize("asked", [0, 1])
def test_the_status_of_the_error_challenge_is_evidence(asked: int) -> None:
    """The status and nothing else: schemes, scope and addresses stay out."""
    fault = refusal(b'{"status":"401","schemes":"bearer","scope":"mail","user":"alice"}', asked=asked)
    assert fault.kind is kinds.AUTHENTICATION_FAILED
    assert fault.evidence == {"condition": "NO", "sasl_status": "401"}


def test_a_challenge_that_tells_of_the_servers_own_error_is_no_refusal_of_ours() -> None:
    """A status of 5xx or the front end's diagnostic 2000007."""
    assert refusal(b'{"status":"503"}').kind is kinds.AUTHENTICATION_ERROR
    assert refusal(b'{"status":"401","d":"2000007;reason=\\"internal error\\""}').kind is kinds.AUTHENTICATION_ERROR
    assert refusal(b'{"status":"503"}', kinds.UNAVAILABLE).kind is kinds.UNAVAILABLE


@pytest.mark.parametrize(
    "json", [b"", b"null", b"[]", b'{"status":{}}', b'{"status":"not a word!"}', b"[" * 9999, b"\xff", b"{"]
)
def test_a_challenge_that_says_nothing_changes_nothing(json: bytes) -> None:
    """Any garbage in its place leaves the refusal as it was."""
    assert refusal(json) == Fault(kinds.AUTHENTICATION_FAILED, {"condition": "NO"})


def test_an_ordinary_prompt_is_no_error_challenge() -> None:
    """Without SASL-IR the first `+` only asks for the message."""
    command = Authenticate(XOAuth2("alice", TOKEN), initial_response=False)
    answer = Answer(Status("A1", Condition.NO), (), (Continuation(base64.b64encode(b'{"status":"503"}')),))
    assert command.refused(answer, Fault(kinds.AUTHENTICATION_FAILED)).kind is kinds.AUTHENTICATION_FAILED


@given(st.binary(max_size=100))
def test_no_challenge_breaks_the_reader(data: bytes) -> None:
    """Any bytes, in base64 or not, give a text."""
    assert len(sasl_status(challenge(data)) + sasl_status(challenge(base64.b64encode(data)))) <= 64
