"""A web written out by hand, and transactions of the clients that browse it."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from prober.exchange import Call, Flow, Headers, Reply, Wire
from prober.faults.taxonomy import FaultError, Reason
from prober.model import Assignment, Outcome, Target
from prober.secret import Secret
from prober.sightings import Sightings
from prober.timeline import Timeline
from prober.transaction import Client, Device, Token, Transaction
from prober.vocabulary import Depth, Environment

NOW = 1_795_482_060.0
"""2026-11-24T01:01:00Z."""
LOGIN = "https://login.example.test"
AUTHORIZE = f"{LOGIN}/common/oauth2/v2.0/authorize"
SIGNIN = b'<html><script>$Config={"pgid":"ConvergedSignIn","urlPost":"/common/login"};</script><form>Sign in</form>'
Said = Reply | FaultError
Answers = Mapping[str, Said | Sequence[Said]]


def page(body: bytes | str = "<html><h1>Welcome</h1>", status: int = 200, **headers: str) -> Reply:
    """Return an answer with a page."""
    fields = Headers((name.replace("_", "-"), text) for name, text in headers.items())
    return Reply(status, fields, body if isinstance(body, bytes) else body.encode())


def document(body: object, status: int = 200) -> Reply:
    """Return an answer in JSON."""
    return page(json.dumps(body), status)


def sent(location: str, body: str = "", status: int = 302) -> Reply:
    """Return a redirect."""
    return page(body, status, Location=location)


def jwt(**claims: Any) -> str:
    """Return a token of the form of a JWT, signed by nobody."""
    parts = (json.dumps(one).encode() for one in ({"alg": "RS256"}, claims))
    return ".".join((*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2ln"))


class Web:
    """Implements `Session`. Every address, without its query, has its answers in order; the last one stays."""

    def __init__(self, answers: Answers) -> None:
        self.answers = {url: [one] if isinstance(one, Reply | FaultError) else [*one] for url, one in answers.items()}
        self.calls: list[Call] = []
        self.opened = 1

    @property
    def asked(self) -> list[str]:
        return [call.url.partition("?")[0] for call in self.calls]

    async def exchange(self, call: Call) -> Reply:
        self.calls.append(call)
        waiting = self.answers[self.asked[-1]]
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(said, FaultError):
            raise said
        return said

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        raise AssertionError(url)

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""


class Person:
    """Implements `Identity`: gives out `token`, or raises what stands in its place."""

    username, bearer = "probe@contoso.example", True

    def __init__(self, token: str | FaultError = "t", kind: str = "client_credentials") -> None:
        self.kind = kind
        self.given = token
        self.fresh: list[bool] = []

    async def password(self) -> Secret:
        raise AssertionError("no password is asked for")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        self.fresh.append(fresh)
        if isinstance(self.given, FaultError):
            raise self.given
        return Token(Secret(self.given), 3600, 0, cached=False)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        return "Bearer t"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        return None


def transaction(
    client: Client[Any],
    web: Web,
    endpoints: Mapping[str, str],
    *,
    depth: Depth = Depth.REACH,
    person: Person | None = None,
    memory: dict[str, str] | None = None,
    options: Any = None,
    steps: frozenset[str] = frozenset(),
    environment: Environment = Environment.EXCHANGE_ONLINE,
    mailbox: str | None = "probe@contoso.example",
    canary: str | None = None,
) -> Transaction:
    """Return a transaction; one deeper than reach has a credential."""
    if depth is not Depth.REACH:
        person = person or Person()
    target = Target("t", environment, mailbox, endpoints, canary=canary)
    credential, kind = ("app", person.kind) if person else (None, "")
    assignment = Assignment(client.name, target, depth, 60, 60, credential, kind, steps=steps, options=options)
    return Transaction(
        assignment, web, Timeline(), Device("D", memory), person, sightings=Sightings(), wall=lambda: NOW
    )


def landed(outcome: Outcome) -> tuple[str, str, Reason]:
    """Return step, code and reason of the fault that ended a transaction."""
    assert outcome.failure is not None
    assert outcome.failure.fault is not None
    return outcome.failure.step, outcome.failure.fault.kind.code, outcome.failure.fault.reason


def names(outcome: Outcome) -> list[str]:
    """Return the steps that were taken."""
    return [result.step for result in outcome.results]


def facts(outcome: Outcome, step: str) -> dict[str, Any]:
    """Return what was noted beside a step."""
    return dict(next(result.facts for result in outcome.results if result.step == step))
