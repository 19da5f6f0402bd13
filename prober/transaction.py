"""The engine: a client is a tuple of steps, a transaction runs them in order, and the first fault ends it."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from prober.deadline import Deadline
from prober.exchange import Auth, Call, Exchange, Flow, Reply, Session, Wire
from prober.faults import taxonomy as kinds
from prober.faults.classify import classify
from prober.faults.taxonomy import Fault, FaultError, Kind, Reason
from prober.model import Assignment, Fact, Outcome, StepResult, Target
from prober.protocols.http import diagnostics
from prober.protocols.http.status import TOKEN_EXPIRED
from prober.secret import Secret
from prober.sightings import Sightings
from prober.timeline import Clock, Timeline
from prober.vocabulary import Depth, Environment, Fidelity

S = TypeVar("S")
R = TypeVar("R")


class SkipStep(Exception):  # noqa: N818 - a signal, not an error
    """Raised by a step that finds it is not needed: it is listed as skipped, and the transaction goes on."""


@dataclass(frozen=True, slots=True)
class Token:
    """One bearer token. `cached`: it was in hand already, nothing was asked. Ages are in seconds."""

    value: Secret
    expires_in: float
    age: float
    cached: bool


class Identity(Protocol):
    """One credential as a transaction sees it. What it knows of secrets it gives out as `Secret`."""

    @property
    def kind(self) -> str:
        """Type of the credential as configured: `basic`, `client_credentials`, `refresh_token` and so on."""

    @property
    def username(self) -> str:
        """User name for mechanisms that need one; the mailbox where the credential names none."""

    @property
    def bearer(self) -> bool:
        """Whether this credential yields OAuth tokens."""

    async def password(self) -> Secret:
        """Return the password, freshly read. Raises `FaultError` (`secret_unreadable`)."""

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        """Return a token for this assignment's scope, asking the token service only when the cache is due.

        Phases of the asking are added to `timeline`. Raises `FaultError`. `fresh` never answers from the cache.
        """

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        """Return the first `Authorization` value for `call`; empty: none before the server has challenged."""

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        """Return the next `Authorization` value of a multi-leg scheme (Negotiate, NTLM), or `None`: it is final.

        `call` is the request as it was sent, with the last leg in it.
        """


class Device:
    """What the emulated device remembers between transactions: its constant id, keys and links, as texts."""

    __slots__ = ("id", "memory")

    def __init__(self, device_id: str, memory: MutableMapping[str, str] | None = None) -> None:
        self.id = device_id
        self.memory: MutableMapping[str, str] = {} if memory is None else memory

    def forget(self, *names: str) -> None:
        """Drop the named memories that exist."""
        for name in names:
            self.memory.pop(name, None)


BindIdentity = Callable[["Scopes"], Identity]
"""Gives the identity with which an assignment's push channel signs in to another resource."""


