"""The inbox held in IDLE, against written-down servers."""

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from prober.clients.imap4_channel import HeldInbox
from prober.clients.imap4_mailbox import LONGEST_IDLE
from prober.faults.taxonomy import BAD_REPLY, PEER_CLOSED, FaultError, Kind, Reason
from prober.model import PushSettings
from prober.protocols.imap import status as kinds
from prober.schedule.markers import Tidying
from prober.transaction import Marking, Transaction
from tests.clients.imap_made import (
    AUTHENTICATE,
    CAPABILITY,
    CAPABILITY_AUTH,
    CHUNKS,
    EXAMINE,
    GREETING,
    OFFER,
    PLAIN,
    Person,
    Spoken,
    said,
    transaction,
    wire_of,
)
from tests.protocols.imap.scripted_wire import Act, C, End, Quiet, S, Silent, transcript

OPENING: list[Act] = [
    *GREETING,
    *said(CAPABILITY, AUTHENTICATE, CAPABILITY_AUTH, EXAMINE),
    *transcript("C: A5 IDLE\nS: + idling"),
]


async def held(*servers: Sequence[Act], **more: Any) -> tuple[HeldInbox, Transaction]:
    """Return an opened channel and its transaction."""
    tx = transaction(*servers, **more)
    channel = HeldInbox()
    await channel.open(tx)
    return channel, tx


def renewed(first: int, *noop: str, fetch: Sequence[str] = (), begin: int = 10) -> list[Act]:
    """Return how IDLE number `first` is ended, the mailbox looked at, and IDLE begun anew."""
    acts = [*transcript(f"C: DONE\nS: A{first} OK"), *said(("NOOP", [*noop, "OK"]), first=first + 1)]
    number = first + 2
    if fetch:
        acts += said((f"FETCH {begin}:* (INTERNALDATE)", [*fetch, "OK"]), first=number)
        number += 1
    return [*acts, *transcript(f"C: A{number} IDLE\nS: + idling")]


@CHUNKS
async def test_a_held_channel_tells_of_changes_and_keeps_quiet_otherwise(chunk: int) -> None:
    """A new message is a change; keep-alives and silence are none and last as long as asked."""
    acts = [*OPENING, S(b"* OK Still here\r\n"), Quiet(), *renewed(5), S(b"* 10 EXISTS\r\n"), Silent()]
    channel, tx = await held(acts, chunk=chunk)
    assert not await channel.wait(tx, 100)
    assert wire_of(tx).clock.now == 1100
    assert await channel.wait(tx, 100)
    assert wire_of(tx).clock.now == 1100


JUST_NOW = '* 10 FETCH (INTERNALDATE "03-Jan-2026 10:27:50 +0000")'
LONG_AGO = '* 10 FETCH (INTERNALDATE "03-Jan-2026 10:20:00 +0000")'


async def test_a_held_channel_renews_idle_before_the_servers_limit() -> None:
    """DONE and IDLE every `hold` seconds, at most every 28 minutes; what came just then is told of."""
    again = renewed(5, "* 10 EXISTS", fetch=[JUST_NOW])
    channel, tx = await held([*OPENING, Quiet(), *again, Silent()], push=PushSettings(hold=3600, life=9000))
    assert await channel.wait(tx, 3000)
    assert wire_of(tx).clock.now == 1000 + LONGEST_IDLE
    acts = [*OPENING, Quiet(), *renewed(5), Quiet(), *renewed(7), S(b"* 10 EXISTS\r\n"), Silent()]
    channel, tx = await held(acts, push=PushSettings(hold=480))
    assert not await channel.wait(tx, 479)
    assert not await channel.wait(tx, 479)
    assert await channel.wait(tx, 479)
    assert wire_of(tx).clock.now == 1958


