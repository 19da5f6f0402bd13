"""One token, asked for early, once for all, never twice with what was refused."""

import asyncio
from dataclasses import dataclass

import pytest

from prober.exchange import Call, Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Reason
from prober.identity import tokens
from prober.identity.tokens import TokenCache, mark
from prober.protocols.oauth.token import Granted, TokenRequest
from prober.timeline import Timeline
from prober.transaction import Token
from prober.vocabulary import Phase
from tests.identity.fakes import FakeService, Heard, granted, refused, settle

WALL = 1_800_000_000.0


@dataclass
class Asked:
    """A request whose secret is known by its mark."""

    mark: str

    def call(self) -> Call:
        return TokenRequest("https://login.example/token", {"secret": "x"}).call()

    def read(self, reply: Reply) -> Granted:
        return TokenRequest("", {}).read(reply)

    async def granted(self, granted: Granted) -> None:
        """Nothing to keep."""


class Setting:
    """A cache over a fake token service."""

    def __init__(self, *answers: Reply | FaultError) -> None:
        self.service = FakeService(*answers)
        self.heard = Heard()
        self.secret = "one"
        self.cache = TokenCache(
            "app", self.ask, self.service.session, self.heard, clock=self.service.clock, wall=lambda: WALL
        )

    async def ask(self) -> Asked:
        return Asked(self.secret)

    async def token(self, *, fresh: bool = False) -> Token:
        return await self.cache.token(Timeline(self.service.clock), fresh=fresh)

    async def fault(self) -> kinds.Fault:
        with pytest.raises(FaultError) as caught:
            await self.token()
        return caught.value.fault


async def test_a_token_is_asked_for_once_and_then_comes_from_the_cache() -> None:
    setting = Setting(granted("t"))
    first, second = await setting.token(), await setting.token()
    assert (first.value.reveal(), first.cached) == ("t", False)
    assert (second.value.reveal(), second.cached) == ("t", True)
    assert len(setting.service.calls) == 1
    assert setting.heard.news == [("requested", "app"), ("issued", WALL + 3600)]
    assert setting.service.open == 0


async def test_the_next_is_asked_for_five_minutes_before_the_end() -> None:
    setting = Setting(granted("a"), granted("b"))
    await setting.token()
    setting.service.now = 0.5 + 3300 - 1
    assert (await setting.token()).value.reveal() == "a"
    setting.service.now = 0.5 + 3300
    assert (await setting.token()).value.reveal() == "b"


async def test_a_short_life_is_renewed_at_half_time() -> None:
    setting = Setting(granted("a", 60), granted("b", 60))
    await setting.token()
    setting.service.now = 0.5 + 29
    assert (await setting.token()).value.reveal() == "a"
    setting.service.now = 0.5 + 30
    assert (await setting.token()).value.reveal() == "b"


async def test_a_failed_early_renewal_keeps_the_token_until_it_expires() -> None:
    broken = Reply(500)
    setting = Setting(granted("a"), broken, broken, broken)
    await setting.token()
    setting.service.now = 3400.0
    token = await setting.token()
    assert (token.value.reveal(), token.cached) == ("a", True)
    await setting.token()
    assert len(setting.service.calls) == 2
    setting.service.now = 3700.0
    assert (await setting.fault()).reason is Reason.TOKEN_SERVICE_ERROR
    assert ("failed", Reason.TOKEN_SERVICE_ERROR) in setting.heard.news


async def test_fresh_never_answers_from_the_cache() -> None:
    setting = Setting(granted("a"), granted("b"), Reply(500))
    await setting.token()
    assert (await setting.token(fresh=True)).value.reveal() == "b"
    with pytest.raises(FaultError):
        await setting.token(fresh=True)


async def test_all_who_wait_share_one_request_and_its_phases() -> None:
    setting = Setting(granted("a"))
    setting.service.gate = asyncio.Event()
    timelines = [Timeline(setting.service.clock) for _ in range(5)]
    waiting = [asyncio.create_task(setting.cache.token(timeline)) for timeline in timelines]
    await settle(lambda: bool(setting.service.calls))
    setting.service.gate.set()
    tokens = await asyncio.gather(*waiting)
    assert {token.value.reveal() for token in tokens} == {"a"}
    assert len(setting.service.calls) == 1
    assert all(timeline.spent == {Phase.WAIT: 0.5} for timeline in timelines)


async def test_one_who_stops_waiting_takes_nothing_from_the_others() -> None:
    setting = Setting(granted("a"))
    setting.service.gate = asyncio.Event()
    impatient = Timeline(setting.service.clock)
    gone = asyncio.create_task(setting.cache.token(impatient))
    stays = asyncio.create_task(setting.token())
    await settle(lambda: bool(setting.service.calls))
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert impatient.interrupted is Phase.WAIT
    setting.service.gate.set()
    assert (await stays).value.reveal() == "a"


