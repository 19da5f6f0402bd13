"""Conversations against written-down servers: tags, literals, prompts, IDLE, and every way of ending."""

import base64
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import (
    ANSWER_STALLED,
    BAD_REPLY,
    NO_ANSWER,
    PEER_CLOSED,
    PEER_RESET,
    REPLY_TOO_LARGE,
    SEND_STALLED,
    STARTTLS_REFUSED,
    TRUNCATED_REPLY,
    Fault,
    FaultError,
    Kind,
)
from prober.protocols.imap import session as rules
from prober.protocols.imap import status as kinds
from prober.protocols.imap.authenticate import Authenticate, Login, OAuthBearer, Plain, XOAuth2
from prober.protocols.imap.commands import (
    AskCapability,
    AskCapabilityAgain,
    AskNamespace,
    Examine,
    FetchDate,
    FetchNewest,
    Identify,
    ListAll,
    Logout,
    Noop,
)
from prober.protocols.imap.session import Conversation
from prober.secret import Secret
from tests.protocols.imap.scripted_wire import Act, Broken, C, End, Handshake, Quiet, S, ScriptedWire, transcript

CHUNKS = pytest.mark.parametrize("chunk", [1, 2, 7, 4096])
BANNER = (
    "* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADMAUAAyADgAMQBDAEEAMAAxADUANwAuAEQARQBVAFAAMgA4ADEALgBQ"
    "AFIATwBEAC4ATwBVAFQATABPAE8ASwAuAEMATwBNAA==]"
)
GREETED = transcript("S: * OK ready.")
OPENED = transcript("""
    S: * OK ready.
    C: A1 EXAMINE INBOX
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 7] ok
    S: A1 OK [READ-ONLY] done
""")
IDLING = [*OPENED, *transcript("C: A2 IDLE\nS: + idling")]


async def caught(act: object) -> Fault:
    """Return the fault that awaiting `act` ends in."""
    with pytest.raises(FaultError) as error:
        await act  # type: ignore[misc]  # any coroutine
    return error.value.fault


async def greeted(acts: Sequence[Act], chunk: int = 4096) -> Conversation:
    """Return a conversation past its greeting."""
    talk = Conversation(ScriptedWire([*GREETED, *acts], chunk))
    await talk.greet()
    return talk


async def idling(acts: list[Act], chunk: int = 4096) -> Conversation:
    """Return a conversation that holds IDLE on a mailbox of three messages."""
    talk = Conversation(ScriptedWire([*IDLING, *acts], chunk))
    await talk.greet()
    await talk.run(Examine())
    await talk.idle()
    return talk


EXCHANGE = f"""
    S: {BANNER}
    C: A1 CAPABILITY
    S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+
    S: A1 OK CAPABILITY completed.
    C: A2 ID ("name" "probe" "version" "1.0")
    S: * ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")
    S: A2 OK ID completed
    C: A3 AUTHENTICATE XOAUTH2 dXNlcj1hQGIBYXV0aD1CZWFyZXIgdAEB
    S: A3 OK AUTHENTICATE completed.
    C: A4 CAPABILITY
    S: * CAPABILITY IMAP4 IMAP4rev1 IDLE NAMESPACE LITERAL+ MOVE CLIENTACCESSRULES BACKENDAUTHENTICATE
    S: A4 OK CAPABILITY completed.
    C: A5 NAMESPACE
    S: * NAMESPACE (("" "/")) NIL NIL
    S: A5 OK NAMESPACE completed.
    C: A6 LIST "" "*"
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasNoChildren \\Sent) "/" "Sent Items"
    S: A6 OK LIST completed.
    C: A7 EXAMINE INBOX
    S: * 2 EXISTS
    S: * 0 RECENT
    S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)
    S: * OK [PERMANENTFLAGS ()] Permanent flags
    S: * OK [UIDVALIDITY 14] UIDVALIDITY value
    S: * OK [UIDNEXT 22] The next unique identifier value
    S: A7 OK [READ-ONLY] EXAMINE completed.
    C: A8 UID FETCH 17:* (UID FLAGS INTERNALDATE RFC822.SIZE)
    S: * 1 FETCH (UID 20 FLAGS (\\Seen) INTERNALDATE "01-Jan-2026 10:00:00 +0000" RFC822.SIZE 512)
    S: * 2 FETCH (UID 21 FLAGS () INTERNALDATE "02-Jan-2026 10:00:00 +0000" RFC822.SIZE 600)
    S: A8 OK FETCH completed.
    C: A9 UID FETCH 21 (BODY.PEEK[HEADER.FIELDS (DATE)])
    S: * 2 FETCH (BODY[HEADER.FIELDS (DATE)] {{41}}
    S: Date: Fri, 2 Jan 2026 10:00:00 +0000
    S:
    S:  UID 21)
    S: A9 OK FETCH completed.
    C: A10 IDLE
    S: + IDLE accepted, awaiting DONE command.
    S: * 3 EXISTS
    C: DONE
    S: A10 OK IDLE completed.
    C: A11 NOOP
    S: A11 OK NOOP completed.
    C: A12 LOGOUT
    S: * BYE Microsoft Exchange Server IMAP4 server signing off.
    S: A12 OK LOGOUT completed.
"""