async def test_idle_is_not_renewed_twice_where_a_wait_ends() -> None:
    """A second after the last renewal the next wait begins; it ends when IDLE is due to be renewed."""
    channel, tx = await held([*OPENING, Quiet(), *renewed(5), Quiet(), *renewed(7)], push=PushSettings(hold=480))
    assert not await channel.wait(tx, 480)
    wire_of(tx).clock.now += 1
    assert not await channel.wait(tx, 480)
    assert wire_of(tx).clock.now == 1960
    assert wire_of(tx).acts == []


@CHUNKS
async def test_a_message_that_idle_kept_back_loses_the_channel(chunk: int) -> None:
    """It had been there for eight minutes when the hold ended, whether DONE or NOOP brought it to light."""
    at_noop = renewed(5, "* 10 EXISTS", fetch=[LONG_AGO])
    at_done = [C(b"DONE\r\n"), S(b"* 10 EXISTS\r\nA5 OK\r\n"), *renewed(5, fetch=[LONG_AGO])[2:]]
    for again in (at_noop, at_done):
        channel, tx = await held([*OPENING, Quiet(), *again, Silent()], push=PushSettings(hold=1680), chunk=chunk)
        with pytest.raises(FaultError) as caught:
            await channel.wait(tx, 1680)
        assert caught.value.fault.kind is kinds.IDLE_MISSED
        assert caught.value.fault.reason is Reason.PUSH_CHANNEL_LOST
        assert caught.value.fault.evidence == {"messages": "1", "seconds": "480"}


@pytest.mark.parametrize(
    ("arrived", "missed"),
    [("10:27:31", False), ("10:27:30", True), ("10:28:20", False)],
    ids=["in time", "late", "by a clock that is fast"],
)
async def test_a_message_is_missed_once_it_had_time_to_be_told_of(arrived: str, missed: bool) -> None:
    """What arrives while IDLE ends is no miss, and is told of by the next wait."""
    fetch = [f'* 10 FETCH (INTERNALDATE "03-Jan-2026 {arrived} +0000")']
    acts = [*OPENING, Quiet(), *renewed(5, "* 10 EXISTS", fetch=fetch), Silent()]
    channel, tx = await held(acts, push=PushSettings(hold=1680))
    if missed:
        with pytest.raises(FaultError):
            await channel.wait(tx, 1680)
        return
    assert not await channel.wait(tx, 1680)
    assert await channel.wait(tx, 1680)


async def test_a_message_that_is_gone_before_it_could_be_looked_at_is_no_miss() -> None:
    """Nor is one that cannot be fetched, nor the last of those that were told of."""
    for fetch in (["* 10 EXPUNGE"], ['* 9 FETCH (INTERNALDATE "01-Jan-2026 10:00:00 +0000")']):
        acts = [*OPENING, Quiet(), *renewed(5, "* 10 EXISTS", fetch=fetch), Silent()]
        channel, tx = await held(acts)
        assert not await channel.wait(tx, 100)


async def test_a_token_that_ends_while_idle_is_renewed_is_no_loss_either() -> None:
    """The words may come in answer to DONE."""
    ending: list[Act] = [C(b"DONE\r\n"), EXPIRED, End()]
    channel, tx = await held([*OPENING, Quiet(), *ending], [*AGAIN, *renewed(5)], person=Person(expires_in=200))
    assert not await channel.wait(tx, 100)
    assert wire_of(tx, 1).acts == []


EXPIRED = S(b"* BYE Session invalidated - AccessTokenExpired\r\n")
SASL_AGAIN = base64.b64encode(b"user=a@b\x01auth=Bearer t2\x01\x01").decode()
AGAIN: list[Act] = [
    *GREETING,
    *said(CAPABILITY, (f"AUTHENTICATE XOAUTH2 {SASL_AGAIN}", ["OK"]), CAPABILITY_AUTH, EXAMINE),
    *OPENING[-2:],
]