async def test_closing_leaves_no_task_and_no_connection() -> None:
    setting = Setting(granted("a"))
    setting.service.gate = asyncio.Event()
    waiting = asyncio.create_task(setting.token())
    await settle(lambda: bool(setting.service.calls))
    waiting.cancel()
    await setting.cache.close()
    await asyncio.wait([waiting])
    assert setting.service.open == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_definite_refusal_is_not_asked_again_until_the_secret_changes() -> None:
    setting = Setting(refused(50126), refused(50126), granted("a"))
    assert (await setting.fault()).kind.code == "aadsts_50126"
    again = await setting.fault()
    assert (again.kind.code, again.evidence["answered"]) == ("aadsts_50126", "from memory")
    assert len(setting.service.calls) == 1
    setting.secret = "two"
    assert (await setting.fault()).kind.code == "aadsts_50126"
    setting.secret = "three"
    assert (await setting.token()).value.reveal() == "a"


async def test_a_server_that_wants_to_be_left_alone_is() -> None:
    setting = Setting(refused(50196, 400, Retry_After="60"), granted("a"))
    assert (await setting.fault()).retry_after == 60
    assert (await setting.fault()).reason is Reason.THROTTLED
    assert len(setting.service.calls) == 1
    setting.service.now += 61
    assert (await setting.token()).value.reveal() == "a"


async def test_a_secret_that_had_worked_gets_a_second_chance_after_half_an_hour() -> None:
    setting = Setting(granted("a", 60), refused(7000215), granted("b"))
    await setting.token()
    setting.service.now = 100.0
    assert (await setting.fault()).kind.code == "aadsts_7000215"
    assert (await setting.fault()).evidence["answered"] == "from memory"
    setting.service.now += 1801
    assert (await setting.token()).value.reveal() == "b"


async def test_an_answer_from_memory_is_no_request_and_no_failure() -> None:
    setting = Setting(refused(50126))
    await setting.fault()
    await setting.fault()
    assert [what for what, _ in setting.heard.news] == ["requested", "failed"]


async def test_a_slow_renewal_does_not_hold_up_who_has_a_good_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The renewal goes on by itself, and serves the next."""
    monkeypatch.setattr(tokens, "PATIENCE_WITH_RENEWAL", 0.0)
    setting = Setting(granted("a"), granted("b"))
    await setting.token()
    setting.service.now = 3400.0
    setting.service.gate = asyncio.Event()
    token = await setting.token()
    assert (token.value.reveal(), token.cached) == ("a", True)
    setting.service.gate.set()
    await settle(lambda: len(setting.heard.news) == 4)
    setting.service.now += 31
    assert (await setting.token()).value.reveal() == "b"


async def test_closing_tells_who_still_waits_that_it_was_us() -> None:
    setting = Setting(granted("a"))
    setting.service.gate = asyncio.Event()
    waiting = asyncio.create_task(setting.token())
    await settle(lambda: bool(setting.service.calls))
    await setting.cache.close()
    with pytest.raises(FaultError) as caught:
        await waiting
    assert caught.value.fault.kind is kinds.PROBER_CANCELLED


async def test_a_passing_fault_is_asked_again_a_second_later() -> None:
    setting = Setting(FaultError(kinds.PEER_RESET), granted("a"))
    fault = await setting.fault()
    assert (fault.kind, fault.phase) == (kinds.PEER_RESET, None)
    assert (await setting.fault()).evidence["answered"] == "from memory"
    setting.service.now += 1.0
    assert (await setting.token()).value.reveal() == "a"


@pytest.mark.parametrize(
    ("date", "kind"),
    [
        ("Fri, 15 Jan 2027 07:50:00 GMT", "clock_wrong"),
        ("Fri, 15 Jan 2027 08:00:10 GMT", "aadsts_700024"),
        ("x", "aadsts_700024"),
    ],
)
async def test_our_own_clock_is_looked_at_before_anyone_is_blamed(date: str, kind: str) -> None:
    """The wall clock says 2027-01-15T08:00:00Z."""
    setting = Setting(refused(700024, 401, Date=date))
    assert (await setting.fault()).kind.code == kind


async def test_a_secret_that_cannot_be_read_is_ours_and_nothing_is_asked() -> None:
    setting = Setting()

    async def unreadable() -> Asked:
        raise FaultError(kinds.SECRET_UNREADABLE)

    setting.cache._ask = unreadable
    assert (await setting.fault()).kind is kinds.SECRET_UNREADABLE
    assert setting.service.calls == []


def test_a_mark_knows_a_secret_again_and_tells_nothing() -> None:
    assert mark("canary") == mark("canary") != mark("canary2")
    assert "canary" not in mark("canary")
