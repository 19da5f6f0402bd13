"""Answers of servers of MAPI over HTTP written out by hand, and an Outlook that asks."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from prober.clients.mapi import OutlookOptions
from prober.clients.outlook_desktop import CLIENT
from prober.exchange import Auth, Call, Flow, Headers, Reply, Wire
from prober.faults.taxonomy import FaultError, Reason
from prober.model import Assignment, Outcome, StepResult, Target
from prober.secret import Secret
from prober.timeline import Timeline
from prober.transaction import Device, Scopes, Token, Transaction, perform
from prober.vocabulary import Depth, Environment
from tests.protocols.mapi.made import (
    CONNECTED,
    COOKIES,
    DN,
    DONE,
    LOGGED_ON,
    NOTHING,
    REGISTERED,
    Clock,
    Scripted,
    head,
    notified,
)

MAPI = "https://mail.contoso.com/mapi/emsmdb/"
ENDPOINTS = {
    "mapi": MAPI,
    "nspi": "https://mail.contoso.com/mapi/nspi/",
    "autodiscover_pox": "https://mail.contoso.com/autodiscover/autodiscover.xml",
    "autodiscover_soap": "https://mail.contoso.com/autodiscover/autodiscover.svc",
}
OWNER = "user@contoso.com"
FOUND = f"{MAPI}?MailboxId=416c6368-656d-794a-6f45-57615272456e@contoso.com"
Said = Reply | FaultError
OPTIONAL = frozenset(step.name for step in CLIENT.steps if step.opt_in)
BEARER = 'Bearer trusted_issuers="00000001-0000-0000-c000-000000000000@*", authorization_uri="https://login/authorize"'


def said(kind: str, content: bytes = b"", *cookies: tuple[str, str], code: int = 0) -> Reply:
    """Return an answer that may be to any request of its kind: it does not repeat the request's id."""
    fields = [field for field in head(kind, str(code)) if field[0] != "X-RequestId"]
    return Reply(200, Headers([*fields, *cookies]), b"<html>no</html>" if code else DONE + content)


def refused(status: int, **headers: str) -> Reply:
    return Reply(status, Headers((name.replace("_", "-"), value) for name, value in headers.items()))


def pox(url: str = FOUND, dn: str = DN, nspi: str = ENDPOINTS["nspi"]) -> Reply:
    sections = "".join(
        f"<{name}><ExternalUrl>{value}</ExternalUrl></{name}>"
        for name, value in (("MailStore", url), ("AddressBook", nspi))
        if value
    )
    protocol = f'<Protocol Type="mapiHttp" Version="1">{sections}</Protocol>' if url else ""
    return account(f"<User><LegacyDN>{dn}</LegacyDN></User><Account>{protocol}</Account>")


def account(content: str) -> Reply:
    return Reply(200, Headers(), f"<Autodiscover><Response>{content}</Response></Autodiscover>".encode())


def soap(user: str) -> Reply:
    response = (
        f"<Response><ErrorCode>NoError</ErrorCode><UserResponses><UserResponse>{user}</UserResponse></UserResponses>"
    )
    message = f"<GetUserSettingsResponseMessage>{response}</Response></GetUserSettingsResponseMessage>"
    return Reply(200, Headers(), f"<Envelope><Body>{message}</Body></Envelope>".encode())


def settings(dn: str = DN) -> Reply:
    pairs = f"<UserSetting><Name>UserDN</Name><Value>{dn}</Value></UserSetting>" if dn else ""
    return soap(f"<ErrorCode>NoError</ErrorCode><UserSettings>{pairs}</UserSettings>")


CHALLENGE = refused(401, WWW_Authenticate=BEARER)
HEALTHY = Reply(200, Headers(), b"200 OK<br/>MBX01.contoso.com")
NEWS, NO_NEWS = DONE + notified(1), DONE + notified(0)
PROCESSING, PENDING = b"PROCESSING\r\n", b"PENDING\r\n"
Piece = bytes | float | Exception | None


