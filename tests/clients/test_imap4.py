"""The mail program against written-down servers: the whole transaction, and every step that can go wrong."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from prober.clients.imap4 import CLIENT, LONGEST_IDLE, HeldInbox, Imap4Options, choose
from prober.exchange import Call, Flow, Reply
from prober.faults.taxonomy import PEER_CLOSED, STARTTLS_REFUSED, FaultError, Kind, Reason
from prober.model import Assignment, Outcome, PushSettings, StepResult, Target
from prober.protocols.imap import status as kinds
from prober.secret import Secret
from prober.timeline import Timeline
from prober.transaction import Device, Token, Transaction, perform
from prober.vocabulary import Depth, Environment
from tests.protocols.imap.scripted_wire import (
    Act,
    C,
    Clock,
    End,
    Handshake,
    Quiet,
    S,
    ScriptedWire,
    Silent,
    transcript,
)

CHUNKS = pytest.mark.parametrize("chunk", [1, 2, 7, 4096])


class Wires:
    """Implements `Session`: each dial gets the next written-down server."""

    def __init__(self, *wires: ScriptedWire) -> None:
        self.wires = list(wires)
        self.dialled: list[str] = []
        self.closed = False

    async def exchange(self, call: Call) -> Reply:
        raise AssertionError("no HTTP here")

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> ScriptedWire:
        self.dialled.append(url)
        return self.wires[len(self.dialled) - 1]

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        self.closed = True


class Person:
    """Implements `Identity`. Tokens are `t1`, `t2` … with an hour to live; the first is in the cache."""

    def __init__(self, kind: str = "refresh_token", expires_in: float = 3600.0) -> None:
        self.kind = kind
        self.username = "alice"
        self.bearer = kind == "refresh_token"
        self.expires_in = expires_in
        self.issued = 1

    async def password(self) -> Secret:
        return Secret("wonder land")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        self.issued += fresh
        return Token(Secret(f"t{self.issued}"), self.expires_in, 0.0, cached=not fresh)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        raise AssertionError("no HTTP here")

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        raise AssertionError("no HTTP here")


def transaction(
    *servers: Sequence[Act],
    person: Person | None = None,
    depth: Depth = Depth.MAILBOX,
    url: str = "imaps://mail.example.test:993",
    environment: Environment = Environment.EXCHANGE_SERVER,
    options: Imap4Options | None = None,
    memory: dict[str, str] | None = None,
    push: PushSettings | None = None,
    chunk: int = 4096,
) -> Transaction:
    """Return a transaction whose dials reach `servers` in turn; `person` is absent only at depth reach."""
    if person is None and depth is not Depth.REACH:
        person = Person()
    assignment = Assignment(
        client="imap4",
        target=Target("hq", environment, "a@b", {"imap4": url}),
        depth=depth,
        interval=60,
        timeout=300,
        credential="someone" if person else None,
        credential_kind=person.kind if person else "",
        options=options or Imap4Options(),
        push=push,
    )
    clock = Clock()
    wires = (ScriptedWire(acts, chunk, clock) for acts in servers)
    return Transaction(assignment, Wires(*wires), Timeline(clock), Device("d", memory), person)


def wire_of(tx: Transaction, number: int = 0) -> ScriptedWire:
    session = tx.session
    assert isinstance(session, Wires)
    return session.wires[number]


def facts(outcome: Outcome, step: str) -> Mapping[str, Any]:
    return step_of(outcome, step).facts


def step_of(outcome: Outcome, step: str) -> StepResult:
    return next(result for result in outcome.results if result.step == step)


OFFER = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
GREETING = transcript(
    "S: * OK The Microsoft Exchange IMAP4 service is ready. [RgBSADMAUAAyADgAMQBDAEEAMAAxADUANwAuAEQARQBVAFAAMgA4ADEAL"
    "gBQAFIATwBEAC4ATwBVAFQATABPAE8ASwAuAEMATwBNAA==]"
)
SASL = base64.b64encode(b"user=a@b\x01auth=Bearer t1\x01\x01").decode()


def said(*commands: tuple[str, Sequence[str]], first: int = 1) -> list[Act]:
    """Return the acts of commands and their answers, numbered; `OK` and the like in answers get the tag."""
    acts: list[Act] = []
    for number, (command, answers) in enumerate(commands, first):
        acts += transcript(f"C: A{number} {command}")
        for answer in answers:
            acts += transcript("S: " + (answer if answer[0] in "*+" else f"A{number} {answer}"))
    return acts


Spoken = tuple[str, Sequence[str]]
CAPABILITY: Spoken = ("CAPABILITY", [f"* CAPABILITY {OFFER}", "OK CAPABILITY completed."])
ID: Spoken = ('ID ("name" "client-access-prober" "version" "1.0")', ['* ID ("name" "Exchange")', "OK"])
AUTHENTICATE: Spoken = (f"AUTHENTICATE XOAUTH2 {SASL}", ["OK AUTHENTICATE completed."])
CAPABILITY_AUTH: Spoken = ("CAPABILITY", [f"* CAPABILITY {OFFER} MOVE", "OK"])
NAMESPACE: Spoken = ("NAMESPACE", ['* NAMESPACE (("" "/")) NIL NIL', "OK"])
LIST: Spoken = ('LIST "" "*"', ['* LIST () "/" INBOX', '* LIST (\\Sent \\Marked) "/" "Sent Items"', "OK"])
EXAMINE: Spoken = (
    "EXAMINE INBOX",
    ["* 9 EXISTS", "* 0 RECENT", "* OK [UIDVALIDITY 14] x", "* OK [UIDNEXT 22] x", "OK [READ-ONLY] done"],
)
FETCH: Spoken = (
    "UID FETCH 17:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
    [
        '* 8 FETCH (UID 20 FLAGS () INTERNALDATE "03-Jan-2026 10:00:00 +0100" RFC822.SIZE 512)',
        '* 9 FETCH (UID 21 FLAGS () INTERNALDATE "02-Jan-2026 10:00:00 +0000" RFC822.SIZE 512)',
        "OK",
    ],
)
DATE: Spoken = (
    "UID FETCH 21 (BODY.PEEK[HEADER.FIELDS (DATE)])",
    ['* 9 FETCH (UID 21 BODY[HEADER.FIELDS (DATE)] "Date: x")', "OK"],
)
TO_IDLE = (CAPABILITY, ID, AUTHENTICATE, CAPABILITY_AUTH, NAMESPACE, LIST, EXAMINE, FETCH, DATE)
IDLE: list[Act] = transcript("C: A10 IDLE\nS: + idling")
REST: list[Act] = [
    Quiet(),
    *transcript("C: DONE\nS: A10 OK"),
    *said(("NOOP", ["OK"]), ("LOGOUT", ["* BYE", "OK"]), first=11),
]
HEALTHY: list[Act] = [*GREETING, *said(*TO_IDLE), *IDLE, *REST]
STEPS = [
    "greeting", "capability", "id", "token_request", "authenticate", "capability_auth", "namespace", "list",
    "select_inbox", "fetch_headers", "idle_start", "idle_hold", "noop", "logout",
]  # fmt: skip


@CHUNKS
async def test_a_healthy_mailbox_passes_every_step(chunk: int) -> None:
    """The whole table in its order, at any chunking; facts say what was seen, and everything sent was expected."""
    tx = transaction(HEALTHY, chunk=chunk)
    outcome = await perform(CLIENT, tx)
    assert outcome.fault is None
    assert [result.step for result in outcome.results] == STEPS
    assert wire_of(tx).acts == []
    assert facts(outcome, "greeting")["site"] == "FR3P281"
    assert facts(outcome, "authenticate")["mechanism"] == "xoauth2"
    assert facts(outcome, "list") == {"mailboxes": 2, "special_uses": "\\sent"}
    assert facts(outcome, "select_inbox") == {"messages": 9, "read_only": True}
    assert facts(outcome, "fetch_headers")["newest_internaldate"] == "2026-01-03T09:00:00+00:00"
    assert facts(outcome, "idle_hold")["changes"] == 0


async def test_a_token_from_the_cache_has_no_duration() -> None:
    """The step stands in the record, but nothing was measured."""
    outcome = await perform(CLIENT, transaction(HEALTHY))
    assert step_of(outcome, "token_request").elapsed is None


@pytest.mark.parametrize(("depth", "person"), [(Depth.REACH, None), (Depth.TOKEN, Person())])
async def test_without_a_mailbox_it_takes_leave_before_signing_in(depth: Depth, person: Person | None) -> None:
    """Greeting, capabilities, ID, and LOGOUT, whose failure is only a fact."""
    for leave, told in ((("LOGOUT", ["* BYE bye", "OK"]), None), (("LOGOUT", ["BAD no"]), "imap_command_refused")):
        tx = transaction([*GREETING, *said(CAPABILITY, ID, leave)], depth=depth, person=person)
        outcome = await perform(CLIENT, tx)
        assert outcome.fault is None
        steps = ["greeting", "capability", "id", "reach_logout", "token_request"]
        assert [result.step for result in outcome.results] == steps[: None if person else -1]
        assert facts(outcome, "reach_logout").get("tolerated") == told


def failing(at: int, *answers: str) -> list[Act]:
    """Return a server that is well until the command at place `at` of the table, and then answers so."""
    command = TO_IDLE[at][0]
    return [*GREETING, *said(*TO_IDLE[:at], (command, answers))]


FAILURES: list[tuple[list[Act], str, Kind]] = [
    ([*transcript("S: * BYE busy"), End()], "greeting", kinds.BYE),
    ([End()], "greeting", PEER_CLOSED),
    (failing(0, "* CAPABILITY IMAP4rev1 AUTH=PLAIN", "OK"), "capability", kinds.OAUTH_NOT_OFFERED),
    (failing(2, "NO AUTHENTICATE failed."), "authenticate", kinds.AUTHENTICATION_FAILED),
    (failing(2, "NO [UNAVAILABLE] later"), "authenticate", kinds.UNAVAILABLE),
    (failing(4, "BAD User is authenticated but not connected."), "namespace", kinds.AUTHENTICATED_NOT_CONNECTED),
    (failing(5, "NO Server Unavailable. 15"), "list", kinds.SERVER_UNAVAILABLE),
    (failing(5, '* LIST () "/" Sent', "OK"), "list", kinds.NO_INBOX),
    (failing(6, "NO [INUSE] locked"), "select_inbox", kinds.IN_USE),
    (failing(7, "NO Some messages could not be FETCHed"), "fetch_headers", kinds.FETCH_FAILED),
    ([*GREETING, *said(*TO_IDLE, ("IDLE", ["BAD no"]))], "idle_start", kinds.IDLE_REFUSED),
    ([*GREETING, *said(*TO_IDLE), *IDLE, End()], "idle_hold", kinds.IDLE_LOST),
    ([*GREETING, *said(*TO_IDLE), *IDLE, Quiet(), C(b"DONE\r\n"), Quiet()], "idle_hold", kinds.IDLE_SILENT),
    (
        [*GREETING, *said(*TO_IDLE), *IDLE, S(b"* BYE Session invalidated - AccessTokenExpired\r\n"), End()],
        "idle_hold",
        kinds.SESSION_EXPIRED_EARLY,
    ),
]


@pytest.mark.parametrize(("acts", "step", "kind"), FAILURES)
async def test_the_step_that_breaks_names_what_broke(acts: list[Act], step: str, kind: Kind) -> None:
    """The first fault ends the transaction; the steps after it are listed as skipped; everything is closed."""
    tx = transaction(acts)
    outcome = await perform(CLIENT, tx)
    assert outcome.failure is not None
    assert (outcome.failure.step, outcome.failure.fault and outcome.failure.fault.kind) == (step, kind)
    assert outcome.skipped == tuple(STEPS[STEPS.index(step) + 1 :])
    session = tx.session
    assert isinstance(session, Wires)
    assert session.closed


@pytest.mark.parametrize("place", range(1, len(HEALTHY)))
async def test_an_end_at_any_point_is_a_lost_connection_or_channel(place: int) -> None:
    """Cut off after every act of the healthy conversation, it never passes for anything else."""
    outcome = await perform(CLIENT, transaction([*HEALTHY[:place], End()]))
    broken = outcome.fault
    if broken is None:
        assert "tolerated" in facts(outcome, "logout")
        return
    assert broken.reason in (Reason.CONNECTION_RESET, Reason.PUSH_CHANNEL_LOST)


@pytest.mark.parametrize("place", range(1, len(HEALTHY)))
async def test_silence_at_any_point_is_a_read_timeout_or_a_lost_channel(place: int) -> None:
    """Stalled after every act of the healthy conversation, the wait is what failed."""
    outcome = await perform(CLIENT, transaction([*HEALTHY[:place], Silent()]))
    assert outcome.fault is None or outcome.fault.reason in (Reason.READ_TIMEOUT, Reason.PUSH_CHANNEL_LOST)
    assert outcome.fault or "tolerated" in facts(outcome, "logout")


def signing_in(offer: str, *acts: Act) -> list[Act]:
    """Return a server that offers so much and then hears the sign-in; it is not a whole transaction."""
    return [*GREETING, *said(("CAPABILITY", [f"* CAPABILITY IMAP4rev1 {offer}", "OK"])), *acts]


BEARER = base64.b64encode(b"n,a=a@b,\x01host=mail.example.test\x01port=993\x01auth=Bearer t1\x01\x01").decode()
PLAIN = base64.b64encode(b"\0alice\0wonder land").decode()
NAME, WORD = base64.b64encode(b"alice").decode(), base64.b64encode(b"wonder land").decode()
SIGN_INS: list[tuple[str, str, Imap4Options, list[str], str]] = [
    (
        "refresh_token",
        "AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR",
        Imap4Options(),
        [f"A2 AUTHENTICATE XOAUTH2 {SASL}"],
        "xoauth2",
    ),
    ("refresh_token", "AUTH=XOAUTH2", Imap4Options(), ["A2 AUTHENTICATE XOAUTH2", SASL], "xoauth2"),
    ("refresh_token", "AUTH=XOAUTH2", Imap4Options(sasl_ir="yes"), [f"A2 AUTHENTICATE XOAUTH2 {SASL}"], "xoauth2"),
    ("refresh_token", "AUTH=XOAUTH2 SASL-IR", Imap4Options(sasl_ir="no"), ["A2 AUTHENTICATE XOAUTH2", SASL], "xoauth2"),
    (
        "refresh_token",
        "AUTH=OAUTHBEARER SASL-IR",
        Imap4Options(),
        [f"A2 AUTHENTICATE OAUTHBEARER {BEARER}"],
        "oauthbearer",
    ),
    (
        "refresh_token",
        "AUTH=XOAUTH2 AUTH=OAUTHBEARER",
        Imap4Options(mechanism="oauthbearer"),
        ["A2 AUTHENTICATE OAUTHBEARER", BEARER],
        "oauthbearer",
    ),
    ("basic", "AUTH=PLAIN AUTH=LOGIN SASL-IR", Imap4Options(), [f"A2 AUTHENTICATE PLAIN {PLAIN}"], "plain"),
    ("basic", "AUTH=PLAIN", Imap4Options(), ["A2 AUTHENTICATE PLAIN", PLAIN], "plain"),
    ("ntlm", "", Imap4Options(), ['A2 LOGIN "alice" "wonder land"'], "login"),
    ("basic", "AUTH=PLAIN", Imap4Options(mechanism="login"), ['A2 LOGIN "alice" "wonder land"'], "login"),
    ("basic", "LOGINDISABLED AUTH=LOGIN SASL-IR", Imap4Options(), ["A2 AUTHENTICATE LOGIN", NAME, WORD], "login"),
]


@pytest.mark.parametrize(("kind", "offer", "options", "lines", "mechanism"), SIGN_INS)
async def test_the_best_means_that_credential_and_server_share_is_taken(
    kind: str, offer: str, options: Imap4Options, lines: list[str], mechanism: str
) -> None:
    """Mechanism and initial response follow credential, offer and options; pieces wait to be asked for."""
    asked: list[Act] = []
    for line in lines:
        asked += transcript(f"C: {line}\nS: +")
    tx = transaction(signing_in(offer, *asked[:-1], S(b"A2 OK in\r\n")), person=Person(kind), options=options)
    outcome = await perform(CLIENT, tx)
    assert facts(outcome, "authenticate")["mechanism"] == mechanism
    assert step_of(outcome, "authenticate").fault is None
    assert ("token_request" in {result.step for result in outcome.results}) == (kind == "refresh_token")


@pytest.mark.parametrize(
    ("kind", "offer", "choice", "expected"),
    [
        ("basic", "LOGINDISABLED", "auto", kinds.MECHANISM_NOT_OFFERED),
        ("basic", "AUTH=LOGIN LOGINDISABLED", "plain", kinds.MECHANISM_NOT_OFFERED),
        ("basic", "AUTH=XOAUTH2 AUTH=PLAIN", "xoauth2", kinds.MECHANISM_NOT_OFFERED),
        ("refresh_token", "AUTH=XOAUTH2", "oauthbearer", kinds.MECHANISM_NOT_OFFERED),
        ("refresh_token", "AUTH=XOAUTH2 AUTH=PLAIN", "plain", kinds.MECHANISM_NOT_OFFERED),
    ],
)
async def test_no_means_in_common_is_a_matter_of_set_up(kind: str, offer: str, choice: Any, expected: Kind) -> None:
    """Nothing is sent that was not offered, and a token is never sent as a password."""
    tx = transaction(signing_in(offer), person=Person(kind), options=Imap4Options(mechanism=choice))
    outcome = await perform(CLIENT, tx)
    assert outcome.failure is not None
    assert (outcome.failure.step, outcome.fault and outcome.fault.kind) == ("authenticate", expected)
    assert expected.reason is Reason.CLIENT_MISCONFIG


def test_choosing_without_oauth_names_what_is_missing() -> None:
    """After the step `capability` has passed, OAuth may still vanish behind STARTTLS."""
    with pytest.raises(FaultError) as caught:
        choose("auto", frozenset(), oauth=True)
    assert caught.value.fault.kind is kinds.OAUTH_NOT_OFFERED


async def test_oauth_that_was_offered_before_is_withdrawn_by_the_server() -> None:
    """The device remembers: what is missing from the start is set-up, what vanishes is a fault of the service."""
    memory: dict[str, str] = {}
    first = await perform(CLIENT, transaction(signing_in("AUTH=PLAIN"), memory=memory))
    assert first.fault is not None
    assert first.fault.kind is kinds.OAUTH_NOT_OFFERED
    await perform(CLIENT, transaction(HEALTHY, memory=memory))
    then = await perform(CLIENT, transaction(signing_in("AUTH=PLAIN"), memory=memory))
    assert then.fault is not None
    assert (then.fault.kind, then.fault.reason) == (kinds.OAUTH_WITHDRAWN, Reason.SERVER_ERROR)


async def test_exchange_online_must_offer_oauth_even_where_nobody_signs_in() -> None:
    """At depth reach there is no credential; elsewhere nobody can tell what would be needed."""
    for environment, fails in ((Environment.EXCHANGE_ONLINE, True), (Environment.EXCHANGE_SERVER, False)):
        acts = [*signing_in("AUTH=PLAIN"), *said(("LOGOUT", ["OK"]), first=2)]
        outcome = await perform(CLIENT, transaction(acts, depth=Depth.REACH, environment=environment))
        assert bool(outcome.fault) == fails


@CHUNKS
async def test_a_plain_endpoint_is_upgraded_before_anything_secret(chunk: int) -> None:
    """Capabilities in plain, STARTTLS, the handshake, capabilities anew; only those count."""
    acts: list[Act] = [
        *GREETING,
        *said(("CAPABILITY", ["* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED", "OK"]), ("STARTTLS", ["OK go"])),
        Handshake(),
        *said(("CAPABILITY", ["* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR", "OK"]), first=3),
        *said((f"AUTHENTICATE PLAIN {PLAIN}", ["OK"]), first=4),
    ]
    tx = transaction(acts, person=Person("basic"), url="imap://mail.example.test:143", chunk=chunk)
    outcome = await perform(CLIENT, tx)
    assert wire_of(tx).upgraded
    assert step_of(outcome, "authenticate").fault is None


@pytest.mark.parametrize(
    "acts",
    [
        signing_in("AUTH=PLAIN AUTH=XOAUTH2"),
        [*signing_in("STARTTLS AUTH=PLAIN"), *said(("STARTTLS", ["NO not today"]), first=2)],
        [*signing_in("STARTTLS AUTH=PLAIN"), *said(("STARTTLS", ["BAD what"]), first=2)],
    ],
)
async def test_without_tls_nothing_secret_is_said(acts: list[Act]) -> None:
    """STARTTLS missing or refused ends the transaction in `capability`, at every depth."""
    for depth, person in ((Depth.MAILBOX, Person("basic")), (Depth.REACH, None)):
        tx = transaction(acts, person=person, depth=depth, url="imap://mail.example.test")
        outcome = await perform(CLIENT, tx)
        assert outcome.failure is not None
        assert (outcome.failure.step, outcome.fault and outcome.fault.kind) == ("capability", STARTTLS_REFUSED)
        assert b"wonder" not in wire_of(tx).sent


async def test_bad_to_id_is_only_noted() -> None:
    """Some servers do not know it although they say so; others do not say so and are not asked."""
    refused = [*GREETING, *said(CAPABILITY, (ID[0], ["BAD Command Error. 12"])), Silent()]
    outcome = await perform(CLIENT, transaction(refused))
    assert facts(outcome, "id") == {"id": "refused"}
    outcome = await perform(CLIENT, transaction([*signing_in("AUTH=XOAUTH2 SASL-IR"), Silent()]))
    assert "id" in outcome.skipped


def with_examine(*answers: str, after: Sequence[Spoken] = ()) -> list[Act]:
    """Return a server whose inbox says so; then it hears `after` and falls silent."""
    return [*GREETING, *said(*TO_IDLE[:6], ("EXAMINE INBOX", answers), *after), Silent()]


async def test_an_empty_mailbox_is_healthy() -> None:
    """Nothing to fetch: the step is skipped and the transaction goes on."""
    answers = ["* 0 EXISTS", "* OK [UIDVALIDITY 14] x", "* OK [UIDNEXT 1] x", "OK [READ-ONLY] done"]
    idle: list[Act] = [C(b"A8 IDLE\r\n"), S(b"+ idling\r\n"), Quiet(), C(b"DONE\r\n"), S(b"A8 OK\r\n")]
    acts = [*with_examine(*answers)[:-1], *idle, *said(("NOOP", ["OK"]), ("LOGOUT", ["OK"]), first=9)]
    outcome = await perform(CLIENT, transaction(acts))
    assert (outcome.fault, outcome.skipped) == (None, ("fetch_headers",))


@pytest.mark.parametrize(("uid_next", "first"), [("", 4294967295), ("* OK [UIDNEXT 3] x", 1)])
async def test_the_newest_messages_are_asked_for_in_any_mailbox(uid_next: str, first: int) -> None:
    """Without UIDNEXT the last message alone; with few messages from the first UID on."""
    answers = [one for one in ("* 2 EXISTS", "* OK [UIDVALIDITY 14] x", uid_next, "OK [READ-WRITE] done") if one]
    fetch = f"UID FETCH {first}:* (UID FLAGS INTERNALDATE RFC822.SIZE)"
    outcome = await perform(CLIENT, transaction(with_examine(*answers, after=[(fetch, ["* 1 EXPUNGE", "OK"])])))
    assert step_of(outcome, "fetch_headers").fault is None
    assert facts(outcome, "select_inbox")["read_only"] is False


async def test_a_changed_uidvalidity_is_noted_and_remembered() -> None:
    """The device remembers the mailbox's incarnation; the first time there is nothing to compare."""
    memory: dict[str, str] = {}
    assert "uid_validity_changed" not in facts(
        await perform(CLIENT, transaction(HEALTHY, memory=memory)), "select_inbox"
    )
    assert "uid_validity_changed" not in facts(
        await perform(CLIENT, transaction(HEALTHY, memory=memory)), "select_inbox"
    )
    memory["uid_validity"] = "13"
    assert facts(await perform(CLIENT, transaction(HEALTHY, memory=memory)), "select_inbox")["uid_validity_changed"]
    assert memory["uid_validity"] == "14"


