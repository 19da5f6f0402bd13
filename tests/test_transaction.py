"""The engine: steps in order, the first fault ends it, everything is closed, nothing is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from prober.exchange import Auth, Call, Flow, Headers, Reply, Wire
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.model import Assignment, Target
from prober.protocols.http.status import fault
from prober.secret import Secret
from prober.timeline import Timeline
from prober.transaction import (
    ENDPOINT_MISSING,
    Client,
    Device,
    Scopes,
    SkipStep,
    Step,
    Token,
    Transaction,
    only_at,
    only_in,
    perform,
)
from prober.vocabulary import Depth, Environment, Phase

TARGET = Target("t", Environment.EXCHANGE_SERVER, "a@b.example", {"web": "https://h/"})
ASSIGNMENT = Assignment("toy", TARGET, Depth.MAILBOX, 60, 60)


class FakeSession:
    """Answers from a list, and remembers what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.calls: list[Call] = []
        self.closed = 0

    async def exchange(self, call: Call) -> Reply:
        self.calls.append(call)
        return self.replies.pop(0)

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        raise AssertionError(url)

    def channel_binding(self, url: str) -> bytes | None:
        return b"der"

    async def close(self) -> None:
        self.closed += 1


class FakeIdentity:
    """Needs as many legs as it was given answers."""

    kind, username, bearer = "ntlm", "user@b.example", False

    def __init__(self, first: str, *answers: str | None) -> None:
        self.first = first
        self.answers = list(answers)
        self.seen: list[tuple[Call, bytes | None]] = []

    async def password(self) -> Secret:
        return Secret("p")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        return Token(Secret("t"), 3600, 1, cached=not fresh)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        return self.first

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        self.seen.append((call, binding))
        return self.answers.pop(0)


class Ask:
    """Reads the status."""

    def __init__(self, auth: Auth = Auth.NONE) -> None:
        self.auth = auth

    def call(self) -> Call:
        return Call("GET", "https://h/", auth=self.auth)

    def read(self, reply: Reply) -> int:
        return reply.status


def transaction(
    session: FakeSession | None = None,
    identity: FakeIdentity | None = None,
    assignment: Assignment = ASSIGNMENT,
    clock: Callable[[], float] | None = None,
) -> Transaction:
    timeline = Timeline(clock) if clock else Timeline()
    return Transaction(assignment, session or FakeSession(), timeline, Device("id"), identity)


def client(*steps: Step[list[str]]) -> Client[list[str]]:
    return Client("toy", "A toy", list, steps, ("web",))


async def first(tx: Transaction, memory: list[str]) -> None:
    """Go first."""
    memory.append("first")
    tx.timeline.add(Phase.WAIT, 0.25)
    tx.note(seen=len(memory))


async def second(tx: Transaction, memory: list[str]) -> None:
    """Go second, on the same memory."""
    assert memory == ["first"]


async def broken(tx: Transaction, memory: list[str]) -> None:
    """Break."""
    raise FaultError(kinds.PEER_RESET, phase=Phase.WAIT)


async def bug(tx: Transaction, memory: list[str]) -> None:
    """Have a bug."""
    raise KeyError("canary")


async def needless(tx: Transaction, memory: list[str]) -> None:
    """Not needed."""
    raise SkipStep


async def stuck(tx: Transaction, memory: list[str]) -> None:
    """Hang in a phase."""
    with tx.timeline.phase(Phase.RECEIVE):
        await asyncio.Event().wait()


async def cached(tx: Transaction, memory: list[str]) -> None:
    """Take a token from the cache."""
    await tx.token()


async def test_steps_run_in_order_on_one_memory_and_everything_is_closed() -> None:
    session = FakeSession()
    when = datetime(2026, 1, 1, tzinfo=UTC)
    outcome = await perform(
        client(Step(first, Depth.REACH), Step(second, Depth.REACH)), transaction(session), lambda: when
    )
    assert [result.step for result in outcome.results] == ["first", "second"]
    assert outcome.fault is None
    assert outcome.started_at is when
    assert dict(outcome.results[0].phases) == {Phase.WAIT: 0.25}
    assert dict(outcome.results[0].facts) == {"seen": 1}
    assert dict(outcome.results[1].phases) == {}
    assert session.closed == 1


async def test_the_first_fault_ends_it_and_names_what_was_not_reached() -> None:
    steps = (Step(broken, Depth.REACH), Step(first, Depth.REACH), Step(second, Depth.REACH))
    session = FakeSession()
    outcome = await perform(client(*steps), transaction(session))
    assert outcome.failure is not None
    assert outcome.failure.step == "broken"
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.phase) == (kinds.PEER_RESET, Phase.WAIT)
    assert outcome.skipped == ("first", "second")
    assert session.closed == 1


async def test_a_bug_is_ours_and_loses_no_result() -> None:
    outcome = await perform(client(Step(bug, Depth.REACH)), transaction())
    assert outcome.fault is not None
    assert outcome.fault.kind is kinds.PROBER_BUG
    assert "canary" not in repr(outcome)


