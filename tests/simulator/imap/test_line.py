"""The wire side: what the weather does, timers, and bytes that are no protocol at all."""

import socket
import ssl
from pathlib import Path

import pytest

from prober.simulator.imap.entrance import Limits
from tests.simulator.imap.office import Office, Wire, office

GREETING = b"* OK The Microsoft Exchange IMAP4 service is ready. ["


def greeted(desk: Office) -> Wire:
    wire = desk.dial()
    assert wire.line().startswith(GREETING)
    return wire


def test_a_delayed_answer_comes_late_and_in_order(desk: Office) -> None:
    """What the client sends meanwhile waits for its turn."""
    desk.foretell("capability", "delay", seconds=0.05)
    with greeted(desk) as wire:
        wire.send(b"a1 CAPABILITY\r\na2 ID NIL\r\n")
        assert [line.split(b" ")[0] for line in wire.until(b"a2")] == [b"*", b"a1", b"*", b"a2"]


def test_a_delayed_answer_sees_the_mailbox_as_it_is_then(desk: Office) -> None:
    with desk.signed_in() as wire:
        wire.say(b"a2 SELECT INBOX")
        desk.foretell("noop", "delay", seconds=0.1)
        wire.send(b"a3 NOOP\r\n")
        desk.wait_for(lambda: len(desk.weather.occasions) == 4)
        desk.on_loop(lambda: desk.mailbox.deliver("Meanwhile"))
        assert wire.until(b"a3 ") == [b"* 1 EXISTS", b"* 0 RECENT", b"a3 OK NOOP completed."]


def silence(wire: Wire) -> bool:
    """Whether nothing comes for a while on a connection that stays open."""
    wire.tls.settimeout(0.1)
    try:
        return wire.tls.recv(1) != b""
    except TimeoutError:
        return True


def test_a_stalled_answer_never_comes(desk: Office) -> None:
    desk.foretell("capability", "stall", at="headers")
    with greeted(desk) as wire:
        wire.send(b"a1 CAPABILITY\r\na2 NOOP\r\n")
        assert silence(wire)


def test_an_answer_can_stall_half_way(desk: Office) -> None:
    desk.foretell("capability", "stall", at="body")
    with greeted(desk) as wire:
        wire.send(b"a1 CAPABILITY\r\n")
        got = wire.tls.recv(10_000)
        assert got.startswith(b"* CAPABILITY IMAP4 ")
        assert b"a1" not in got
        assert silence(wire)


def test_an_answer_can_stall_after_any_octet(desk: Office) -> None:
    desk.foretell("greeting", "stall", at=7)
    with desk.dial() as wire:
        assert wire.tls.recv(100) == b"* OK Th"
        assert silence(wire)


@pytest.mark.parametrize(("at", "got"), [("request", b""), ("headers", b""), (4, b"* CA")])
def test_a_reset_is_a_reset_and_no_close(desk: Office, at: str | int, got: bytes) -> None:
    """The peer sees ECONNRESET: the connection was torn down, not ended."""
    desk.foretell("capability", "reset", at=at)
    with greeted(desk) as wire:
        wire.send(b"a1 CAPABILITY\r\n")
        if got:
            assert wire.tls.recv(100) == got
        assert wire.ending() is ConnectionResetError


def test_a_tagged_text_takes_the_answers_place(desk: Office) -> None:
    text = "BAD User is authenticated but not connected."
    with desk.signed_in() as wire:
        desk.foretell("namespace", "imap_tagged", text=text)
        wire.send(b"a2 NAMESPACE\r\n")
        assert wire.rest() == [b"a2 " + text.encode(), b"* BYE Connection closed. 14"]


def test_a_goodbye_takes_the_greetings_place(desk: Office) -> None:
    desk.foretell("greeting", "imap_bye", text="Too busy.")
    with desk.dial() as wire:
        assert wire.rest() == [b"* BYE Too busy."]


def test_a_throttled_command_ends_the_session(desk: Office) -> None:
    desk.foretell("id", "throttle", retry_after=2)
    with greeted(desk) as wire:
        wire.send(b"a1 ID NIL\r\n")
        assert wire.rest()[0] == b"a1 BAD Request is throttled. Suggested Backoff Time: 2000 milliseconds"


def test_a_stale_store_hides_new_mail(desk: Office) -> None:
    desk.on_loop(lambda: desk.mailbox.deliver("New"))
    desk.foretell("select_inbox", "stale", age_min=45)
    with desk.signed_in() as wire:
        assert wire.say(b"a2 SELECT INBOX")[0] == b"* 0 EXISTS"
        assert wire.say(b"a3 NOOP")[0] == b"* 1 EXISTS"