async def test_special_uses_are_asked_for_where_they_can_be() -> None:
    """RETURN (SPECIAL-USE) needs the extended LIST too (RFC 6154, RFC 5258)."""
    offered = ("CAPABILITY", [f"* CAPABILITY {OFFER} SPECIAL-USE LIST-EXTENDED", "OK"])
    listing = ('LIST "" "*" RETURN (SPECIAL-USE)', LIST[1])
    acts = [*GREETING, *said(*TO_IDLE[:3], offered, NAMESPACE, listing), Silent()]
    outcome = await perform(CLIENT, transaction(acts))
    assert facts(outcome, "list")["special_uses"] == "\\sent"


async def test_what_the_server_never_offered_is_skipped_and_what_it_withdrew_is_a_fault() -> None:
    """NAMESPACE and IDLE are used where offered; IDLE that was there before must stay."""
    bare = ("CAPABILITY", ["* CAPABILITY IMAP4rev1", "OK"])
    acts = [*GREETING, *said(*TO_IDLE[:3], bare, *TO_IDLE[5:], ("NOOP", ["OK"]), ("LOGOUT", ["OK"]))]
    outcome = await perform(CLIENT, transaction(acts))
    assert (outcome.fault, outcome.skipped) == (None, ("namespace", "idle_start", "idle_hold"))
    assert facts(outcome, "capability_auth") == {"idle_offered": False}
    memory: dict[str, str] = {}
    await perform(CLIENT, transaction(HEALTHY, memory=memory))
    outcome = await perform(CLIENT, transaction(acts, memory=memory))
    assert outcome.fault is not None
    assert outcome.fault.kind is kinds.IDLE_WITHDRAWN