async def test_a_step_that_is_not_needed_is_skipped_and_the_rest_goes_on() -> None:
    outcome = await perform(client(Step(needless, Depth.REACH), Step(first, Depth.REACH)), transaction())
    assert [result.step for result in outcome.results] == ["first"]
    assert outcome.skipped == ("needless",)


async def test_a_tolerated_step_does_not_fail_the_transaction() -> None:
    outcome = await perform(client(Step(broken, Depth.REACH, tolerated=True)), transaction())
    assert outcome.fault is None
    assert outcome.results[0].facts["tolerated"] == "peer_reset"


async def test_a_steps_limit_names_the_phase_it_interrupted() -> None:
    outcome = await perform(client(Step(stuck, Depth.REACH, 0.0)), transaction())
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.phase) == (kinds.ANSWER_STALLED, Phase.RECEIVE)


async def test_a_step_may_say_what_it_means_that_its_time_ran_out() -> None:
    outcome = await perform(client(Step(stuck, Depth.REACH, 0.0, overdue=kinds.EMPTY_REPLY)), transaction())
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.phase) == (kinds.EMPTY_REPLY, Phase.RECEIVE)


async def test_the_transactions_time_bounds_every_step() -> None:
    assignment = replace(ASSIGNMENT, timeout=0.0)
    outcome = await perform(client(Step(stuck, Depth.REACH, 3600)), transaction(assignment=assignment))
    assert outcome.fault is not None
    assert outcome.fault.kind is kinds.ANSWER_STALLED