@CHUNKS
async def test_a_morning_with_exchange(chunk: int) -> None:
    """The whole conversation of Exchange Online, at any chunking: every answer is read, nothing is left over."""
    acts = transcript(EXCHANGE)
    wire = ScriptedWire(acts, chunk)
    talk = Conversation(wire)
    await talk.greet()
    assert talk.site == "FR3P281"
    assert "SASL-IR" in await talk.run(AskCapability())
    server = await talk.run(Identify("probe", "1.0"))
    assert server is not None
    assert server.fields["name"] == "Microsoft.Exchange.Imap4.Imap4Server"
    await talk.run(Authenticate(XOAuth2("a@b", Secret("t")), initial_response=True))
    await talk.run(AskCapabilityAgain())
    assert "MOVE" in talk.offered
    assert (await talk.run(AskNamespace())).personal[0].delimiter == "/"
    assert [one.name for one in await talk.run(ListAll())] == ["INBOX", "Sent Items"]
    inbox = await talk.run(Examine())
    assert (inbox.exists, inbox.uid_validity, inbox.uid_next, inbox.read_only) == (2, 14, 22, True)
    assert [one.uid for one in await talk.run(FetchNewest(17))] == [20, 21]
    assert await talk.run(FetchDate(21))
    await talk.idle()
    assert await talk.wait(1.0) == 1
    await talk.done()
    await talk.run(Noop())
    await talk.run(Logout())
    assert wire.acts == []


@CHUNKS
async def test_dovecots_refusal_of_a_token_is_read_to_its_end(chunk: int) -> None:
    """The error challenge gets its empty line, and its status becomes evidence of the tagged NO."""
    acts = transcript("""
        C: A1 AUTHENTICATE XOAUTH2 dXNlcj1hQGIBYXV0aD1CZWFyZXIgdAEB
        S: + eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=
    """)
    talk = await greeted(
        [*acts, C(b"\r\n"), *transcript("S: A1 NO [AUTHENTICATIONFAILED] Authentication failed.")], chunk
    )
    fault = await caught(talk.run(Authenticate(XOAuth2("a@b", Secret("t")), initial_response=True)))
    assert fault.kind is kinds.AUTHENTICATION_FAILED
    assert fault.evidence["sasl_status"] == "401"
    assert fault.evidence["code"] == "AUTHENTICATIONFAILED"


@CHUNKS
async def test_oauthbearer_answers_an_error_with_its_dummy(chunk: int) -> None:
    """AQ== and then the NO (RFC 7628 section 3.2.3)."""
    mechanism = OAuthBearer("a@b", Secret("t"), "h", 993)
    message = base64.b64encode(mechanism.messages()[0])
    error = base64.b64encode(b'{"status":"invalid_token","openid-configuration":"https://issuer.test/"}')
    acts: list[Act] = [
        C(b"A1 AUTHENTICATE OAUTHBEARER\r\n"),
        S(b"+\r\n"),
        C(message + b"\r\n"),
        S(b"+ " + error + b"\r\n"),
        C(b"AQ==\r\n"),
        S(b"A1 NO [AUTHENTICATIONFAILED] no\r\n"),
    ]
    talk = await greeted(acts, chunk)
    fault = await caught(talk.run(Authenticate(mechanism, initial_response=False)))
    assert (fault.kind, fault.evidence["sasl_status"]) == (kinds.AUTHENTICATION_FAILED, "invalid_token")


