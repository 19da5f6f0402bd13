"""Answers of ActiveSync servers written out by hand, as SOGo and Exchange give them, and a phone that asks."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prober.clients.activesync import CLIENT
from prober.clients.activesync_phone import ActiveSyncOptions
from prober.exchange import Auth, Call, Flow, Reply, Wire
from prober.faults.taxonomy import FaultError, Reason
from prober.model import Assignment, Outcome, PushSettings, StepResult, Target
from prober.secret import Secret
from prober.sightings import Sightings
from prober.timeline import Timeline
from prober.transaction import Device, Token, Transaction, perform
from prober.vocabulary import Depth, Environment
from tests.protocols.eas.made import answer, page, tag
from tests.servers.dovecot import PASSWORDS

WALL = 1_767_434_400.0
"""2026-01-03 10:00 UTC."""
URL = "https://mail.example.test/Microsoft-Server-ActiveSync"
MEMORY = dict[str, str]
Said = Reply | FaultError


# -- answers -------------------------------------------------------------------------------------------------------


def folder_sync(status: str = "1", key: str = "host_1_0", *changes: bytes) -> Reply:
    return answer(page(7) + tag(0x16, tag(0x0C, status), tag(0x12, key), tag(0x0E, tag(0x17, "1"), *changes)))


def added(server_id: str, kind: str) -> bytes:
    return tag(0x0F, tag(0x08, server_id), tag(0x0A, kind))


def folders(key: str = "host_1_0") -> Reply:
    return folder_sync("1", key, added("mail%2F1", "2"), added("vevent%2Fpersonal", "8"))


def synced(key: str, *items: str, status: str = "1") -> Reply:
    adds = [tag(0x07, tag(0x0D, item), tag(0x1D)) for item in items]
    commands = (tag(0x16, *adds),) if adds else ()
    return answer(tag(0x05, tag(0x1C, tag(0x0F, tag(0x0B, key), tag(0x12, "5"), tag(0x0E, status), *commands))))


def item(name: str, received: str = "", subject: str = "") -> bytes:
    """Return a new item, with when it was received and its subject where given."""
    told = (tag(0x14, subject) if subject else b"") + (tag(0x0F, received) if received else b"")
    data = tag(0x1D, page(2) + told) if told else tag(0x1D)
    return tag(0x07, tag(0x0D, name), data) + page(0)


def changed(key: str, *commands: bytes) -> Reply:
    """Return an answer with these commands."""
    inside = (tag(0x0B, key), tag(0x12, "5"), tag(0x0E, "1"), tag(0x16, *commands))
    return answer(tag(0x05, tag(0x1C, tag(0x0F, *inside))))


def limited(seconds: str) -> Reply:
    """Return a refusal to wait so long, with the limit."""
    return answer(tag(0x05, tag(0x0E, "14"), tag(0x25, seconds)))


def sync_status(status: str) -> Reply:
    return answer(tag(0x05, tag(0x0E, status)))


def estimated(number: str) -> Reply:
    return answer(page(6) + tag(0x05, tag(0x0D, tag(0x0E, "1"), tag(0x08, tag(0x0C, number)))))


def provisioned(status: str, *more: bytes) -> Reply:
    policy = tag(0x06, tag(0x07, tag(0x0B, status), *more))
    return answer(page(0x0E) + tag(0x05, tag(0x0B, "1"), policy))


def pinged(status: str, *more: bytes) -> Reply:
    return answer(page(0x0D) + tag(0x05, tag(0x07, status), *more))


FETCHED = answer(
    page(0x14) + tag(0x05, tag(0x0D, "1"), tag(0x0E, tag(0x06, tag(0x0D, "1"), tag(0x0B, page(2), tag(0x14, "x")))))
)
SETTINGS = answer(page(0x12) + tag(0x05, tag(0x06, "1")))
CHALLENGE = answer(status=401, headers={"Www-Authenticate": 'basic realm="SOGo"'})
NO_POLICY = provisioned("2")
COMMANDS = "Sync,SendMail,FolderSync,GetItemEstimate,Search,Settings,Ping,ItemOperations"


def offered(versions: str = "2.5,12.0,12.1,14.0,14.1") -> Reply:
    return answer(headers={"MS-ASProtocolVersions": versions, "MS-ASProtocolCommands": COMMANDS})


class Server:
    """Implements `Session`. Each command has its answers in order; the last one stays."""

    def __init__(self, **answers: Said | Sequence[Said]) -> None:
        self.answers: dict[str, list[Said]] = {
            "anonymous": [CHALLENGE],
            "OPTIONS": [offered()],
            "Provision": [NO_POLICY],
            "FolderSync": [folders(), folder_sync()],
            "Settings": [SETTINGS],
            "Sync": [synced("-1"), synced("1-4", "1"), answer()],
            "GetItemEstimate": [estimated("1")],
            "ItemOperations": [FETCHED],
            "Ping": [pinged("1")],
            "SendMail": [answer()],
        }
        self.answers |= {
            name: [said] if isinstance(said, Reply | FaultError) else [*said] for name, said in answers.items()
        }
        self.calls: list[Call] = []
        self.asked: list[str] = []

    async def exchange(self, call: Call) -> Reply:
        name = parse_qs(urlsplit(call.url).query).get("Cmd", [call.method])[0]
        if call.method == "OPTIONS" and call.auth is not Auth.CREDENTIAL:
            name = "anonymous"
        self.calls.append(call)
        self.asked.append(name)
        waiting = self.answers[name]
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(said, FaultError):
            raise said
        return said

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        raise AssertionError("no conversation here")

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""

    def headers(self, command: str) -> list[dict[str, str]]:
        return [dict(call.headers) for call, name in zip(self.calls, self.asked, strict=True) if name == command]

    def bodies(self, command: str) -> list[bytes]:
        return [call.body for call, name in zip(self.calls, self.asked, strict=True) if name == command]


class Person:
    """Implements `Identity`: a password, or tokens."""

    def __init__(self, username: str = "a@b", kind: str = "basic") -> None:
        self.username, self.kind, self.bearer = username, kind, kind == "refresh_token"
        self.issued = 1

    async def password(self) -> Secret:
        return Secret(PASSWORDS.get(self.username, "secret"))

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        self.issued += fresh
        return Token(Secret(f"t{self.issued}"), 3600.0, 0.0, cached=not fresh)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        if self.bearer:
            return f"Bearer t{self.issued}"
        pair = f"{self.username}:{(await self.password()).reveal()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        return None


class Ticks:
    """A clock that goes on by `step` seconds at every look."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def transaction(
    server: Any,
    *,
    memory: MEMORY | None = None,
    environment: Environment = Environment.INDEPENDENT,
    person: Person | None = None,
    depth: Depth = Depth.MAILBOX,
    options: ActiveSyncOptions | None = None,
    steps: frozenset[str] = frozenset(),
    endpoints: dict[str, str] | None = None,
    timeline: Timeline | None = None,
    push: PushSettings | None = None,
    canary: str | None = None,
    sightings: Sightings | None = None,
) -> Transaction:
    person = person or (None if depth is Depth.REACH else Person())
    assignment = Assignment(
        "activesync",
        Target(
            "hq", environment, person.username if person else "a@b", endpoints or {"activesync": URL}, canary=canary
        ),
        depth,
        60,
        600,
        "someone" if person else None,
        person.kind if person else "",
        options=options or ActiveSyncOptions(),
        steps=steps,
        push=push,
    )
    timeline = timeline or Timeline(Ticks())
    return Transaction(
        assignment, server, timeline, Device("DEV1", memory), person, sightings=sightings, wall=lambda: WALL
    )


async def run(server: Server, memory: MEMORY | None = None, **more: Any) -> Outcome:
    return await perform(CLIENT, transaction(server, memory={} if memory is None else memory, **more))


def names(outcome: Outcome) -> list[str]:
    return [result.step for result in outcome.results]


def step(outcome: Outcome, name: str) -> StepResult:
    return next(result for result in outcome.results if result.step == name)


def landed(outcome: Outcome) -> tuple[str, str, Reason]:
    """Return step, code and reason of the failure."""
    assert outcome.failure is not None
    assert outcome.fault is not None
    return outcome.failure.step, outcome.fault.kind.code, outcome.fault.reason