async def test_cancelling_a_transaction_closes_it_and_yields_no_outcome() -> None:
    session = FakeSession()
    task = asyncio.create_task(perform(client(Step(stuck, Depth.REACH)), transaction(session)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert session.closed == 1


async def test_a_step_served_from_the_cache_says_so_and_has_no_duration() -> None:
    outcome = await perform(client(Step(cached, Depth.REACH)), transaction(identity=FakeIdentity("")))
    assert outcome.results[0].elapsed is None
    assert outcome.results[0].facts["cached"] is True


async def test_legs_go_on_until_the_identity_has_no_more_and_carry_the_last_one_along() -> None:
    session = FakeSession(Reply(401), Reply(401), Reply(200))
    identity = FakeIdentity("", "NTLM one", "NTLM two")
    assert await transaction(session, identity).ask(Ask(Auth.CREDENTIAL)) == 200
    sent = [dict(call.headers).get("Authorization") for call in session.calls]
    assert sent == [None, "NTLM one", "NTLM two"]
    assert [dict(call.headers).get("Authorization") for call, _ in identity.seen] == [None, "NTLM one"]
    assert identity.seen[0][1] == b"der"


async def test_what_is_asked_goes_out_whole_with_the_credential_beside_it() -> None:
    """Every part of it; a header of before that showed another credential is gone."""
    asked = Call("POST", "https://h/x", (("A", "b"), ("authorization", "old")), b"body", Auth.CREDENTIAL, 7.0)
    assert all(getattr(asked, part.name) != part.default for part in fields(Call))
    session, exchange = FakeSession(Reply(200)), Ask()
    exchange.call = lambda: asked  # type: ignore[method-assign]  # one that has every part
    await transaction(session, FakeIdentity("Basic x")).ask(exchange)
    assert session.calls == [replace(asked, headers=(("A", "b"), ("Authorization", "Basic x")))]


async def test_a_final_401_is_read_by_the_exchange() -> None:
    session = FakeSession(Reply(401, Headers()))
    assert await transaction(session, FakeIdentity("Basic x", None)).ask(Ask(Auth.CREDENTIAL)) == 401
    assert len(session.calls) == 1


class Question:
    """One that reads its answer as every protocol over HTTP does."""

    def call(self) -> Call:
        return Call("GET", "https://h/")

    def read(self, reply: Reply) -> int:
        if reply.status != 200:
            raise fault(reply)
        return reply.status


EXPIRED = Reply(401, Headers((("x-ms-diagnostics", '2000002;reason="The token has expired."'),)), b"")
WELL = Reply(200, Headers(()), b"")


@pytest.mark.parametrize(
    ("credential", "answers", "code", "asked"),
    [
        ("client_credentials", (EXPIRED, WELL), "", 2),
        ("client_credentials", (EXPIRED, EXPIRED, WELL), "http_401_token_expired", 2),
        ("client_credentials", (Reply(401, Headers(()), b""), WELL), "http_401", 1),
        ("ntlm", (EXPIRED, WELL), "http_401_token_expired", 1),
    ],
)
async def test_a_token_that_is_called_expired_is_renewed_once(
    credential: str, answers: tuple[Reply, ...], code: str, asked: int
) -> None:
    """For every client, where there are tokens; any other refusal is the server's last word."""
    session = FakeSession(*answers)
    assignment = replace(ASSIGNMENT, credential="c", credential_kind=credential)
    tx = Transaction(assignment, session, Timeline(), Device("d"), FakeIdentity("Bearer t", None, None))
    found = ""
    try:
        await tx.ask(Question())
    except FaultError as error:
        found = error.fault.kind.code
    assert (found, len(session.calls)) == (code, asked)
    assert tx.timeline.facts.get("renewed", False) is (asked == 2)


async def test_nobody_and_the_empty_bearer_show_no_credential() -> None:
    session = FakeSession(Reply(401), Reply(401))
    tx = transaction(session, FakeIdentity("Basic canary"))
    await tx.ask(Ask(Auth.NONE))
    await tx.ask(Ask(Auth.EMPTY_BEARER))
    assert [dict(call.headers) for call in session.calls] == [{}, {"Authorization": "Bearer"}]


def test_a_missing_endpoint_or_credential_is_a_fault() -> None:
    with pytest.raises(FaultError) as missing:
        transaction().endpoint("imap4")
    assert missing.value.fault.kind is ENDPOINT_MISSING
    with pytest.raises(FaultError):
        _ = transaction().identity


def test_the_mailbox_is_the_targets_or_the_credentials_own() -> None:
    nameless = replace(ASSIGNMENT, target=replace(TARGET, mailbox=None))
    assert transaction().mailbox == "a@b.example"
    assert transaction(identity=FakeIdentity(""), assignment=nameless).mailbox == "user@b.example"


def test_a_step_is_due_by_depth_choice_and_circumstance() -> None:
    reach = replace(ASSIGNMENT, depth=Depth.REACH)
    assert Step(first, Depth.REACH).due(ASSIGNMENT)
    assert not Step(first, Depth.MAILBOX).due(reach)
    assert not Step(first, Depth.REACH, opt_in=True).due(ASSIGNMENT)
    assert Step(first, Depth.REACH, opt_in=True).due(replace(ASSIGNMENT, steps=frozenset({"first"})))
    assert not Step(first, Depth.REACH, applies=only_at(Depth.REACH)).due(ASSIGNMENT)
    assert not Step(first, Depth.REACH, applies=only_in(Environment.EXCHANGE_ONLINE)).due(ASSIGNMENT)


def test_a_device_forgets_what_it_is_told_to() -> None:
    device = Device("id", {"a": "1", "b": "2"})
    device.forget("a", "c")
    assert device.memory == {"b": "2"}


def test_scopes_name_the_server_of_ones_own_as_audience() -> None:
    """Graph and other resources keep theirs."""
    scopes = Scopes(
        "https://outlook.office365.com/.default", "https://outlook.office.com/EAS.AccessAsUser.All offline_access"
    )
    assert scopes.at("mail.corp.example") == Scopes(
        "https://mail.corp.example/.default", "https://mail.corp.example/EAS.AccessAsUser.All offline_access"
    )
    graph = Scopes("https://graph.microsoft.com/.default", "https://outlook.office365.com.evil.example/.default")
    assert graph.at("mail.corp.example") == graph


async def health_page(tx: Transaction, memory: list[str]) -> None:
    """Read the page of the server's own."""


async def refuse(tx: Transaction, memory: list[str]) -> None:
    """Be refused."""
    raise FaultError(kinds.Kind("refused_in_this_test", kinds.Reason.AUTH_REJECTED), {"http_status": "401"})


async def test_a_failure_stands_beside_what_the_servers_own_page_said() -> None:
    """A server that calls itself well while its clients fail is worth a look."""
    steps = (Step(health_page, Depth.REACH), Step(first, Depth.REACH), Step(refuse, Depth.REACH))
    outcome = await perform(client(*steps), transaction())
    assert [result.facts.get("health_page") for result in outcome.results] == [None, None, "healthy"]
    alone = await perform(client(Step(refuse, Depth.REACH)), transaction())
    assert "health_page" not in alone.results[0].facts


@pytest.mark.parametrize(
    ("environment", "credential_kind", "code"),
    [
        (Environment.EXCHANGE_ONLINE, "basic", "basic_retired"),
        (Environment.EXCHANGE_ONLINE, "ntlm", "basic_retired"),
        (Environment.EXCHANGE_ONLINE, "client_credentials", "refused_in_this_test"),
        (Environment.EXCHANGE_SERVER, "basic", "refused_in_this_test"),
    ],
)
async def test_a_refused_password_is_a_withdrawn_way_in_the_cloud(
    environment: Environment, credential_kind: str, code: str
) -> None:
    """On servers of one's own it is a password."""
    target = replace(TARGET, environment=environment)
    assignment = replace(ASSIGNMENT, target=target, credential="c", credential_kind=credential_kind)
    outcome = await perform(client(Step(refuse, Depth.REACH)), transaction(assignment=assignment))
    assert outcome.fault is not None
    assert outcome.fault.kind.code == code
    assert outcome.fault.evidence["http_status"] == "401"
