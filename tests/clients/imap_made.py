"""Written-down IMAP servers, and transactions of the mail program with them."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from prober.clients.imap4_mailbox import Imap4Options
from prober.exchange import Call, Flow, Reply
from prober.model import Assignment, Outcome, PushSettings, StepResult, Target
from prober.secret import Secret
from prober.sightings import Sightings
from prober.timeline import Timeline
from prober.transaction import Device, Token, Transaction
from prober.vocabulary import Depth, Environment
from tests.protocols.imap.scripted_wire import Act, Clock, Quiet, ScriptedWire, transcript

CHUNKS = pytest.mark.parametrize("chunk", [1, 2, 7, 4096])
WALL = 1_767_434_400.0
"""2026-01-03 10:00 UTC."""


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

    def __init__(self, kind: str = "refresh_token", expires_in: float = 3600.0, age: float = 0.0) -> None:
        self.kind = kind
        self.username = "alice"
        self.bearer = kind == "refresh_token"
        self.expires_in, self.age = expires_in, age
        self.issued = 1

    async def password(self) -> Secret:
        return Secret("wonder land")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        self.issued += fresh
        return Token(Secret(f"t{self.issued}"), self.expires_in, self.age, cached=not fresh)

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
    canary: str | None = None,
    sightings: Sightings | None = None,
) -> Transaction:
    """Return a transaction whose dials reach `servers` in turn; `person` is absent only at depth reach."""
    if person is None and depth is not Depth.REACH:
        person = Person()
    assignment = Assignment(
        client="imap4",
        target=Target("hq", environment, "a@b", {"imap4": url}, canary=canary),
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
    return Transaction(
        assignment,
        Wires(*wires),
        Timeline(clock),
        Device("d", memory),
        person,
        sightings=sightings,
        wall=lambda: WALL + clock.now - 1000,
    )


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


def failing(at: int, *answers: str) -> list[Act]:
    """Return a server that is well until the command at place `at` of the table, and then answers so."""
    command = TO_IDLE[at][0]
    return [*GREETING, *said(*TO_IDLE[:at], (command, answers))]


def signing_in(offer: str, *acts: Act) -> list[Act]:
    """Return a server that offers so much and then hears the sign-in; it is not a whole transaction."""
    return [*GREETING, *said(("CAPABILITY", [f"* CAPABILITY IMAP4rev1 {offer}", "OK"])), *acts]


PLAIN = base64.b64encode(b"\0alice\0wonder land").decode()