async def test_a_broken_token_service_behind_the_server_is_not_our_credential() -> None:
    """Dovecot answers [UNAVAILABLE] without a challenge."""
    talk = await greeted(
        transcript("""
            C: A1 AUTHENTICATE PLAIN AGEAYg==
            S: A1 NO [UNAVAILABLE] Temporary authentication failure. [host:2026-01-01 00:00:00]
        """)
    )
    fault = await caught(talk.run(Authenticate(Plain("a", Secret("b")), initial_response=True)))
    assert fault.kind is kinds.UNAVAILABLE


@CHUNKS
async def test_a_synchronising_literal_waits_for_the_server(chunk: int) -> None:
    """Each literal of LOGIN goes only after its `+`; a refusal instead of the `+` is read as one."""
    acts: list[Act] = [
        C(b'A1 LOGIN "a" {2}\r\n'),
        S(b"+ OK\r\n"),
        C("ä\r\n".encode()),
        S(b"* CAPABILITY IMAP4rev1 IDLE\r\nA1 OK Logged in\r\n"),
        C(b'A2 LOGIN "a" {2}\r\n'),
        S(b"A2 BAD no literals here\r\n"),
    ]
    talk = await greeted(acts, chunk)
    await talk.run(Login("a", Secret("ä")))
    assert "IDLE" in talk.offered
    assert (await caught(talk.run(Login("a", Secret("ä"))))).kind is kinds.COMMAND_REFUSED


async def test_capabilities_come_from_codes_too() -> None:
    """Greeting and login may carry them in brackets; a refusal's are not believed."""
    acts = transcript(
        "C: A1 NOOP\nS: A1 NO [CAPABILITY WRONG] no\nC: A2 NOOP\nS: A2 OK [CAPABILITY IMAP4rev1 IDLE] Logged in"
    )
    wire = ScriptedWire([*transcript("S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello"), *acts])
    talk = Conversation(wire)
    await talk.greet()
    assert talk.offered == {"IMAP4REV1", "STARTTLS"}
    await caught(talk.run(Noop()))
    assert talk.offered == {"IMAP4REV1", "STARTTLS"}
    await talk.run(Noop())
    assert talk.offered == {"IMAP4REV1", "IDLE"}


GREETINGS: list[tuple[list[Act], Kind]] = [
    (transcript("S: * BYE too busy"), kinds.BYE),
    (transcript("S: * BYE [LIMIT] too many"), kinds.LIMIT),
    (transcript("S: * BYE Server Unavailable. 15"), kinds.SERVER_UNAVAILABLE),
    (transcript("S: * PREAUTH welcome"), kinds.UNEXPECTED_PREAUTH),
    (transcript("S: * NO"), kinds.COMMAND_REFUSED),
    (transcript("S: A1 OK"), BAD_REPLY),
    (transcript("S: +OK POP3 ready"), BAD_REPLY),
    (transcript("S: HTTP/1.1 400 Bad Request"), BAD_REPLY),
    (transcript("S: * 5 EXISTS"), BAD_REPLY),
    ([End()], PEER_CLOSED),
    ([S(b"* OK The Micro"), End()], TRUNCATED_REPLY),
    ([Broken()], PEER_RESET),
    ([], NO_ANSWER),
    ([S(b"* OK The Micro"), Broken(ANSWER_STALLED)], ANSWER_STALLED),
    ([S(b"x" * 100_000)], REPLY_TOO_LARGE),
]


@pytest.mark.parametrize(("acts", "kind"), GREETINGS)
@CHUNKS
async def test_anything_but_ok_is_no_greeting(acts: list[Act], kind: Kind, chunk: int) -> None:
    """BYE, PREAUTH, other protocols, silence and every early end have their kinds."""
    assert (await caught(Conversation(ScriptedWire(acts, chunk)).greet())).kind is kind