def test_every_command_is_an_occasion_with_all_that_is_known(desk: Office) -> None:
    with desk.signed_in() as wire:
        wire.say(b"a2 CAPABILITY")
        wire.say(b"a3 XYZZY")
        wire.say(b"a4 LOGOUT")
    greeting, login, capability, unknown, logout = desk.weather.occasions
    assert [one.steps for one in (greeting, login, capability, unknown, logout)] == [
        {"greeting"},
        {"authenticate"},
        {"capability_auth"},
        set(),
        {"logout"},
    ]
    assert (greeting.mailbox, login.mailbox, logout.mailbox) == ("", "alice@contoso.example", "alice@contoso.example")
    assert greeting.token_expires == 0
    assert login.token_expires == logout.token_expires > 0
    assert {one.client for one in desk.weather.occasions} == {"imap4"}
    assert {one.protocol for one in desk.weather.occasions} == {"imap"}
    assert logout.attempt.requests == 5
    assert "bearer_401" in login.kinds
    assert "bearer_401" not in logout.kinds


def test_who_comes_and_goes_is_reported(desk: Office) -> None:
    with desk.signed_in() as wire:
        wire.say(b"a2 LOGOUT")
        assert wire.rest() == []
    desk.wait_for(lambda: desk.calls["closed"] == 1)
    assert desk.calls == {"accepted": 1, "closed": 1}
    assert desk.open == set()


def test_quiet_connections_end_sooner_before_login(tmp_path: Path) -> None:
    with office(tmp_path, limits=Limits(0.05, 1800)) as desk:
        with greeted(desk) as wire:
            assert wire.rest() == [b"* BYE Connection is closed. 13"]
        with desk.signed_in() as wire:
            assert silence(wire)


def test_quiet_connections_end_after_login_too_and_while_idling(tmp_path: Path) -> None:
    with office(tmp_path, limits=Limits(60, 0.2, keep_alive=0)) as desk:
        with desk.signed_in() as wire:
            assert wire.rest() == [b"* BYE Connection is closed. 13"]
        with desk.signed_in() as wire:
            wire.send(b"a2 IDLE\r\n")
            assert wire.rest()[-1] == b"* BYE Connection is closed. 13"


def test_whatever_a_client_sends_counts_as_activity(desk: Office) -> None:
    with greeted(desk) as wire:
        line = next(iter(desk.open))
        before = line._active
        wire.say(b"a1 NOOP")
        assert line._active > before


def test_a_stalled_connection_ends_without_a_word(tmp_path: Path) -> None:
    with office(tmp_path, limits=Limits(0.2, 1800)) as desk:
        desk.foretell("greeting", "stall")
        with desk.dial() as wire:
            assert wire.tls.recv(1) == b""


def test_an_expired_token_does_not_wake_a_stalled_connection(desk: Office) -> None:
    """It would be woken for nothing until it ends."""
    desk.foretell("noop", "stall")
    with desk.signed_in() as wire:
        wire.send(b"a2 NOOP\r\n")
        assert silence(wire)
        desk.let_tokens_expire()
        assert silence(wire)
        line = next(iter(desk.open))
        assert line._timer is not None
        assert line._timer.when() - desk.loop.time() > 1000


def test_a_token_that_runs_out_during_a_delay_ends_the_session_after_the_answer(desk: Office) -> None:
    with desk.signed_in() as wire:
        desk.foretell("noop", "delay", seconds=0.1)
        wire.send(b"a2 NOOP\r\n")
        desk.wait_for(lambda: len(desk.weather.occasions) == 3)
        desk.let_tokens_expire()
        assert wire.rest() == [b"a2 OK NOOP completed.", b"* BYE Session invalidated - AccessTokenExpired"]


def test_an_idling_client_is_told_that_all_is_well(tmp_path: Path) -> None:
    with office(tmp_path, limits=Limits(keep_alive=0.02)) as desk, desk.signed_in() as wire:
        wire.send(b"a2 IDLE\r\n")
        assert [wire.line() for _ in range(3)][1:] == [b"* OK IDLE continues."] * 2
        wire.send(b"DONE\r\n")
        assert wire.until(b"a2")[-1] == b"a2 OK IDLE completed."


@pytest.mark.parametrize("during", [b"", b"a2 IDLE\r\n"])
def test_a_session_ends_with_its_token(desk: Office, during: bytes) -> None:
    """Connections do not outlive their token, idling or not."""
    with desk.signed_in() as wire:
        wire.send(during)
        if during:
            assert wire.line().startswith(b"+")
        desk.let_tokens_expire()
        assert wire.rest() == [b"* BYE Session invalidated - AccessTokenExpired"]


def test_the_timer_of_a_token_is_set_at_login(desk: Office) -> None:
    desk.premises.doorkeeper.lifetime = 2
    with desk.signed_in() as wire:
        assert wire.rest() == [b"* BYE Session invalidated - AccessTokenExpired"]


