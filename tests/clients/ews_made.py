"""For the tests of the legacy Mac client: a server of answers written out by hand, and the simulated tenant."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.clients.ews import EwsOptions
from prober.clients.outlook_mac_legacy import CLIENT
from prober.exchange import Auth, Call, Flow, Headers, Reply, Wire
from prober.faults.taxonomy import FaultError, Reason
from prober.model import Assignment, Outcome, PushSettings, StepResult, Target
from prober.rehearsal.clock import Accelerated
from prober.secret import Secret
from prober.settings.load import load
from prober.sightings import Sightings
from prober.simulator.configuration import Wishes
from prober.simulator.document import read
from prober.simulator.faults.read import Incident, read_faults
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.mailbox import Mailbox
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks, Site
from prober.storage.store import Store
from prober.timeline import Timeline
from prober.transaction import Device, Token, Transaction, perform
from prober.vocabulary import Depth, Environment
from tests.protocols.ews.made import SPACES, answer, done, plain, reply, success

T = TypeVar("T")
URL = "https://mail.example.test/EWS/Exchange.asmx"
POX = "https://mail.example.test/autodiscover/autodiscover.xml"
PLACES = {"ews": URL, "autodiscover_pox": POX}
OPERATION = re.compile(rb"<(?:m:)?(?:Subscribe|Unsubscribe|Get\w+|Sync\w+|FindItem|CreateItem|DeleteItem)\b")
Said = Reply | FaultError

# -- answers -------------------------------------------------------------------------------------------------------

CHALLENGE = plain(b"", 401, {"WWW-Authenticate": 'Bearer authorization_uri="https://login.example.test/"'})
SETTINGS = plain(
    b'<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">'
    b'<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>'
    b"<Protocol><Type>EXPR</Type><EwsUrl>https://mail.example.test/EWS/Exchange.asmx</EwsUrl></Protocol></Account>"
    b"</Response></Autodiscover>"
)


def folder(name: str, total: int) -> str:
    inner = f'<t:FolderId Id="{name}"/><t:TotalCount>{total}</t:TotalCount>'
    return success("GetFolder", f"<m:Folders><t:Folder>{inner}</t:Folder></m:Folders>")


def folders(inbox: str = "inbox-1") -> Reply:
    return reply(answer("GetFolder", folder(inbox, 2), folder("calendar-1", 1)))


def hierarchy(state: str = "h1", created: int = 3, *, last: bool = True) -> Reply:
    end = f"<m:IncludesLastFolderInRange>{str(last).lower()}</m:IncludesLastFolderInRange>"
    changes = f"<m:Changes>{'<t:Create/>' * created}</m:Changes>"
    return done("SyncFolderHierarchy", f"<m:SyncState>{state}</m:SyncState>", end, changes)


def arrival(item: str, hour: int) -> str:
    received = f"<t:DateTimeReceived>2026-01-01T{hour:02}:00:00Z</t:DateTimeReceived>"
    return f'<t:Create><t:Message><t:ItemId Id="{item}"/>{received}</t:Message></t:Create>'


def removal(item: str) -> str:
    return f'<t:Delete><t:ItemId Id="{item}"/></t:Delete>'


def items(state: str, *changes: str, last: bool = True) -> Reply:
    end = f"<m:IncludesLastItemInRange>{str(last).lower()}</m:IncludesLastItemInRange>"
    told = f"<m:Changes>{''.join(changes)}</m:Changes>"
    return done("SyncFolderItems", f"<m:SyncState>{state}</m:SyncState>", end, told)


def item(name: str = "a") -> Reply:
    return done("GetItem", f'<m:Items><t:Message><t:ItemId Id="{name}"/></t:Message></m:Items>')


def hits(total: int, newest: str = "", hour: int = 0) -> Reply:
    received = f"<t:DateTimeReceived>2026-01-01T{hour:02}:00:00Z</t:DateTimeReceived>"
    one = f'<t:Message><t:ItemId Id="{newest}"/>{received}</t:Message>' if newest else ""
    return done("FindItem", f'<m:RootFolder TotalItemsInView="{total}"><t:Items>{one}</t:Items></m:RootFolder>')


def message(code: str) -> str:
    kind = "Success" if code == "NoError" else "Error"
    return f'<m:ResponseMessage ResponseClass="{kind}"><m:ResponseCode>{code}</m:ResponseCode></m:ResponseMessage>'


def availability(code: str = "NoError") -> Reply:
    view = "<m:FreeBusyView><t:FreeBusyViewType>FreeBusyMerged</t:FreeBusyViewType></m:FreeBusyView>"
    one = f"<m:FreeBusyResponse>{message(code)}{view if code == 'NoError' else ''}</m:FreeBusyResponse>"
    array = f"<m:FreeBusyResponseArray>{one}</m:FreeBusyResponseArray>"
    return reply(f"<m:GetUserAvailabilityResponse {SPACES}>{array}</m:GetUserAvailabilityResponse>")


def away(code: str = "NoError") -> Reply:
    settings = "<t:OofSettings><t:OofState>Disabled</t:OofState></t:OofSettings>"
    return reply(f"<m:GetUserOofSettingsResponse {SPACES}>{message(code)}{settings}</m:GetUserOofSettingsResponse>")


def subscribed(name: str = "s1") -> Reply:
    return done("Subscribe", f"<m:SubscriptionId>{name}</m:SubscriptionId>")


def notice(status: str = "OK", *arrived: str) -> bytes:
    events = "".join(f'<t:NewMailEvent><t:ItemId Id="{one}"/></t:NewMailEvent>' for one in arrived)
    told = f"<m:Notifications><m:Notification>{events}</m:Notification></m:Notifications>" if events else ""
    connection = f"<m:ConnectionStatus>{status}</m:ConnectionStatus>"
    return done("GetStreamingEvents", told, connection).body


# -- the server ----------------------------------------------------------------------------------------------------


class Hands:
    """A clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Piece = bytes | float | FaultError | Callable[[], None]