LIST = b'A1 LIST "" "*"\r\n'
ENDINGS: list[tuple[list[Act], Kind]] = [
    ([S(b"A1 BAD User is authenticated but not connected.\r\n")], kinds.AUTHENTICATED_NOT_CONNECTED),
    ([S(b"A1 NO Server Unavailable. 15\r\n")], kinds.SERVER_UNAVAILABLE),
    ([S(b"A1 NO what\r\n")], kinds.REFUSED),
    ([S(b"A1 BAD what\r\n")], kinds.COMMAND_REFUSED),
    ([End()], PEER_CLOSED),
    ([S(b"* LIST () "), End()], TRUNCATED_REPLY),
    ([S(b'* LIST () "/" {10}\r\nINB'), End()], TRUNCATED_REPLY),
    ([Broken()], PEER_RESET),
    ([], NO_ANSWER),
    ([S(b"* LIST () "), Broken(ANSWER_STALLED)], ANSWER_STALLED),
    ([S(b"* BYE Server shutting down.\r\n"), End()], kinds.BYE),
    ([S(b"* BYE Server shutting down.\r\n")], kinds.BYE),
    ([S(b"* BYE Server shutting down.\r\n"), Broken()], kinds.BYE),
    ([S(b"* BYE Connection is closed. 13\r\n"), End()], kinds.CONNECTION_CLOSED),
    ([S(b"* BYE Session invalidated - AccessTokenExpired\r\n"), End()], kinds.SESSION_EXPIRED),
    ([S(b"* BYE Request is throttled. Suggested Backoff Time: 1 milliseconds\r\n"), End()], kinds.THROTTLED),
    ([S(b"* BAD Request is throttled. Suggested Backoff Time: 1 milliseconds\r\n"), End()], kinds.THROTTLED),
    ([S(b"* BAD Request is throttled.\r\n* BYE Connection closed. 14\r\n"), End()], kinds.THROTTLED),
    ([S(b"* BAD User is authenticated but not connected.\r\n* BYE\r\n"), End()], kinds.AUTHENTICATED_NOT_CONNECTED),
    ([S(b"* BYE\r\nA1 BAD User is authenticated but not connected.\r\n")], kinds.AUTHENTICATED_NOT_CONNECTED),
    ([S(b"* BYE Request is throttled.\r\nA1 BAD Command failed\r\n")], kinds.THROTTLED),
    ([S(b"* NO [UNAVAILABLE] soon\r\nA1 NO failed\r\n")], kinds.UNAVAILABLE),
    ([S(b"* NO [UNAVAILABLE] soon\r\n")], kinds.UNAVAILABLE),
    ([S(b"* BAD what\r\n"), End()], PEER_CLOSED),
    ([S(b"A2 OK not ours\r\n")], BAD_REPLY),
    ([S(b"+ go on\r\n")], BAD_REPLY),
    ([S(b"garbage\r\n")], BAD_REPLY),
    ([S(b"* LIST\r\n")], BAD_REPLY),
    ([S(b"* OK bare line feed\n")], BAD_REPLY),
    ([S(b"A1 OK without inbox\r\n")], kinds.NO_INBOX),
]


@pytest.mark.parametrize(("acts", "kind"), ENDINGS)
@CHUNKS
async def test_every_end_of_a_command_has_its_kind(acts: list[Act], kind: Kind, chunk: int) -> None:
    """Refusals, farewells, resets and silence, whole or in pieces, and the words that came before them."""
    talk = await greeted([C(LIST), *acts], chunk)
    assert (await caught(talk.run(ListAll()))).kind is kind


async def test_a_command_that_succeeded_before_the_farewell_has_succeeded() -> None:
    """The farewell is the fate of the next command, whether or not it can still be sent."""
    endings: list[list[Act]] = [[C(b"A2 NOOP\r\n"), End()], [End()], [Broken()]]
    for ending in endings:
        talk = await greeted([*transcript("C: A1 NOOP\nS: * BYE Server shutting down.\nS: A1 OK done"), *ending])
        await talk.run(Noop())
        assert (await caught(talk.run(Noop()))).kind is kinds.BYE