@pytest.mark.parametrize(("kind", "ending"), [("reset", ConnectionResetError), ("push_drop", None)])
def test_the_weather_may_end_a_hold_without_a_word_when_its_token_does(
    desk: Office, kind: str, ending: type[Exception] | None
) -> None:
    with desk.signed_in() as wire:
        wire.send(b"a2 IDLE\r\n")
        assert wire.line() == b"+ IDLE accepted, awaiting DONE command."
        desk.on_loop(lambda: None)
        desk.foretell("idle_hold", kind)
        desk.let_tokens_expire()
        assert (wire.ending() if ending else wire.rest()) == (ending or [])
        assert desk.weather.coming == {}


@pytest.mark.parametrize(
    "garbage",
    [b"\r\n", b"GET / HTTP/1.1\r\n", b"\x00\x01\x02\r\n", b"\xff\xfe\r\n", b"a1\r\n", b"* OK\r\n", b'a1 LIST "\r\n'],
)
def test_garbage_is_bad_and_the_next_command_is_taken(desk: Office, garbage: bytes) -> None:
    with greeted(desk) as wire:
        wire.send(garbage)
        assert b" BAD " in wire.line()
        assert wire.say(b"a9 NOOP") == [b"a9 OK NOOP completed."]


def test_too_long_a_line_ends_the_session(desk: Office) -> None:
    with greeted(desk) as wire:
        wire.send(b"a1 " + b"x" * 20_000)
        assert wire.rest() == [b"a1 BAD Command line is too long.", b"* BYE Connection closed. 14"]


def test_too_large_a_literal_is_refused_and_the_session_goes_on(desk: Office) -> None:
    with greeted(desk) as wire:
        assert wire.say(b"a1 LOGIN {99999}") == [b"a1 NO [TOOBIG] The message is too large."]
        assert wire.say(b"a2 NOOP") == [b"a2 OK NOOP completed."]


def test_a_literal_is_asked_for_and_taken_however_it_is_cut(desk: Office) -> None:
    """Byte by byte over the wire; the one without a go-ahead as well."""
    with desk.signed_in() as wire:
        for octet in b"a2 STATUS {5}\r\n":
            wire.send(bytes([octet]))
        assert wire.line() == b"+ Ready for additional command text."
        for octet in b"INBOX (MESSAGES)\r\n":
            wire.send(bytes([octet]))
        assert wire.until(b"a2 ")[0] == b"* STATUS INBOX (MESSAGES 0)"
        for octet in b"a3 STATUS {5+}\r\nINBOX (UNSEEN)\r\n":
            wire.send(bytes([octet]))
        assert wire.until(b"a3 ") == [b"* STATUS INBOX (UNSEEN 0)", b"a3 OK STATUS completed."]


def send_for_ever(wire: Wire, data: bytes) -> None:
    while True:
        wire.send(data)


def test_a_client_that_never_reads_stops_being_answered_and_disturbs_nobody(desk: Office) -> None:
    """Its commands pile up only so far; others are served meanwhile."""
    desk.on_loop(lambda: desk.mailbox.deliver("Large", body="x" * 200_000))
    with desk.signed_in() as deaf, desk.signed_in() as other:
        deaf.say(b"a2 SELECT INBOX")
        deaf.tls.settimeout(0.3)
        with pytest.raises((TimeoutError, ssl.SSLError)):
            send_for_ever(deaf, b"a3 FETCH 1 BODY.PEEK[]\r\n" * 100)
        assert other.say(b"a2 NOOP") == [b"a2 OK NOOP completed."]
        waiting = desk.on_loop(lambda: max(one._reader.waiting for one in desk.open))
        assert waiting < 1_000_000


def test_a_connection_that_only_opens_costs_nobody_anything(desk: Office) -> None:
    """Somebody who never speaks TLS is no connection of ours yet."""
    with socket.create_connection(("127.0.0.1", desk.port)) as plain:
        plain.sendall(b"not tls\r\n")
        with greeted(desk) as wire:
            assert wire.say(b"a1 NOOP") == [b"a1 OK NOOP completed."]


def test_a_mistake_of_ours_is_a_bad_answer_and_no_end(desk: Office, caplog: pytest.LogCaptureFixture) -> None:
    with desk.signed_in() as wire:
        wire.say(b"a2 SELECT INBOX")
        view = desk.on_loop(lambda: next(iter(desk.open))._session.selected)
        desk.on_loop(lambda: view.mailbox.journal.append("no change"))  # type: ignore[arg-type]  # what must not be
        assert wire.say(b"a3 NOOP") == [b"a3 BAD Server Unavailable. 15"]
        assert wire.say(b"a4 CAPABILITY")[-1] == b"a4 OK CAPABILITY completed."
    assert "could not be answered" in caplog.text