def with_one_more(arrived: str) -> list[Act]:
    """Return the second session of a mailbox that holds one more message by then."""
    entered = [S(act.data.replace(b"9 EXISTS", b"10 EXISTS")) if isinstance(act, S) else act for act in AGAIN[:-2]]
    look = said(
        ("FETCH 10:* (INTERNALDATE)", [f'* 10 FETCH (INTERNALDATE "03-Jan-2026 {arrived} +0000")', "OK"]), first=5
    )
    return [*entered, *look, *transcript("C: A6 IDLE\nS: + idling")]


async def test_a_session_that_ends_with_its_token_is_opened_anew() -> None:
    """At the end of the token's life that is no loss: a new token, a new connection, and the hold goes on."""
    for server, news in (([*AGAIN, Quiet(), *renewed(5)], False), (with_one_more("10:00:00"), True)):
        channel, tx = await held([*OPENING, EXPIRED, End()], server, person=Person(expires_in=200))
        assert await channel.wait(tx, 100) is news
        assert wire_of(tx).closed
        assert not wire_of(tx, 1).closed


async def test_a_message_that_idle_kept_back_is_missed_when_the_token_ends_too() -> None:
    """The new session shows what the old one did not tell of."""
    channel, tx = await held([*OPENING, EXPIRED, End()], with_one_more("09:59:00"), person=Person(expires_in=200))
    with pytest.raises(FaultError) as caught:
        await channel.wait(tx, 100)
    assert caught.value.fault.kind is kinds.IDLE_MISSED


async def test_a_token_that_was_old_when_the_session_began_ends_sooner() -> None:
    """What counts is what is left of it."""
    person = Person(expires_in=3600, age=3400)
    channel, tx = await held([*OPENING, EXPIRED, End()], [*AGAIN, Quiet(), *renewed(5)], person=person)
    assert await channel.wait(tx, 100) is False


async def test_a_session_ended_before_its_token_is_the_servers_error() -> None:
    """With more than five minutes to live the token is no reason."""
    channel, tx = await held([*OPENING, EXPIRED, End()])
    with pytest.raises(FaultError) as caught:
        await channel.wait(tx, 100)
    assert caught.value.fault.kind is kinds.SESSION_EXPIRED_EARLY


async def test_a_lost_channel_says_so() -> None:
    """EOF during the hold, and during the renewal of IDLE."""
    for acts in ([*OPENING, End()], [*OPENING, Quiet(), C(b"DONE\r\n"), End()]):
        channel, tx = await held(acts)
        with pytest.raises(FaultError) as caught:
            await channel.wait(tx, 1000)
        assert caught.value.fault.kind is kinds.IDLE_LOST


async def test_a_server_without_idle_cannot_be_held() -> None:
    """It is a matter of set-up to ask for it."""
    bare = ("CAPABILITY", ["* CAPABILITY IMAP4rev1", "OK"])
    with pytest.raises(FaultError) as caught:
        await held([*GREETING, *said(CAPABILITY, AUTHENTICATE, bare, EXAMINE)])
    assert caught.value.fault.kind is kinds.IDLE_NOT_OFFERED


async def test_a_held_channel_with_a_password_asks_for_no_token() -> None:
    """And its session cannot end with a token: words to that effect are the server's error."""
    capability = ("CAPABILITY", ["* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE", "OK"])
    acts = [*GREETING, *said(capability, (f"AUTHENTICATE PLAIN {PLAIN}", ["OK"]), capability, EXAMINE)]
    channel, tx = await held([*acts, *OPENING[-2:], EXPIRED, End()], person=Person("basic"))
    with pytest.raises(FaultError) as caught:
        await channel.wait(tx, 100)
    assert caught.value.fault.kind is kinds.SESSION_EXPIRED_EARLY