class Server:
    """Implements `Session`. Each kind of question has its answers in order; the last one stays."""

    def __init__(self, *flows: Sequence[Piece] | Reply | FaultError, **answers: Said | Sequence[Said]) -> None:
        self.clock = Clock()
        self.flows = list(flows)
        self.opened_flows: list[Scripted] = []
        self.answers: dict[str, list[Said]] = {
            "mapi": [HEALTHY],
            "rpc": [HEALTHY],
            "oab": [HEALTHY],
            "challenge": [CHALLENGE],
            "nspi": [CHALLENGE],
            "anonymous": [refused(401, WWW_Authenticate="Negotiate")],
            "pox": [pox()],
            "soap": [settings()],
            "PING": [said("PING")],
            "Connect": [said("Connect", CONNECTED, *COOKIES)],
            "Execute": [said("Execute", LOGGED_ON), said("Execute", REGISTERED), said("Execute", NOTHING)],
            "Disconnect": [said("Disconnect", bytes(12))],
        }
        self.answers |= {
            name: [given] if isinstance(given, Reply | FaultError) else [*given] for name, given in answers.items()
        }
        self.calls: list[Call] = []
        self.asked: list[str] = []

    def _note(self, call: Call) -> str:
        name = _name(call)
        self.calls.append(call)
        self.asked.append(name)
        return name

    async def exchange(self, call: Call) -> Reply:
        waiting = self.answers[self._note(call)]
        given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(given, FaultError):
            raise given
        return given

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        assert self._note(call) == "NotificationWait"
        given = self.flows.pop(0)
        if isinstance(given, FaultError):
            raise given
        reply = given if isinstance(given, Reply) else said("NotificationWait")
        flow = Scripted([] if isinstance(given, Reply) else given, reply, self.clock)
        self.opened_flows.append(flow)
        return flow

    async def dial(self, url: str) -> Wire:
        raise AssertionError("no conversation here")

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""

    def of(self, name: str) -> list[Call]:
        return [call for call, asked in zip(self.calls, self.asked, strict=True) if asked == name]


def _name(call: Call) -> str:
    path = urlsplit(call.url).path
    if path.endswith("healthcheck.htm"):
        return path.split("/")[1]
    if path.endswith(".svc"):
        return "soap"
    if path.endswith(".xml"):
        return "pox" if call.auth is Auth.CREDENTIAL else "anonymous"
    if call.auth is Auth.EMPTY_BEARER:
        return "nspi" if "nspi" in path else "challenge"
    return dict(call.headers)["X-RequestType"]


class Person:
    """Implements `Identity`: tokens or a password. `trouble` is what the token service has."""

    def __init__(self, kind: str = "client_credentials", trouble: FaultError | None = None) -> None:
        self.kind, self.username, self.bearer = kind, OWNER, kind == "client_credentials"
        self.trouble, self.issued = trouble, 1

    async def password(self) -> Secret:
        return Secret("secret")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        if self.trouble is not None:
            raise self.trouble
        self.issued += fresh
        return Token(Secret(f"t{self.issued}"), 3600.0, 0.0, cached=not fresh)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        return f"Bearer t{self.issued}" if self.bearer else "Basic dXNlcjpwYXNz"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        return None


class Unhurried(Transaction):
    """A transaction whose rests take no time of the test's."""

    async def rest(self, seconds: float) -> None:
        assert isinstance(self.timeline.clock, Clock)
        self.timeline.clock.now += seconds


def transaction(
    server: Any,
    *,
    memory: dict[str, str] | None = None,
    environment: Environment = Environment.EXCHANGE_SERVER,
    person: Person | None = None,
    depth: Depth = Depth.MAILBOX,
    options: OutlookOptions | None = None,
    steps: frozenset[str] = frozenset(),
    endpoints: dict[str, str] | None = None,
    bind: Callable[[Scopes], Person] | None = None,
) -> Transaction:
    person = person or (None if depth is Depth.REACH else Person())
    assignment = Assignment(
        "outlook_desktop",
        Target("hq", environment, OWNER, ENDPOINTS if endpoints is None else endpoints),
        depth,
        120,
        600,
        "someone" if person else None,
        person.kind if person else "",
        options=options or OutlookOptions(),
        steps=steps,
    )
    return Unhurried(assignment, server, Timeline(server.clock), Device("DEV1", memory), person, bind=bind)


async def run(server: Server, **more: Any) -> Outcome:
    return await perform(CLIENT, transaction(server, **more))


def names(outcome: Outcome) -> list[str]:
    return [result.step for result in outcome.results]


def step(outcome: Outcome, name: str) -> StepResult:
    return next(result for result in outcome.results if result.step == name)


def landed(outcome: Outcome) -> tuple[str, str, Reason]:
    """Return step, code and reason of the failure."""
    assert outcome.failure is not None
    assert outcome.fault is not None
    return outcome.failure.step, outcome.fault.kind.code, outcome.fault.reason