"""What a stream does: bytes come, so many seconds pass in silence, it breaks, or something else happens meanwhile."""


class Line:
    """Implements `Flow` by a script; after its end it is silent for ever."""

    def __init__(self, hands: Hands, *script: Piece, status: int = 200, body: bytes = b"") -> None:
        self._hands = hands
        self._script = list(script)
        self._status = status
        self._body = body
        self.closed = False

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Headers:
        return Headers()

    async def receive(self, within: float) -> bytes | None:
        until = self._hands.now + within
        while self._script:
            piece = self._script.pop(0)
            if isinstance(piece, FaultError):
                raise piece
            if isinstance(piece, bytes):
                return piece
            if isinstance(piece, float):
                left = until - self._hands.now
                if piece >= left:
                    self._hands.now = until
                    self._script.insert(0, piece - left)
                    return None
                self._hands.now += piece
            else:
                piece()
        self._hands.now = until
        return None

    async def rest(self) -> Reply:
        return Reply(self._status, Headers(), self._body)

    async def close(self) -> None:
        self.closed = True


class Server:
    """Implements `Session`. Each operation has its answers in order; the last one stays. So have streams."""

    def __init__(self, *lines: Line, hands: Hands | None = None, **answers: Said | Sequence[Said]) -> None:
        self.hands = hands or Hands()
        self.answers: dict[str, list[Said]] = {
            "challenge": [CHALLENGE],
            "Autodiscover": [SETTINGS],
            "GetFolder": [folders()],
            "SyncFolderHierarchy": [hierarchy(), hierarchy("h2", 0)],
            "SyncFolderItems": [items("i1", arrival("a", 1), arrival("b", 2)), items("i2")],
            "GetItem": [item("b")],
            "FindItem": [hits(1, "b", 2)],
            "GetUserAvailability": [availability()],
            "GetUserOofSettings": [away()],
            "Subscribe": [subscribed()],
            "Unsubscribe": [done("Unsubscribe")],
            "CreateItem": [done("CreateItem", '<m:Items><t:Message><t:ItemId Id="m"/></t:Message></m:Items>')],
            "DeleteItem": [done("DeleteItem")],
        }
        self.answers |= {
            name: [said] if isinstance(said, Reply | FaultError) else [*said] for name, said in answers.items()
        }
        self.lines = list(lines) or [Line(self.hands, notice())]
        self.opened_lines: list[Line] = []
        self.calls: list[Call] = []
        self.asked: list[str] = []

    async def exchange(self, call: Call) -> Reply:
        name = self._noted(call)
        waiting = self.answers[name]
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(said, FaultError):
            raise said
        return said

    def _noted(self, call: Call) -> str:
        found = OPERATION.search(call.body)
        name = found[0].decode().lstrip("<").removeprefix("m:").removesuffix("Request") if found else call.method
        name = "Autodiscover" if call.url == POX else name
        name = "challenge" if call.auth is not Auth.CREDENTIAL and call.url == URL else name
        self.calls.append(call)
        self.asked.append(name)
        return name

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        self._noted(call)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        self.opened_lines.append(line)
        return line

    async def dial(self, url: str) -> Wire:
        raise AssertionError("no conversation here")

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""

    def bodies(self, operation: str) -> list[bytes]:
        return [call.body for call, name in zip(self.calls, self.asked, strict=True) if name == operation]

    def headers(self, operation: str) -> list[dict[str, str]]:
        return [dict(call.headers) for call, name in zip(self.calls, self.asked, strict=True) if name == operation]