async def test_after_a_farewell_nobody_waits_long() -> None:
    """Two seconds for words that say more, within a command and within IDLE."""
    commanding = await greeted([C(b"A1 NOOP\r\n"), S(b"* BYE\r\n")])
    holding = await idling([S(b"* BYE\r\n")])
    for talk, act in ((commanding, commanding.run(Noop())), (holding, holding.wait(60))):
        wire = talk._wire
        assert isinstance(wire, ScriptedWire)
        before = wire.clock.now
        assert (await caught(act)).kind in (kinds.BYE, kinds.IDLE_BYE)
        assert wire.clock.now == before + 2


async def test_the_farewell_belongs_to_logout() -> None:
    """There BYE is no reason for anything: what is missing after it is the tagged OK."""
    talk = await greeted([C(b"A1 LOGOUT\r\n"), S(b"* BYE signing off\r\n"), End()])
    assert (await caught(talk.run(Logout()))).kind is PEER_CLOSED


async def test_what_was_said_before_a_failed_send_is_heard() -> None:
    """A server that throttles and hangs up between two commands is heard although nothing can be sent."""
    goodbye = S(b"* BYE Request is throttled. Suggested Backoff Time: 89000 milliseconds\r\n")
    endings: list[Act] = [End(), Broken()]
    for ending in endings:
        talk = await greeted([*transcript("C: A1 NOOP\nS: A1 OK"), goodbye, ending])
        await talk.run(Noop())
        fault = await caught(talk.run(Noop()))
        assert (fault.kind, fault.retry_after) == (kinds.THROTTLED, 89.0)


async def test_a_send_that_fails_without_a_word_keeps_its_kind() -> None:
    """A reset stays a reset, a stall stays a stall."""
    talk = await greeted([End()])
    assert (await caught(talk.run(Noop()))).kind is PEER_RESET

    class Stalled(ScriptedWire):
        async def send(self, data: bytes) -> None:
            raise FaultError(SEND_STALLED)

    talk = Conversation(Stalled([*GREETED, S(b"* OK just talking\r\n" * 40)], 19))
    await talk.greet()
    assert (await caught(talk.run(Noop()))).kind is SEND_STALLED


async def test_closed_because_of_an_earlier_error_means_that_error() -> None:
    """`Connection closed. 14` after a tolerated refusal has the refusal's class."""
    acts = transcript("""
        C: A1 ID ("name" "p" "version" "1")
        S: A1 BAD Server Unavailable. 15
        S: * BYE Connection closed. 14
        C: A2 NOOP
    """)
    talk = await greeted([*acts, End()])
    assert await talk.run(Identify("p", "1")) is None
    assert (await caught(talk.run(Noop()))).kind is kinds.SERVER_UNAVAILABLE


async def test_a_session_ended_as_expired_is_the_servers_error_while_the_token_lives() -> None:
    """With life left in the token it is the server's error, at its end it is our own business."""
    for valid, kind in ((True, kinds.SESSION_EXPIRED_EARLY), (False, kinds.SESSION_EXPIRED)):
        acts = [*GREETED, C(b"A1 NOOP\r\n"), S(b"A1 BAD Session invalidated - AccessTokenExpired\r\n")]
        talk = Conversation(ScriptedWire(acts), lambda valid=valid: valid)  # type: ignore[misc]  # mypy wants no default
        await talk.greet()
        assert (await caught(talk.run(Noop()))).kind is kind


async def test_the_front_end_site_is_evidence_of_every_refusal() -> None:
    """A fault tied to one site shows at once."""
    talk = Conversation(
        ScriptedWire(transcript(f"S: {BANNER}\nC: A1 NOOP\nS: A1 BAD User is authenticated but not connected."))
    )
    await talk.greet()
    fault = await caught(talk.run(Noop()))
    assert (fault.evidence["site"], fault.evidence["command"]) == ("FR3P281", "NOOP")


