"""The dialogue over a real connection, with clients that know nothing of us."""

import base64
import imaplib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from prober.simulator.imap.entrance import ImapEntrance, Limits
from prober.simulator.imap.protocol import ImapProtocol
from prober.simulator.quotas import OverQuota
from prober.simulator.tokens import GRAPH
from tests.simulator.doorway import ALICE, PASSWORD
from tests.simulator.imap.office import Office, Wire, office


def deliver(desk: Office, *subjects: str) -> None:
    for subject in subjects:
        desk.on_loop(lambda subject=subject: desk.mailbox.deliver(subject))  # type: ignore[misc]  # bound now


def test_the_standard_library_can_do_every_step(desk: Office) -> None:
    """`imaplib`: capability, ID, authenticate, namespace, list, select, fetch, search, store, noop, logout."""
    deliver(desk, "One", "Two")
    with desk.library() as client:
        assert {"AUTH=XOAUTH2", "SASL-IR", "IDLE"} <= set(client.capabilities)
        assert client.xatom("ID", '("name" "Mac OS X Mail")')[0] == "OK"
        assert client.authenticate("XOAUTH2", lambda _: base64.b64decode(desk.response()))[0] == "OK"
        assert b"MOVE" in client.capability()[1][0]
        assert client.namespace() == ("OK", [b'(("" "/")) NIL NIL'])
        assert b'(\\HasNoChildren) "/" INBOX' in client.list()[1]
        assert client.select(readonly=True) == ("OK", [b"2"])
        fetched = client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)")[1]
        assert [imaplib.ParseFlags(line) for line in fetched] == [(), ()]
        assert all(imaplib.Internaldate2tuple(line) for line in fetched)
        fields = client.fetch("2", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
        assert isinstance(fields, tuple)
        assert fields[1] == b"Subject: Two\r\n\r\n"
        assert client.uid("SEARCH", "UNSEEN", "SUBJECT", "Two")[1] == [b"2"]
        assert client.status("INBOX", "(MESSAGES UNSEEN)")[1] == [b"INBOX (MESSAGES 2 UNSEEN 2)"]
        client.select()
        assert client.store("1", "+FLAGS", "(\\Deleted)")[1] == [b"1 (FLAGS (\\Deleted))"]
        assert client.expunge()[1] == [b"1"]
        appended = client.append("Drafts", "(\\Draft)", imaplib.Time2Internaldate(0), b"Subject: Own\r\n\r\nHi\r\n")
        assert appended[0] == "OK"
        assert client.copy("1", "Archive")[0] == "OK"
        deliver(desk, "Three")
        assert client.noop()[0] == "OK"
        assert client.response("EXISTS")[1][-1] == b"2"
        assert client.close()[0] == "OK"
        assert client.logout()[0] == "BYE"


def test_another_library_can_do_every_step(desk: Office) -> None:
    """IMAPClient, with an IDLE that a delivery ends."""
    deliver(desk, "One", "Two")
    with IMAPClient("localhost", desk.port, ssl=True, ssl_context=desk.context) as client:
        assert b"AUTH=XOAUTH2" in client.capabilities()
        client.oauth2_login(ALICE, desk.token())
        assert b"IDLE" in client.capabilities()
        assert client.id_({"name": "x"}) == ((b"name", b"Microsoft.Exchange.Imap4.Imap4Server", b"version", b"15.20"),)
        assert client.namespace().personal == (("", "/"),)
        assert "INBOX" in [name for _, _, name in client.list_folders()]
        assert client.folder_status("INBOX", ["MESSAGES", "UIDNEXT"]) == {b"MESSAGES": 2, b"UIDNEXT": 3}
        chosen = client.select_folder("INBOX", readonly=True)
        assert (chosen[b"EXISTS"], chosen[b"UIDNEXT"], b"READ-ONLY" in chosen) == (2, 3, True)
        fetched = client.fetch(client.search(["SUBJECT", "Two"]), ["ENVELOPE", "FLAGS", "BODYSTRUCTURE", "RFC822.SIZE"])
        assert fetched[2][b"ENVELOPE"].subject == b"Two"
        assert fetched[2][b"BODYSTRUCTURE"][:2] == (b"text", b"plain")
        client.idle()
        deliver(desk, "Three")
        assert client.idle_check(timeout=5) == [(3, b"EXISTS"), (0, b"RECENT")]
        assert client.idle_done() == (b"IDLE completed.", [])
        deliver(desk, "Four")
        assert client.noop() == (b"NOOP completed.", [(4, b"EXISTS"), (0, b"RECENT")])
        client.select_folder("INBOX")
        client.move([1], "Archive")
        assert client.search() == [2, 3, 4]
        assert client.add_flags([2], [b"\\Seen"]) == {2: (b"\\Seen",)}
        client.unselect_folder()
        assert client.logout() == b"Microsoft Exchange Server IMAP4 server signing off."


def test_a_refused_token_is_explained_and_then_refused(desk: Office) -> None:
    """IMAPClient acknowledges the challenge; the tagged line ends it."""
    with IMAPClient("localhost", desk.port, ssl=True, ssl_context=desk.context) as client:
        with pytest.raises(LoginError, match=r"AUTHENTICATE failed\."):
            client.oauth2_login(ALICE, desk.token(GRAPH))
        client.oauth2_login(ALICE, desk.token())


def test_the_greeting_names_the_front_end_in_utf_16(desk: Office) -> None:
    """Base64 of UTF-16LE, another one for each connection in turn."""
    names = []
    for _ in range(2):
        with desk.dial() as wire:
            start, _, rest = wire.line().partition(b"[")
            names.append(base64.b64decode(rest.removesuffix(b"]")).decode("utf-16-le"))
            assert start == b"* OK The Microsoft Exchange IMAP4 service is ready. "
    assert all(name.endswith(".PROD.OUTLOOK.COM") for name in names)
    assert len(set(names)) == 2


def test_a_response_may_come_after_an_empty_challenge(desk: Office) -> None:
    with desk.dial() as wire:
        wire.line()
        wire.send(b"a1 authenticate xoauth2\r\n")
        assert wire.line() == b"+ "
        wire.send(desk.response() + b"\r\n")
        assert wire.line() == b"a1 OK AUTHENTICATE completed."


@contextmanager
def asked(desk: Office) -> Iterator[Wire]:
    with desk.dial() as wire:
        wire.line()
        yield wire


@pytest.mark.parametrize("acknowledgement", [b"", b"*", b"AQ=="])
def test_a_failure_is_a_challenge_that_any_line_acknowledges(desk: Office, acknowledgement: bytes) -> None:
    with asked(desk) as wire:
        wire.send(b"a1 AUTHENTICATE XOAUTH2 " + desk.response(token="no.token.atall") + b"\r\n")
        challenge = wire.line()
        assert challenge.startswith(b"+ ")
        said = json.loads(base64.b64decode(challenge[2:]))
        assert (said["status"], said["schemes"]) == ("401", "bearer")
        wire.send(acknowledgement + b"\r\n")
        assert wire.line() == b"a1 NO AUTHENTICATE failed."
        assert wire.say(b"a2 NOOP") == [b"a2 OK NOOP completed."]


def test_a_token_refused_by_the_weather_carries_the_reason(desk: Office) -> None:
    diag = '2000007;reason="internal error"'
    desk.foretell("authenticate", "bearer_401", diag=diag)
    with asked(desk) as wire:
        wire.send(b"a1 AUTHENTICATE XOAUTH2 " + desk.response() + b"\r\n")
        assert json.loads(base64.b64decode(wire.line()[2:]))["diagnostics"] == diag
        wire.send(b"\r\n")
        assert wire.line() == b"a1 NO AUTHENTICATE failed. " + diag.encode()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"AUTHENTICATE NTLM", b"a1 NO AUTHENTICATE failed."),
        (b"AUTHENTICATE", b"a1 BAD Command Argument Error. 11"),
        (b"AUTHENTICATE PLAIN " + base64.b64encode(b"\0a\0b"), b"a1 NO AUTHENTICATE failed."),
        (b"AUTHENTICATE PLAIN !!", b"a1 NO AUTHENTICATE failed."),
        (b"LOGIN a b", b"a1 NO LOGIN failed."),
        (b"LOGIN a", b"a1 BAD Command Argument Error. 11"),
        (b"SELECT INBOX", b"a1 BAD Command received in Invalid state."),
        (b"IDLE", b"a1 BAD Command received in Invalid state."),
        (b"XYZZY", b"a1 BAD Command Error. 12"),
        (b"CAPABILITY now", b"a1 BAD Command Argument Error. 11"),
    ],
)
def test_before_login_little_is_granted(desk: Office, said: bytes, answer: bytes) -> None:
    with asked(desk) as wire:
        assert wire.say(b"a1 " + said) == [answer]


