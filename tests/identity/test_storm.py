"""Hundreds who want a token of one credential at once: one question, and few while there is no answer."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.identity.identities import Identities
from prober.identity.spec import CredentialSpec, CredentialType
from prober.secret import SecretSource
from prober.timeline import Timeline
from prober.transaction import Identity, Scopes
from tests.identity.fakes import FakeService, FakeSession, Heard, granted, refused
from tests.schedule import virtual

SECRET = SecretSource(environment="PROBER_TEST")
APP = CredentialSpec("app", CredentialType.CLIENT_CREDENTIALS, tenant="t", client_id="c", client_secret=SECRET)
ROPC = CredentialSpec("user", CredentialType.ROPC, "me", SECRET, tenant="t", client_id="c")
MAIL, GRAPH = Scopes("mail", "mail"), Scopes("graph", "graph")
HOUR = 3600.0
WORKERS = 500


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBER_TEST", "canary")


class Service(FakeService):
    """A token service on virtual time that takes 0.2 s and answers as `answer` says at that moment."""

    def __init__(self, answer: Callable[[], Reply | FaultError], takes: Callable[[], float] = lambda: 0.2) -> None:
        super().__init__()
        self.answer, self.takes = answer, takes
        self.at: list[float] = []

    def clock(self) -> float:
        return virtual.now()

    def session(self, timeline: Timeline) -> "Session":
        return Session(self, timeline)


class Session(FakeSession):
    def __init__(self, service: Service, timeline: Timeline) -> None:
        super().__init__(service, timeline)
        self._asked = service
        service.open += 1

    async def exchange(self, call: Call) -> Reply:
        self._asked.calls.append(call)
        self._asked.at.append(virtual.now())
        await asyncio.sleep(self._asked.takes())
        answer = self._asked.answer()
        if isinstance(answer, FaultError):
            raise answer
        return answer


def identities(service: Service, *specs: CredentialSpec, heard: Heard | None = None) -> Identities:
    """All credentials over one service."""
    return Identities(
        {one.name: one for one in specs},
        service,  # type: ignore[arg-type]  # stands for the network
        {},
        heard or Heard(),
        clock=virtual.now,
        wall=virtual.now,
    )


async def attempt(identity: Identity) -> bool:
    """Want a token, as one step of an attempt does; return whether there was one."""
    try:
        async with asyncio.timeout(15.0):
            await identity.token(Timeline(virtual.now))
    except (FaultError, TimeoutError):
        return False
    return True


def test_five_hundred_workers_make_one_token_request() -> None:
    """At once, and again when it falls due for renewal."""

    async def main() -> None:
        service = Service(lambda: granted("t"))
        known = identities(service, APP)
        for due in (0.0, 3400.0):
            await asyncio.sleep(due)
            got = await asyncio.gather(*(attempt(known.bind("app", MAIL, None)) for _ in range(WORKERS)))
            assert all(got)
        assert len(service.calls) == 2
        assert service.open == 0

    virtual.run(main())


def test_when_the_first_fails_there_is_one_request_per_back_off() -> None:
    """Each worker wants one again every second, for five minutes: pauses double, and none is longer than 30 s."""

    async def main() -> None:
        service = Service(lambda: Reply(503))
        known = identities(service, APP)

        async def keep_wanting() -> None:
            for _ in range(300):
                assert not await attempt(known.bind("app", MAIL, None))
                await asyncio.sleep(1.0)

        await asyncio.gather(*(keep_wanting() for _ in range(WORKERS // 10)))
        gaps = [later - earlier for earlier, later in pairwise(service.at)]
        assert len(service.calls) <= 25
        assert all(gap >= min(0.5 * 2**count, 15.0) for count, gap in enumerate(gaps))
        assert max(gaps) <= 31.5

    virtual.run(main())


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("interval", [30.0, 60.0])
def test_a_four_hour_outage_is_over_within_one_interval_after_its_end(interval: float, hangs: bool) -> None:
    """Whether the service refuses or never answers: every attempt that begins an interval after the end is well."""

    async def main() -> None:
        end = virtual.now() + 4 * HOUR

        def well() -> bool:
            return virtual.now() >= end

        takes: Callable[[], float] = lambda: 600.0 if hangs and not well() else 0.2  # noqa: E731 - one of two answers
        service = Service(lambda: granted("t") if well() else Reply(500), takes)
        known = identities(service, APP)
        began: list[tuple[float, bool]] = []

        async def keep_attempting(offset: float) -> None:
            await asyncio.sleep(offset)
            while virtual.now() < end + 3 * interval:
                start = virtual.now()
                began.append((start, await attempt(known.bind("app", MAIL, None))))
                await asyncio.sleep(start + interval - virtual.now())

        await asyncio.gather(*(keep_attempting(interval * number / 20) for number in range(20)))
        await known.close()
        after = [good for start, good in began if start >= end + interval]
        assert len(after) >= 20
        assert all(after)
        assert not any(good for start, good in began if start < end - 1.0)
        asked = sum(at < end for at in service.at)
        assert asked <= 4 * HOUR / 15.0 + 10
        assert sum(at >= end for at in service.at) == 1

    virtual.run(main())


def test_a_password_is_shown_once_whatever_it_was_to_open() -> None:
    """Two resources at the same moment, then again an hour later: one request in all."""

    async def main() -> None:
        service = Service(lambda: refused(50126))
        known = identities(service, ROPC)
        for _ in range(2):
            got = await asyncio.gather(*(attempt(known.bind("user", scope, None)) for scope in (MAIL, GRAPH) * 5))
            assert not any(got)
            await asyncio.sleep(HOUR)
        assert len(service.calls) == 1

    virtual.run(main())


def test_a_loop_that_was_refused_without_a_time_is_not_entered_again() -> None:
    """50196 without Retry-After: half a minute of quiet for all resources, then twice that."""

    async def main() -> None:
        service = Service(lambda: refused(50196))
        known = identities(service, APP)
        for _ in range(200):
            for scope in (MAIL, GRAPH):
                await attempt(known.bind("app", scope, None))
            await asyncio.sleep(1.0)
        gaps = [later - earlier for earlier, later in pairwise(service.at)]
        assert [round(gap) >= least for gap, least in zip(gaps, (30, 60, 120), strict=False)] == [True] * len(gaps)
        assert len(service.calls) == 3

    virtual.run(main())


def test_a_wish_given_as_a_date_is_obeyed() -> None:
    """Counted from the answer's own Date (RFC 9110 section 10.2.3)."""

    async def main() -> None:
        wish = {"Retry_After": "Fri, 15 Jan 2027 12:10:00 GMT", "Date": "Fri, 15 Jan 2027 12:00:00 GMT"}
        service = Service(lambda: refused(90055, 429, **wish))
        known = identities(service, APP)
        began = virtual.now()
        while len(service.calls) < 2:
            await attempt(known.bind("app", MAIL, None))
            await asyncio.sleep(1.0)
        assert service.at[1] - began == pytest.approx(600.0, abs=2.0)

    virtual.run(main())