async def test_one_answer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never comes to an end is cut off by bytes, not by memory."""
    monkeypatch.setattr(rules, "ANSWER_LIMIT", 1000)
    talk = await greeted([C(b"A1 NOOP\r\n"), S(b"* OK still here\r\n" * 60)])
    assert (await caught(talk.run(Noop()))).kind is REPLY_TOO_LARGE


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ([S(b"A1 BAD Command line too long\r\n")], kinds.COMMAND_REFUSED),
        ([S(b"* BYE Too long\r\n"), End()], kinds.BYE),
        ([End()], PEER_CLOSED),
        ([Broken()], PEER_RESET),
    ],
)
async def test_a_token_too_long_for_the_server_is_our_own_doing(ending: list[Act], kind: Kind) -> None:
    """Past 8,192 bytes whatever ends the sign-in without a telling word is a matter of set-up; below it is not."""
    for size, expected in ((6200, kinds.LINE_TOO_LONG), (2000, kind)):
        mechanism = XOAuth2("a@b", Secret("t" * size))
        line = b"A1 AUTHENTICATE XOAUTH2 " + base64.b64encode(mechanism.messages()[0]) + b"\r\n"
        talk = await greeted([C(line), *ending])
        assert (await caught(talk.run(Authenticate(mechanism, initial_response=True)))).kind is expected
    refused = S(b"A1 NO [AUTHENTICATIONFAILED] no\r\n")
    talk = await greeted([C(line), refused])
    assert (await caught(talk.run(Authenticate(mechanism, initial_response=True)))).kind is kinds.AUTHENTICATION_FAILED


STARTTLS = "S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\nS: A1 OK"


@CHUNKS
async def test_starttls_upgrades_and_forgets_what_was_offered_in_plain(chunk: int) -> None:
    """After the handshake capabilities must be asked for anew."""
    wire = ScriptedWire(
        [
            *GREETED,
            *transcript(
                f"C: A1 CAPABILITY\n{STARTTLS}\nC: A2 STARTTLS\nS: A2 OK [CAPABILITY X] Begin TLS negotiation now."
            ),
            Handshake(),
        ],
        chunk,
    )
    talk = Conversation(wire)
    await talk.greet()
    await talk.run(AskCapability())
    await talk.start_tls()
    assert wire.upgraded
    assert talk.offered == frozenset()


@pytest.mark.parametrize(
    ("offer", "acts", "kind"),
    [
        ("S: * CAPABILITY IMAP4rev1\nS: A1 OK", [], STARTTLS_REFUSED),
        (STARTTLS, transcript("C: A2 STARTTLS\nS: A2 NO not now"), STARTTLS_REFUSED),
        (STARTTLS, transcript("C: A2 STARTTLS\nS: A2 BAD what"), STARTTLS_REFUSED),
        (STARTTLS, [C(b"A2 STARTTLS\r\n"), S(b"A2 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")], BAD_REPLY),
        (STARTTLS, [C(b"A2 STARTTLS\r\n"), S(b"A2 OK go\r\n* O")], BAD_REPLY),
        (STARTTLS, [C(b"A2 STARTTLS\r\n"), End()], PEER_CLOSED),
    ],
)
async def test_no_handshake_without_a_clean_yes(offer: str, acts: list[Act], kind: Kind) -> None:
    """Missing, refused, or with bytes slipped in ahead of the handshake: no upgrade."""
    wire = ScriptedWire([*GREETED, *transcript(f"C: A1 CAPABILITY\n{offer}"), *acts])
    talk = Conversation(wire)
    await talk.greet()
    await talk.run(AskCapability())
    assert (await caught(talk.start_tls())).kind is kind
    assert not wire.upgraded


IDLE_REFUSALS: list[tuple[bytes, Kind]] = [
    (b"A2 NO not now\r\n", kinds.IDLE_REFUSED),
    (b"A2 BAD what\r\n", kinds.IDLE_REFUSED),
    (b"A2 NO [LIMIT] enough\r\n", kinds.LIMIT),
    (b"A2 BAD Server Unavailable. 15\r\n", kinds.SERVER_UNAVAILABLE),
    (b"A2 OK already\r\n", BAD_REPLY),
    (b"A9 OK\r\n", BAD_REPLY),
]


@pytest.mark.parametrize(("said", "kind"), IDLE_REFUSALS)
@CHUNKS
async def test_refused_idle_is_a_server_error_unless_it_says_more(said: bytes, kind: Kind, chunk: int) -> None:
    """NO and BAD instead of the `+`."""
    talk = Conversation(ScriptedWire([*OPENED, C(b"A2 IDLE\r\n"), S(said)], chunk))
    await talk.greet()
    await talk.run(Examine())
    assert (await caught(talk.idle())).kind is kind
    assert not talk.idling


async def test_the_end_before_idle_began_is_a_lost_connection_not_a_lost_channel() -> None:
    """Until the `+` nothing is held."""
    talk = Conversation(ScriptedWire([*OPENED, C(b"A2 IDLE\r\n"), End()]))
    await talk.greet()
    await talk.run(Examine())
    assert (await caught(talk.idle())).kind is PEER_CLOSED


IDLE_ENDS: list[tuple[list[Act], Kind]] = [
    ([End()], kinds.IDLE_LOST),
    ([Broken()], kinds.IDLE_LOST),
    ([S(b"* OK Still he"), End()], kinds.IDLE_LOST),
    ([S(b"* BYE Server shutting down.\r\n"), End()], kinds.IDLE_BYE),
    ([S(b"* BYE Server shutting down.\r\n")], kinds.IDLE_BYE),
    ([S(b"* BYE Connection is closed. 13\r\n"), End()], kinds.IDLE_CLOSED),
    ([S(b"* BYE Session too long\r\n"), End()], kinds.IDLE_CLOSED),
    ([S(b"* BYE Session invalidated - AccessTokenExpired\r\n"), End()], kinds.SESSION_EXPIRED),
    ([S(b"A2 BAD Session invalidated - AccessTokenExpired\r\n"), End()], kinds.SESSION_EXPIRED),
    ([S(b"* BAD Session invalidated - AccessTokenExpired\r\n* BYE\r\n"), End()], kinds.SESSION_EXPIRED),
    ([S(b"* BYE Request is throttled. Suggested Backoff Time: 5 milliseconds\r\n"), End()], kinds.THROTTLED),
    ([S(b"A2 OK enough of it\r\n"), End()], kinds.IDLE_ENDED),
    ([S(b"A2 BAD enough of it\r\n"), End()], kinds.IDLE_ENDED),
    ([S(b"A9 OK\r\n")], BAD_REPLY),
    ([S(b"+ again\r\n")], BAD_REPLY),
    ([S(b"garbage\r\n")], BAD_REPLY),
]


@pytest.mark.parametrize(("acts", "kind"), IDLE_ENDS)
@CHUNKS
async def test_every_end_of_idle_has_its_kind(acts: list[Act], kind: Kind, chunk: int) -> None:
    """EOF and BYE lose the push channel, unless the words say what happened."""
    talk = await idling(acts, chunk)
    assert (await caught(wait_thrice(talk))).kind is kind


async def wait_thrice(talk: Conversation) -> None:
    """Hold on through a remark or two."""
    for _ in range(3):
        await talk.wait(60)


@CHUNKS
async def test_changes_are_counted_and_remarks_are_not(chunk: int) -> None:
    """Another count or an expunged message is a change; the same count, RECENT and keep-alives are none."""
    talk = await idling(
        [S(b"* OK Still here\r\n* 3 EXISTS\r\n* 0 RECENT\r\n"), Quiet(), S(b"* 4 EXISTS\r\n* 1 RECENT\r\n"), Quiet()],
        chunk,
    )
    heard = [await talk.wait(60) for _ in range(40)]
    assert sum(heard) == 1
    assert talk.messages == 4
    talk = await idling([S(b"* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n"), Quiet()], chunk)
    assert sum([await talk.wait(60) for _ in range(40)]) == 2
    assert talk.messages == 1


async def test_silence_is_no_fault_and_takes_as_long_as_asked() -> None:
    """A hold that stays quiet returns without a change."""
    talk = await idling([Quiet()])
    wire = talk._wire
    assert isinstance(wire, ScriptedWire)
    before = wire.clock.now
    assert await talk.wait(480) == 0
    assert wire.clock.now == before + 480


async def test_news_is_told_before_the_end_that_came_with_it() -> None:
    """EXISTS and BYE in one piece: first the change, then the loss."""
    for ending in (b"* BYE Server shutting down.\r\n", b"A2 OK enough\r\n"):
        talk = await idling([S(b"* 4 EXISTS\r\n" + ending), End()])
        assert await talk.wait(60) == 1
        assert (await caught(talk.wait(60))).kind in (kinds.IDLE_BYE, kinds.IDLE_ENDED)


@CHUNKS
async def test_nothing_is_dropped_between_two_idle_commands(chunk: int) -> None:
    """What is told after DONE, within another command or before the next `+` is returned by the next wait."""
    acts = transcript("""
        C: DONE
        S: * 4 EXISTS
        S: A2 OK done
        C: A3 NOOP
        S: * 5 EXISTS
        S: A3 OK
        C: A4 IDLE
        S: * 6 EXISTS
        S: + idling
    """)
    talk = await idling(acts, chunk)
    await talk.done()
    assert not talk.idling
    await talk.run(Noop())
    await talk.idle()
    assert await talk.wait(60) == 3


DONE_ENDS: list[tuple[list[Act], Kind]] = [
    ([Quiet()], kinds.IDLE_SILENT),
    ([S(b"* OK Still here\r\n"), Quiet()], kinds.IDLE_SILENT),
    ([End()], kinds.IDLE_LOST),
    ([Broken()], kinds.IDLE_LOST),
    ([S(b"* BYE Server shutting down.\r\n"), End()], kinds.IDLE_BYE),
    ([S(b"A2 BAD what\r\n")], kinds.IDLE_ENDED),
    ([S(b"A2 NO Server Unavailable. 15\r\n")], kinds.SERVER_UNAVAILABLE),
    ([S(b"A9 OK\r\n")], BAD_REPLY),
]


@pytest.mark.parametrize(("acts", "kind"), DONE_ENDS)
async def test_idle_that_does_not_end_when_told_is_lost(acts: list[Act], kind: Kind) -> None:
    """No tagged OK within thirty seconds of DONE, an end instead, or a refusal."""
    talk = await idling([C(b"DONE\r\n"), *acts])
    assert (await caught(talk.done())).kind is kind


async def test_done_that_cannot_be_sent_loses_the_channel() -> None:
    """A reset found out by writing is the same loss."""
    talk = await idling([End()])
    fault = await caught(talk.done())
    assert (fault.kind, fault.evidence["was"]) == (kinds.IDLE_LOST, "peer_reset")


async def test_opening_a_mailbox_again_is_no_change() -> None:
    """EXAMINE tells the count anew; only differences after it are changes."""
    acts = transcript("""
        C: A1 EXAMINE INBOX
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] ok
        S: A1 OK
        C: A2 EXAMINE INBOX
        S: * 9 EXISTS
        S: * OK [UIDVALIDITY 7] ok
        S: A2 OK
        C: A3 IDLE
        S: + idling
    """)
    talk = await greeted([*acts, Quiet()])
    await talk.run(Examine())
    await talk.run(Examine())
    await talk.idle()
    assert await talk.wait(1) == 0


async def test_closing_closes_the_wire() -> None:
    """Without a word."""
    wire = ScriptedWire([])
    await Conversation(wire).close()
    assert wire.closed


SPOKEN = [
    b"* ", b"A1 ", b"A2 ", b"+ ", b"OK ", b"NO ", b"BAD ", b"BYE ", b"\r\n", b"\n", b"LIST () ", b'"/" ', b"INBOX",
    b"{3}\r\nabc",
    b"3 EXISTS", b"1 EXPUNGE", b"[UNAVAILABLE] ", b"CAPABILITY ", b"Connection closed. 14",
    b"AccessTokenExpired", b"\xff\x00",
]  # fmt: skip


@given(st.lists(st.sampled_from(SPOKEN), max_size=40).map(b"".join), st.sampled_from([1, 5, 4096]))
async def test_whatever_is_said_a_command_and_idle_end_in_an_answer_or_the_one_exception(
    said: bytes, chunk: int
) -> None:
    """No server's words bring anything but a value or `FaultError` out of a conversation."""
    spoken: list[Act] = [S(said), End()] if said else [End()]
    talk = await greeted([C(LIST), *spoken], chunk)
    with suppress(FaultError):
        await talk.run(ListAll())
    holding = await idling(spoken, chunk)
    with suppress(FaultError):
        await wait_thrice(holding)
        await holding.done()