def test_an_authentication_can_be_called_off(desk: Office) -> None:
    with asked(desk) as wire:
        wire.send(b"a1 AUTHENTICATE XOAUTH2\r\n")
        wire.line()
        wire.send(b"*\r\n")
        assert wire.line() == b"a1 BAD AUTHENTICATE cancelled."


def test_nobody_signs_in_twice(desk: Office) -> None:
    with desk.signed_in() as wire:
        for said in (b"AUTHENTICATE XOAUTH2 x", b"LOGIN a b"):
            assert wire.say(b"a2 " + said) == [b"a2 BAD Command received in Invalid state."]
        assert wire.say(b"a3 FETCH 1 FLAGS") == [b"a3 BAD Command received in Invalid state."]


@pytest.mark.parametrize("command", [b"NAMESPACE", b'LIST "" "*"', b"SELECT INBOX", b"NOOP", b"IDLE", b"FETCH 1 UID"])
def test_without_a_mailbox_the_first_command_fails(desk: Office, command: bytes) -> None:
    """The front end took the token; what it asks of the mailbox behind it gets no answer."""
    with asked(desk) as wire:
        assert wire.say(b"a1 AUTHENTICATE XOAUTH2 " + desk.response("bob@contoso.example"))[-1].startswith(b"a1 OK")
        assert wire.say(b"a2 CAPABILITY")[-1] == b"a2 OK CAPABILITY completed."
        wire.send(b"a3 " + command + b"\r\n")
        said = [b"a3 BAD User is authenticated but not connected.", b"* BYE Connection closed. 14"]
        assert wire.rest() == said