async def test_closing_takes_leave_and_never_fails() -> None:
    """DONE, LOGOUT, hang up; a dead connection is only hung up; an unopened one is nothing to close."""
    farewell: list[Act] = [C(b"DONE\r\n"), S(b"A5 OK\r\n"), C(b"A6 LOGOUT\r\n"), S(b"* BYE\r\nA6 OK\r\n")]
    for acts in ([*OPENING, *farewell], [*OPENING, End()], [*OPENING, Silent()]):
        channel, tx = await held(acts)
        await channel.close(tx)
        assert wire_of(tx).closed
    await HeldInbox().close(transaction([]))


def signed_in(offer: str = OFFER) -> list[Act]:
    """Return a server that hears a sign-in and offers so much afterwards."""
    return [*GREETING, *said(CAPABILITY, AUTHENTICATE, ("CAPABILITY", [f"* CAPABILITY {offer}", "OK"]))]


MARKER = (
    b"From: <a@b>\r\nTo: <a@b>\r\nSubject: Notification marker\r\nDate: Sat, 03 Jan 2026 10:00:00 -0000\r\n"
    b"Auto-Submitted: auto-generated\r\n\r\nsent by a prober\r\n"
)
APPEND_LINE = b"A4 APPEND INBOX (\\Seen) {%d}\r\n" % len(MARKER)
APPENDED: list[Act] = [
    *signed_in(),
    C(APPEND_LINE),
    S(b"+ ready\r\n"),
    C(MARKER + b"\r\n"),
    *transcript("S: * 3 EXISTS\nS: A4 OK [APPENDUID 14 77] done"),
]
SELECT: Spoken = ("SELECT INBOX", ["* 3 EXISTS", "* OK [UIDVALIDITY 14] x", "OK [READ-WRITE] done"])
REMOVED: list[Act] = said(
    SELECT,
    ("UID STORE 77 +FLAGS.SILENT (\\Deleted)", ["OK"]),
    ("UID EXPUNGE 77", ["* 3 EXPUNGE", "OK"]),
    ("LOGOUT", ["* BYE", "OK"]),
    first=5,
)


@CHUNKS
async def test_a_marker_is_appended_and_exactly_that_one_removed(chunk: int) -> None:
    """By a connection of its own; nothing but the marker's UID is named."""
    tx = transaction([*APPENDED, *REMOVED], chunk=chunk)
    channel = HeldInbox()
    assert isinstance(channel, Marking)
    assert isinstance(channel, Tidying)
    await channel.mark(tx)
    await channel.tidy(tx)
    assert wire_of(tx).acts == []
    assert wire_of(tx).closed
    await channel.tidy(tx)


@pytest.mark.parametrize(
    ("acts", "kind"),
    [
        (signed_in("IMAP4rev1 IDLE"), kinds.UIDPLUS_NOT_OFFERED),
        ([*signed_in(), C(APPEND_LINE), S(b"A4 NO [OVERQUOTA] full\r\n")], kinds.OVER_QUOTA),
        ([*APPENDED[:-2], S(b"A4 OK done\r\n")], BAD_REPLY),
        ([*APPENDED[:-2], S(b"A4 OK [APPENDUID x 1] done\r\n")], BAD_REPLY),
        ([*APPENDED[:-2], End()], PEER_CLOSED),
    ],
)
async def test_a_marker_that_cannot_be_left_or_removed_again_is_a_fault_of_its_own(acts: list[Act], kind: Kind) -> None:
    """It is never left where it could not be removed."""
    with pytest.raises(FaultError) as caught:
        await HeldInbox().mark(transaction(acts))
    assert caught.value.fault.kind is kind


async def test_nothing_is_removed_from_another_incarnation_of_the_inbox() -> None:
    """Where UIDVALIDITY has changed, the UID is somebody else's."""
    other = ("SELECT INBOX", ["* 3 EXISTS", "* OK [UIDVALIDITY 15] x", "OK"])
    tx = transaction([*APPENDED, *said(other, first=5)])
    channel = HeldInbox()
    await channel.mark(tx)
    with pytest.raises(FaultError):
        await channel.tidy(tx)
    assert b"STORE" not in wire_of(tx).sent