def test_two_resources_do_not_spend_the_same_refresh_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The second question waits for the first, and uses what that brought."""

    async def main() -> None:
        file = tmp_path_factory.mktemp("tokens") / "token"
        file.write_text("r0")
        issued = iter(range(1, 9))
        service = Service(lambda: granted("t", refresh_token=f"r{next(issued)}"))
        spec = CredentialSpec("phone", CredentialType.REFRESH_TOKEN, tenant="t", client_id="c", token_file=str(file))
        known = identities(service, spec)
        got = await asyncio.gather(*(attempt(known.bind("phone", scope, None)) for scope in (MAIL, GRAPH)))
        assert all(got)
        assert [form["refresh_token"] for form in service.forms] == ["r0", "r1"]
        assert file.read_text() == "r2"

    virtual.run(main())


def test_one_resource_in_trouble_is_not_anothers() -> None:
    """And what was answered from memory is no failure that is counted."""

    async def main() -> None:
        heard = Heard()
        answers = iter([Reply(500), granted("t")])
        service = Service(lambda: next(answers))
        known = identities(service, APP, heard=heard)
        assert not await attempt(known.bind("app", MAIL, None))
        assert not await attempt(known.bind("app", MAIL, None))
        assert await attempt(known.bind("app", GRAPH, None))
        assert [what for what, _ in heard.news] == ["requested", "failed", "requested", "issued"]
        assert heard.news[1] == ("failed", Reason.TOKEN_SERVICE_ERROR)

    virtual.run(main())