@pytest.mark.parametrize("way", ["login", "plain"])
def test_a_server_of_ones_own_takes_passwords(tmp_path: Path, way: str) -> None:
    with office(tmp_path, "exchange_server") as desk, desk.library() as client:
        assert client.welcome == b"* OK The Microsoft Exchange IMAP4 service is ready."
        with pytest.raises(imaplib.IMAP4.error, match="LOGIN failed"):
            client.login(ALICE, "wrong")
        if way == "login":
            assert client.login(ALICE, PASSWORD) == ("OK", [b"LOGIN completed."])
        else:
            client.authenticate("PLAIN", lambda _: f"\0{ALICE}\0{PASSWORD}".encode())
        assert client.select()[0] == "OK"


class Place(AbstractContextManager[None]):
    """The one place there is. No generator: that would give its place back when it is forgotten, too."""

    def __init__(self, who: str, inside: list[str]) -> None:
        self._who, self._inside = who, inside

    def __enter__(self) -> None:
        if self._inside:
            raise OverQuota("sessions", 89.153)
        self._inside.append(self._who)

    def __exit__(self, *exc: object) -> None:
        self._inside.remove(self._who)


def test_sessions_beyond_what_is_admitted_are_throttled(tmp_path: Path) -> None:
    """And the place is given back when a session ends."""
    inside: list[str] = []
    with office(tmp_path, admit=lambda who: Place(who, inside)) as desk:
        with desk.signed_in() as first, asked(desk) as second:
            assert inside == [ALICE]
            second.send(b"a1 AUTHENTICATE XOAUTH2 " + desk.response() + b"\r\n")
            text = b"a1 BAD Request is throttled. Suggested Backoff Time: 89153 milliseconds"
            assert second.rest() == [text, b"* BYE Connection closed. 14"]
            first.say(b"a2 LOGOUT")
            assert first.rest() == []
        desk.wait_for(lambda: not inside)
        desk.signed_in().close()


def idling(desk: Office, wire: Wire) -> None:
    wire.say(b"a2 SELECT INBOX")
    wire.send(b"a3 IDLE\r\n")
    assert wire.line() == b"+ IDLE accepted, awaiting DONE command."