class Somebody:
    """Implements `Identity`: an application with a token, or a user."""

    def __init__(self, kind: str = "client_credentials", token: str = "t") -> None:
        self.kind, self.username, self._token = kind, "a@b", token
        self.bearer = kind not in ("basic", "ntlm", "negotiate")

    async def password(self) -> Secret:
        return Secret("secret")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        return Token(Secret(self._token), 3600.0, 0.0, cached=not fresh)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        return f"Bearer {self._token}"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        return None


def transaction(
    server: Any,
    *,
    memory: dict[str, str] | None = None,
    environment: Environment = Environment.EXCHANGE_ONLINE,
    person: Somebody | None = None,
    depth: Depth = Depth.MAILBOX,
    options: EwsOptions | None = None,
    steps: frozenset[str] = frozenset(),
    endpoints: dict[str, str] | None = None,
    canary: str | None = None,
    push: PushSettings | None = None,
    sightings: Sightings | None = None,
    clock: Callable[[], float] | None = None,
    mailbox: str = "a@b",
) -> Transaction:
    person = person or (None if depth is Depth.REACH else Somebody())
    assignment = Assignment(
        "outlook_mac_legacy",
        Target("hq", environment, mailbox, endpoints or PLACES, canary=canary),
        depth,
        120,
        600,
        "someone" if person else None,
        person.kind if person else "",
        options=options,
        steps=steps,
        push=push,
    )
    hands: Callable[[], float] = getattr(server, "hands", Hands())
    timeline = Timeline(clock or hands)
    device = Device("DEV1", memory)
    wall = lambda: 1_767_300_000.0  # noqa: E731 - one moment for ever
    return Transaction(assignment, server, timeline, device, person, sightings=sightings, wall=wall)


async def run(server: Server, memory: dict[str, str] | None = None, **more: Any) -> Outcome:
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


# -- the tenant ----------------------------------------------------------------------------------------------------


class Tenancy:
    """The simulated tenant with one mailbox at one site, and the real prober for it, on one accelerated loop."""

    def __init__(self, folder: Path, environment: str = "exchange_online") -> None:
        self._runner = asyncio.Runner(loop_factory=lambda: Accelerated(60))
        loop = self._runner.get_loop()
        assert isinstance(loop, Accelerated)
        self.loop = loop
        site = Site("ams1", "eu", "AMS", environment=environment)
        layout = Layout(sites=(site,), mailboxes=(Place(f"probe@{DOMAIN}", "ams1"),))
        self.simulator = Simulator(found(layout, Clocks(loop.time, loop.wall)), folder)
        self.run(self.simulator.start())
        file = self.simulator.write_configuration(folder, Wishes(clients=("outlook_mac_legacy",)))
        self.settings = load([file], catalogue())
        self.assembly = Assembly(
            self.settings,
            catalogue(),
            Store.open(None),
            watch=Unwatched(),
            tell=lambda *_: None,
            lagged=lambda _: None,
            clock=loop.time,
            wall=loop.wall,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @property
    def mailbox(self) -> Mailbox:
        return next(iter(self.simulator.premises.tenant.mailboxes.values()))

    def assignment(self, depth: Depth = Depth.MAILBOX, **more: Any) -> Assignment:
        made = next(one for one in self.settings.assignments if one.client == "outlook_mac_legacy")
        bare: dict[str, Any] = {"credential": None, "credential_kind": ""} if depth is Depth.REACH else {}
        return replace(made, depth=depth, **bare, **more)

    async def attempt(self, assignment: Assignment) -> Outcome:
        return (await self.assembly.attempts.by_hand(assignment))[0]

    def strike(self, **fault: Any) -> None:
        document = read(yaml.safe_dump([fault | {"client": "outlook_mac_legacy"}]), "row")
        self.simulator.weather.begin(Incident("row", faults=read_faults(document.data, document)))

    def clear(self) -> None:
        self.simulator.weather.clear()

    def close(self) -> None:
        self.run(self.assembly.close())
        self.run(self.simulator.stop())
        self._runner.close()


def tenancy(folder: Path, environment: str = "exchange_online") -> Iterator[Tenancy]:
    """Give a tenancy as long as it is wanted."""
    made = Tenancy(folder, environment)
    try:
        yield made
    finally:
        made.close()