class Transaction:
    """All a step may touch. It cannot open a socket or see a secret it was not given.

    `sightings` holds what other clients see of the same mailbox; `wall` tells seconds since the epoch; `bind` gives the
    identity for another resource than the client's own; `deadline` keeps its limits, one after the other.
    """

    def __init__(
        self,
        assignment: Assignment,
        session: Session,
        timeline: Timeline,
        device: Device,
        identity: Identity | None = None,
        *,
        sightings: Sightings | None = None,
        wall: Clock = time.time,
        bind: BindIdentity | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self.assignment = assignment
        self.target: Target = assignment.target
        self.session = session
        self.timeline = timeline
        self.device = device
        self.wall = wall
        self.deadline = Deadline() if deadline is None else deadline
        self._identity = identity
        self._sightings = Sightings() if sightings is None else sightings
        self._bind = bind

    @property
    def options(self) -> Any:
        """The client's own options, an instance of its `Client.options`."""
        return self.assignment.options

    @property
    def identity(self) -> Identity:
        """The credential; a step that asks for it must be one of depth `token` or `mailbox`."""
        if self._identity is None:
            raise FaultError(kinds.PROBER_BUG, {"missing": "credential"})
        return self._identity

    @property
    def mailbox(self) -> str:
        """The mailbox address; a step that asks for it must be one of depth `mailbox`."""
        return self.target.mailbox or self.identity.username

    def endpoint(self, name: str) -> str:
        """Return the URL configured for `name`. Raises `FaultError` (`endpoint_missing`)."""
        try:
            return self.target.endpoints[name]
        except KeyError:
            raise FaultError(ENDPOINT_MISSING, {"endpoint": name}) from None

    @property
    def connections(self) -> int:
        """How many connections this transaction has opened so far."""
        return self.session.opened

    async def ask(self, exchange: Exchange[R]) -> R:
        """Ask one HTTP question, and where the server calls the token expired, once more with a fresh one."""
        try:
            call = exchange.call()
            if call.auth is not Auth.NONE:
                return exchange.read(await self._signed(call))
            reply = await self.session.exchange(call)
            self.timeline.facts.update(diagnostics.identity(reply.headers))
            return exchange.read(reply)
        except FaultError as error:
            if not self._expired(error.fault):
                raise
        await self._renew()
        return exchange.read(await self._signed(exchange.call()))

    async def renewing(self, once: Callable[[], Awaitable[R]]) -> R:
        """Do `once`, and where the server calls the token expired, once more with a fresh one."""
        try:
            return await once()
        except FaultError as error:
            if not self._expired(error.fault):
                raise
        await self._renew()
        return await once()

    def _expired(self, fault: Fault) -> bool:
        return fault.kind is TOKEN_EXPIRED and uses_oauth(self.assignment)

    async def _renew(self) -> None:
        await self.token(fresh=True)
        self.note(renewed=True)

    async def _signed(self, call: Call) -> Reply:
        """Ask as often as the authentication scheme needs legs, and return the last answer."""
        following = await self._first_leg(call)
        while True:
            reply = await self.session.exchange(following)
            self.timeline.facts.update(diagnostics.identity(reply.headers))
            further = await self._next_leg(following, reply) if reply.status == 401 else None
            if further is None:
                return reply
            following = further

    async def stream(self, call: Call) -> Flow:
        """Send one request as often as its authentication scheme needs legs; return the last answer while it comes.

        Whatever its status: a refusal is read to its end by `Flow.rest`. Raises `FaultError`.
        """
        following: Call | None = await self._first_leg(call)
        while following is not None:
            flow = await self.session.open(following)
            self.note(**diagnostics.identity(flow.headers))
            if flow.status != 401:
                return flow
            following = await self._next_leg(following, await flow.rest())
        return flow

    async def _first_leg(self, call: Call) -> Call:
        if call.auth is Auth.EMPTY_BEARER:
            return _authorised(call, "Bearer")
        if call.auth is Auth.NONE:
            return call
        first = await self.identity.authorization(call, self.timeline)
        return _authorised(call, first) if first else call

    async def _next_leg(self, call: Call, reply: Reply) -> Call | None:
        """Return the request of the next leg, `None` when `reply` is final."""
        if reply.status != 401 or call.auth is not Auth.CREDENTIAL:
            return None
        following = await self.identity.answer(call, reply, self.session.channel_binding(call.url))
        return None if following is None else _authorised(call, following)

    async def rest(self, seconds: float) -> None:
        """Let time pass, as a program does that holds a connection it does not use."""
        await asyncio.sleep(seconds)

    def beside(self, scopes: "Scopes") -> "Transaction":
        """Return this transaction as it signs in to another resource: the same session, device and clock."""
        identity = self.identity if self._bind is None else self._bind(scopes)
        return Transaction(
            self.assignment,
            self.session,
            self.timeline,
            self.device,
            identity,
            sightings=self._sightings,
            wall=self.wall,
            bind=self._bind,
        )

    def saw_newest(self, received: float | None) -> None:
        """Tell when the newest item of the inbox was received (epoch seconds), `None` where there is none.

        Raises `FaultError` (`view_stale`) when another client of this mailbox has seen a newer one for too long.
        """
        self._sightings.saw_newest(self.assignment.client, received, self.wall())

    def saw_canary(self, seen: bool) -> None:  # noqa: FBT001 - what was seen is the one thing to say
        """Tell whether the canary item is there. Raises `FaultError` (`canary_missing`) when another client sees it."""
        self.note(canary="seen" if seen else "absent")
        self._sightings.saw_canary(self.assignment.client, seen=seen, now=self.wall())

    async def dial(self, name: str) -> Wire:
        """Open a conversation with the endpoint `name`; it is closed when the transaction ends."""
        return await self.session.dial(self.endpoint(name))

    async def token(self, *, fresh: bool = False) -> Token:
        """Return a bearer token; a step served from the cache says so and has no duration."""
        token = await self.identity.token(self.timeline, fresh=fresh)
        if token.cached:
            self.note(cached=True)
        return token

    def note(self, **facts: Fact) -> None:
        """Keep facts beside the step's result."""
        self.timeline.facts.update(facts)

    async def close(self) -> None:
        """Close every connection of this transaction."""
        self.deadline.close()
        await self.session.close()


def _authorised(call: Call, value: str) -> Call:
    kept = tuple(field for field in call.headers if field[0].lower() != "authorization")
    headers = (*kept, ("Authorization", value))
    return Call(call.method, call.url, headers, call.body, call.auth, call.hold)  # `replace` costs twice as much


Run = Callable[[Transaction, S], Awaitable[None]]
Applies = Callable[[Assignment], bool]
HEALTH_PAGE = "health_page"
"""The step that reads the page of a server's own for load balancers."""
WITHOUT_TOKENS = frozenset({"basic", "ntlm", "negotiate"})


def always(assignment: Assignment) -> bool:
    """Apply to every assignment."""
    return True


def uses_oauth(assignment: Assignment) -> bool:
    """Apply only where the credential yields tokens."""
    return assignment.credential is not None and assignment.credential_kind not in WITHOUT_TOKENS


def has_canary(assignment: Assignment) -> bool:
    """Apply only where the target names a canary item."""
    return assignment.target.canary is not None


def only_at(*depths: Depth) -> Applies:
    """Apply only where the assignment's depth is one of `depths`."""
    return lambda assignment: assignment.depth in depths


def only_in(*environments: Environment) -> Applies:
    """Apply only where the target is in one of `environments`."""
    return lambda assignment: assignment.target.environment in environments


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """One row of a client's step table.

    `run` is a coroutine function whose name is the metric label and whose docstring is the help text. `timeout` is in
    seconds, or a function of the assignment (a hold is as long as configured). `opt_in` steps run only when the
    assignment names them. `tolerated` steps never fail the transaction (LOGOUT): their fault becomes a fact.
    `overdue` is what it means that the step's time ran out, where that is more than a network phase that took too long.
    """

    run: Run[S]
    depth: Depth
    timeout: float | Callable[[Assignment], float] = 30.0
    opt_in: bool = False
    tolerated: bool = False
    overdue: Kind | None = None
    applies: Applies = always
    name: str = field(init=False, compare=False, repr=False)
    """The step's label."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.run.__name__)

    def limit(self, assignment: Assignment) -> float:
        """Seconds this step may take."""
        timeout = self.timeout
        return timeout(assignment) if callable(timeout) else timeout

    def due(self, assignment: Assignment) -> bool:
        """Whether this step belongs to the transaction of `assignment`."""
        if self.depth.rank > assignment.depth.rank or not self.applies(assignment):
            return False
        return not self.opt_in or self.name in assignment.steps


class Held(Protocol):
    """A push channel that a client holds open outside the periodic transaction."""

    async def open(self, tx: Transaction) -> None:
        """Sign in and leave the request that waits for news. Raises `FaultError`."""

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hold up to `seconds`; return whether the mailbox told of a change. Raises `FaultError`."""

    async def close(self, tx: Transaction) -> None:
        """Take leave as the real client does."""


@runtime_checkable
class Marking(Protocol):
    """A push channel that can put a message into the mailbox it watches."""

    async def mark(self, tx: Transaction) -> None:
        """Leave one marker message, by a connection of its own: `tx` is another transaction than the channel's.

        Raises `FaultError`. On return the server has confirmed the message.
        """


ONLINE_AUDIENCE = re.compile(r"https://outlook\.office(?:365)?\.com(?=/|$)")


@dataclass(frozen=True, slots=True)
class Scopes:
    """OAuth scopes a client asks for: as an application, and on behalf of a user."""

    app: str
    delegated: str

    def at(self, host: str) -> "Scopes":
        """Return the scopes for a server of one's own: its host is the audience of its tokens, not the cloud's."""
        audience = f"https://{host}"
        return Scopes(ONLINE_AUDIENCE.sub(audience, self.app), ONLINE_AUDIENCE.sub(audience, self.delegated))


@dataclass(frozen=True, slots=True)
class NoOptions:
    """A client without options of its own."""


PROBE_ONLY = frozenset({Reason.SLOW})
FAILURE_REASONS = frozenset(Reason) - PROBE_ONLY - {Reason.THROTTLED, Reason.PROBE_INTERNAL}


@dataclass(frozen=True, slots=True)
class Client(Generic[S]):
    """One emulated client: its name, its steps in order, and what configuration may say about it.

    `memory` makes what the device remembers within one transaction; what outlives it is `Transaction.device`.
    `endpoints` are the names under which its URLs are configured, the first being the principal one. `options` is a
    frozen dataclass of scalars with defaults. `reasons` are zero-filled in the failure counter. `deepest` is the depth
    at which it ends; `natural` the depth it has with a credential where the configuration names none, by environment.
    `family` names a component that it is known to share with other clients: the detector watches them together, too.
    `title` is what people call it; without one, its name.
    """

    name: str
    summary: str
    memory: Callable[[], S]
    steps: tuple[Step[S], ...]
    endpoints: tuple[str, ...]
    scopes: Scopes | None = None
    interval: float = 60.0
    fidelity: Fidelity = Fidelity.PROTOCOL
    options: type[Any] = NoOptions
    held: Callable[[], Held] | None = None
    reasons: frozenset[Reason] = field(default=FAILURE_REASONS)
    deepest: Depth = Depth.MAILBOX
    natural: Mapping[Environment, Depth] = field(default_factory=lambda: MappingProxyType({}))
    family: str = ""
    title: str = ""

    def plan(self, assignment: Assignment) -> tuple[Step[S], ...]:
        """Return the steps that are due for `assignment`, in order."""
        return tuple(step for step in self.steps if step.due(assignment))


async def perform(
    client: Client[S],
    tx: Transaction,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    steps: Sequence[Step[S]] | None = None,
) -> Outcome:
    """Run every due step until one fails or the transaction's time is up; close all connections; return the record.

    `steps` are those that are due, where the caller knows them already.
    """
    assignment, clock = tx.assignment, tx.timeline.clock
    started_at, started = now(), clock()
    until = started + assignment.timeout
    memory, steps = client.memory(), client.plan(assignment) if steps is None else steps
    results: list[StepResult] = []
    skipped: list[str] = []
    try:
        for position, step in enumerate(steps):
            result = await attempt(step, tx, memory, until - clock())
            if result is None:
                skipped.append(step.name)
            elif result.fault is None:
                results.append(result)
            else:
                results.append(_beside_its_health_page(result, results))
                skipped += [later.name for later in steps[position + 1 :]]
                break
    finally:
        await tx.close()
    return Outcome(client.name, tx.target.name, started_at, clock() - started, tuple(results), tuple(skipped))


def _beside_its_health_page(result: StepResult, before: Sequence[StepResult]) -> StepResult:
    """Return a result that failed with what the server's own health page had said: that it is well, and in rotation."""
    if not any(one.step == HEALTH_PAGE and one.fault is None for one in before):
        return result
    return replace(result, facts=MappingProxyType({**result.facts, HEALTH_PAGE: "healthy"}))


def _of_a_withdrawn_way(fault: Fault, assignment: Assignment) -> Fault:
    """Return what a refused password means: in the cloud, which takes none any more, that this way is withdrawn."""
    online = assignment.target.environment is Environment.EXCHANGE_ONLINE
    if not online or assignment.credential_kind not in WITHOUT_TOKENS or fault.reason is not Reason.AUTH_REJECTED:
        return fault
    return Fault(kinds.BASIC_RETIRED, MappingProxyType({**fault.evidence, "was": fault.kind.code}), fault.phase)


async def attempt(step: Step[S], tx: Transaction, memory: S, left: float) -> StepResult | None:
    """Run one step within its own limit and the `left` seconds of its transaction; `None` when it was not needed.

    The only place in the prober that turns an exception into a fault.
    """
    timeline = tx.timeline
    timeline.restart()
    limit = min(step.limit(tx.assignment), left)
    started = timeline.clock()
    fault: Fault | None = None
    try:
        with tx.deadline.within(limit):
            await step.run(tx, memory)
    except SkipStep:
        return None
    except TimeoutError as exc:
        fault = classify(exc, timeline.interrupted)
        if step.overdue is not None:
            fault = Fault(step.overdue, phase=fault.phase)
    except Exception as exc:  # noqa: BLE001 - the one net under every step
        fault = _of_a_withdrawn_way(classify(exc, timeline.interrupted), tx.assignment)
    elapsed = timeline.clock() - started
    if fault and step.tolerated:
        timeline.note(tolerated=fault.kind.code)
        fault = None
    cached = timeline.facts.get("cached") is True and not timeline.spent
    return StepResult(
        step.name,
        None if cached and fault is None else elapsed,
        MappingProxyType(timeline.spent),
        fault,
        MappingProxyType(timeline.facts),
        timeline.certificate,
    )


ENDPOINT_MISSING = kinds.Kind("endpoint_missing", Reason.CLIENT_MISCONFIG)