async def test_idle_stays_as_long_as_told_and_counts_what_it_hears() -> None:
    """A keep-alive does not shorten the hold, a change does not end it, and the step's limit lies beyond it."""
    options = Imap4Options(idle_seconds=90)
    heard: list[Act] = [S(b"* OK Still here\r\n"), S(b"* 10 EXISTS\r\n"), Quiet()]
    tx = transaction([*GREETING, *said(*TO_IDLE), *IDLE, *heard, *REST[1:]], options=options)
    outcome = await perform(CLIENT, tx)
    assert facts(outcome, "idle_hold")["changes"] == 1
    assert wire_of(tx).clock.now == 1090
    hold = next(step for step in CLIENT.steps if step.name == "idle_hold")
    assert hold.limit(tx.assignment) > 90 + 30


async def test_nothing_secret_is_left_in_the_record() -> None:
    """Neither token nor password nor address stands in an outcome, whatever happens."""
    for acts in (HEALTHY, failing(2, "NO AUTHENTICATE failed. a@b t1")):
        printed = repr(await perform(CLIENT, transaction(acts)))
        assert not any(secret in printed for secret in ("t1'", "a@b", SASL))


@pytest.mark.parametrize(
    "options", [{"idle_seconds": 0}, {"idle_seconds": 1800}, {"id_name": "\r\n"}, {"id_version": "ä"}]
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    """IDLE must end before the 29 minutes of RFC 2177; the ID fields must be quotable."""
    with pytest.raises(ValueError, match="must be"):
        Imap4Options(**options)


async def test_a_step_out_of_order_is_a_bug_of_ours() -> None:
    """No conversation before the greeting."""
    step = next(step for step in CLIENT.steps if step.name == "noop")
    with pytest.raises(FaultError) as caught:
        await step.run(transaction([]), CLIENT.memory())
    assert caught.value.fault.reason is Reason.PROBE_INTERNAL
    with pytest.raises(FaultError) as caught:
        assert CLIENT.memory().bearer
    assert caught.value.fault.reason is Reason.PROBE_INTERNAL


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


@CHUNKS
async def test_a_held_channel_tells_of_changes_and_keeps_quiet_otherwise(chunk: int) -> None:
    """A new message is a change; keep-alives and silence are none and last as long as asked."""
    acts = [*OPENING, S(b"* OK Still here\r\n"), Quiet(), S(b"* 10 EXISTS\r\n"), Silent()]
    channel, tx = await held(acts, chunk=chunk)
    assert not await channel.wait(tx, 100)
    assert wire_of(tx).clock.now == 1100
    assert await channel.wait(tx, 100)
    assert wire_of(tx).clock.now == 1100


async def test_a_held_channel_renews_idle_before_the_servers_limit() -> None:
    """DONE and IDLE every `hold` seconds, at most every 28 minutes; what is told in between is not lost."""
    again: list[Act] = [C(b"DONE\r\n"), S(b"* 10 EXISTS\r\nA5 OK\r\n"), C(b"A6 IDLE\r\n"), S(b"+ idling\r\n")]
    channel, tx = await held([*OPENING, Quiet(), *again, Silent()], push=PushSettings(hold=3600, life=9000))
    assert await channel.wait(tx, 3000)
    assert wire_of(tx).clock.now == 1000 + LONGEST_IDLE
    channel, tx = await held([*OPENING, Quiet(), *again, Silent()], push=PushSettings(hold=480))
    assert not await channel.wait(tx, 479)
    assert await channel.wait(tx, 479)
    assert wire_of(tx).clock.now == 1480


EXPIRED = S(b"* BYE Session invalidated - AccessTokenExpired\r\n")
SASL_AGAIN = base64.b64encode(b"user=a@b\x01auth=Bearer t2\x01\x01").decode()
AGAIN: list[Act] = [
    *GREETING,
    *said(CAPABILITY, (f"AUTHENTICATE XOAUTH2 {SASL_AGAIN}", ["OK"]), CAPABILITY_AUTH, EXAMINE),
    *OPENING[-2:],
]


async def test_a_session_that_ends_with_its_token_is_opened_anew() -> None:
    """At the end of the token's life that is no loss: a new token, a new connection, and the hold goes on."""
    changed = [S(act.data.replace(b"9 EXISTS", b"10 EXISTS")) if isinstance(act, S) else act for act in AGAIN]
    for server, news in ((AGAIN, False), (changed, True)):
        channel, tx = await held([*OPENING, EXPIRED, End()], [*server, Silent()], person=Person(expires_in=200))
        assert await channel.wait(tx, 100) is news
        assert wire_of(tx).closed
        assert not wire_of(tx, 1).closed


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


def test_the_client_is_registered_with_the_names_people_rely_on() -> None:
    """Name, steps in order, endpoint and scopes."""
    assert CLIENT.name == "imap4"
    assert [step.name for step in CLIENT.steps if step.name != "reach_logout"] == STEPS
    assert CLIENT.endpoints == ("imap4",)
    assert CLIENT.scopes is not None
    assert CLIENT.scopes.delegated.startswith("https://outlook.office.com/IMAP.AccessAsUser.All")
    assert not any(step.opt_in for step in CLIENT.steps)