def test_a_hold_is_reported_and_is_an_occasion_of_its_own(desk: Office) -> None:
    with desk.signed_in() as wire:
        idling(desk, wire)
        wire.send(b"DONE\r\n")
        assert wire.line() == b"a3 OK IDLE completed."
    assert desk.calls["held"] == 1
    start, hold = list(desk.weather.occasions)[-2:]
    assert (set(start.steps), start.push) == ({"idle_start"}, False)
    assert (set(hold.steps), hold.push) == ({"idle_hold"}, True)
    assert {"push_drop", "push_silent", "stale"} <= hold.kinds


def test_done_in_the_same_breath_is_taken(desk: Office) -> None:
    with desk.signed_in() as wire:
        wire.send(b"a2 IDLE\r\nDONE\r\na3 NOOP\r\n")
        assert wire.until(b"a3") == [
            b"+ IDLE accepted, awaiting DONE command.",
            b"a2 OK IDLE completed.",
            b"a3 OK NOOP completed.",
        ]


def test_anything_but_done_ends_the_idle_badly(desk: Office) -> None:
    with desk.signed_in() as wire:
        idling(desk, wire)
        wire.send(b"a4 NOOP\r\n")
        assert wire.line() == b"a3 BAD Command Error. 12"
        assert wire.say(b"a5 NOOP") == [b"a5 OK NOOP completed."]


def test_a_dropped_push_channel_ends_in_good_order(desk: Office) -> None:
    desk.foretell("idle_hold", "push_drop", after=0.02)
    with desk.signed_in() as wire:
        idling(desk, wire)
        assert wire.rest() == []


def test_a_silent_push_channel_reports_nothing_but_ends_well(desk: Office) -> None:
    desk.foretell("idle_hold", "push_silent")
    with desk.signed_in() as wire:
        idling(desk, wire)
        deliver(desk, "New")
        wire.send(b"DONE\r\n")
        assert wire.line() == b"a3 OK IDLE completed."
        assert wire.say(b"a4 NOOP")[0] == b"* 1 EXISTS"


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("imap_bye", {"text": "Session too long"}, [b"* BYE Session too long"]),
        (
            "imap_tagged",
            {"text": "NO Server Unavailable. 15"},
            [b"a3 NO Server Unavailable. 15", b"* BYE Connection closed. 14"],
        ),
    ],
)
def test_a_hold_may_end_in_other_words(desk: Office, kind: str, arguments: dict[str, str], said: list[bytes]) -> None:
    desk.foretell("idle_hold", kind, **arguments)
    with desk.signed_in() as wire:
        idling(desk, wire)
        if kind == "imap_tagged":
            wire.send(b"DONE\r\n")
        assert wire.rest() == said


@pytest.mark.parametrize("kind", ["reset", "stall"])
def test_a_hold_may_break_off(desk: Office, kind: str) -> None:
    desk.foretell("idle_hold", kind)
    with desk.signed_in() as wire:
        idling(desk, wire)
        if kind == "reset":
            assert wire.ending() is ConnectionResetError
            return
        wire.send(b"DONE\r\n")
        wire.tls.settimeout(0.1)
        with pytest.raises(TimeoutError):
            wire.tls.recv(1)


def test_an_idle_can_be_refused_at_its_start(desk: Office) -> None:
    desk.foretell("idle_start", "imap_tagged", text="NO Not now.")
    with desk.signed_in() as wire:
        assert wire.say(b"a2 IDLE") == [b"a2 NO Not now."]
        assert wire.say(b"a3 NOOP") == [b"a3 OK NOOP completed."]


def test_what_one_session_does_the_others_hear_of(desk: Office) -> None:
    deliver(desk, "One", "Two")
    with desk.signed_in() as watcher, desk.signed_in() as doer:
        idling(desk, watcher)
        doer.say(b"b1 SELECT INBOX")
        doer.say(b"b2 STORE 1 +FLAGS (\\Seen \\Deleted)")
        assert watcher.line() == b"* 1 FETCH (UID 1 FLAGS (\\Seen \\Deleted))"
        doer.say(b"b3 EXPUNGE")
        assert watcher.line() == b"* 1 EXPUNGE"


def test_a_connection_is_small_and_has_no_task(desk: Office) -> None:
    """Slots all the way down: two thousand of them idle on one core."""
    assert not hasattr(ImapProtocol(None, None, 0), "__dict__")  # type: ignore[arg-type]  # nothing is asked of them
    assert ImapEntrance.__slots__
    assert Limits.__slots__
