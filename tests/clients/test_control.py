"""The control fails only when everything it looks at fails."""

import pytest

from prober.clients.control import CLIENT
from prober.exchange import Call, Flow, Reply, Wire
from prober.faults.taxonomy import DNS_TIMEOUT, PEER_RESET, FaultError, Kind, Reason
from prober.model import Assignment, Outcome, Target
from prober.timeline import Timeline
from prober.transaction import Device, Transaction, perform
from prober.vocabulary import Depth, Environment, Phase


class Web:
    """Implements `Session`: each page answers with a status or fails with a kind."""

    def __init__(self, timeline: Timeline, pages: dict[str, int | Kind]) -> None:
        self.timeline = timeline
        self.pages = pages
        self.asked: list[str] = []

    async def exchange(self, call: Call) -> Reply:
        self.asked.append(call.url)
        answer = self.pages[call.url]
        if isinstance(answer, int):
            return Reply(answer)
        with self.timeline.phase(Phase.DNS if answer is DNS_TIMEOUT else Phase.CONNECT):
            raise FaultError(answer)

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        raise AssertionError("no wires here")

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        pass


def transaction(*answers: int | Kind) -> tuple[Transaction, Web]:
    """Return a transaction over as many pages as there are answers."""
    names = ["control", "control_2", "control_3"][: len(answers)]
    endpoints = {name: f"https://{name}.example.test/" for name in names}
    target = Target("control", Environment.INDEPENDENT, None, endpoints)
    timeline = Timeline()
    web = Web(timeline, dict(zip(endpoints.values(), answers, strict=True)))
    assignment = Assignment("control", target, Depth.REACH, 30, 60)
    return Transaction(assignment, web, timeline, Device("d")), web


async def outcome_of(*answers: int | Kind) -> tuple[Outcome, Web]:
    tx, web = transaction(*answers)
    return await perform(CLIENT, tx), web


async def test_the_first_page_that_answers_is_enough() -> None:
    """The others are left in peace."""
    outcome, web = await outcome_of(200, 200)
    assert outcome.fault is None
    assert outcome.results[0].step == "fetch"
    assert outcome.results[0].facts == {"page": "control", "status": 200}
    assert web.asked == ["https://control.example.test/"]


@pytest.mark.parametrize("broken", [500, 503, DNS_TIMEOUT, PEER_RESET])
async def test_one_bad_page_says_nothing_about_the_vantage(broken: int | Kind) -> None:
    """As long as a later one answers, with whatever status below 500."""
    outcome, web = await outcome_of(broken, broken, 404)
    assert outcome.fault is None
    assert outcome.results[0].facts == {"page": "control_3", "status": 404}
    assert len(web.asked) == 3


async def test_when_all_pages_fail_the_first_failure_is_told() -> None:
    """With its phase: the operator's own site is asked first."""
    outcome, web = await outcome_of(DNS_TIMEOUT, 503, PEER_RESET)
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.phase) == (DNS_TIMEOUT, Phase.DNS)
    assert len(web.asked) == 3


async def test_without_a_page_it_is_not_set_up() -> None:
    """A control without a URL is our own mistake."""
    outcome, _ = await outcome_of()
    assert outcome.fault is not None
    assert outcome.fault.reason is Reason.CLIENT_MISCONFIG


def test_each_page_has_its_time() -> None:
    """A page that hangs must not keep the next from being asked."""
    step = CLIENT.steps[0]
    one, _ = transaction(200)
    three, _ = transaction(200, 200, 200)
    assert (step.limit(one.assignment), step.limit(three.assignment)) == (30, 90)


def test_the_client_is_registered_with_the_names_people_rely_on() -> None:
    """Depth reach, every thirty seconds, up to nine pages."""
    assert (CLIENT.name, CLIENT.interval, CLIENT.scopes) == ("control", 30, None)
    assert [(step.name, step.depth) for step in CLIENT.steps] == [("fetch", Depth.REACH)]
    assert CLIENT.endpoints[:3] == ("control", "control_2", "control_3")
