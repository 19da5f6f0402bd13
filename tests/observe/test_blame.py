"""The gauge, the words, and who keeps them up to date."""

import asyncio
from dataclasses import replace
from itertools import pairwise

from prober.blame.blame import Blame
from prober.faults import taxonomy as kinds
from prober.observe.blame import PAUSE, SLICE, BlameMetrics, BlamePanel, BlameWatch
from prober.observe.metrics import Metrics
from prober.verdict import Judgement
from prober.vocabulary import Domain, Verdict
from tests.observe.made import ASSIGNMENT, CATALOGUE, outcome
from tests.schedule import virtual


def test_the_gauge_and_the_status_data_say_the_same() -> None:
    """One for the domain to blame and zero for all others; the page says why."""
    metrics = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1")
    blame = Blame([ASSIGNMENT], BlameMetrics(metrics), wall=lambda: 1_800_000_000.0)
    panel = BlamePanel(blame)
    assert panel.page() == ""
    kind = kinds.DNS_TIMEOUT
    for _ in range(2):
        blame(ASSIGNMENT, outcome(kind), Judgement(Verdict.FAILED, kind.reason, kind.code, kind.domain))
    shown = {
        domain: metrics.registry.get_sample_value(
            "clientaccess_blame", {"environment": "exchange_server", "domain": domain.value}
        )
        for domain in Domain
    }
    assert shown == {domain: 1.0 if domain is Domain.DNS else 0.0 for domain in Domain}
    (found,) = panel.data()
    assert (found["environment"], found["domain"]) == ("exchange_server", "dns")
    assert found["because"] in panel.page()
    assert (panel.name, panel.routes) == ("blame", ())


def test_a_look_leaves_the_loop_to_others_after_every_slice() -> None:
    """Each step takes 0.4 ms by this clock: after three of them somebody else has his turn."""
    target = ASSIGNMENT.target
    many = [replace(ASSIGNMENT, target=replace(target, name=f"mailbox-{number}")) for number in range(1000)]
    now, turns = 0.0, [0.0]

    def clock() -> float:
        nonlocal now
        now += 0.0004
        return now

    async def others(seconds: float) -> None:
        assert seconds == 0.0
        turns.append(now)

    asyncio.run(BlameWatch(Blame(many, lambda *_: None, wall=lambda: 0.0), clock=clock, sleep=others).look())
    assert len(turns) > 5
    assert max(after - before for before, after in pairwise(turns)) < SLICE + 2 * 0.0004


def test_it_looks_every_few_seconds_and_soon_after_something_new() -> None:
    """What falls away shows within the period, what breaks within a pause; much that is new is looked into once."""
    shown: list[tuple[float, Domain, bool]] = []

    def show(environment: object, domain: Domain, blamed: bool) -> None:
        if domain in (Domain.DNS, Domain.TLS):
            shown.append((virtual.now(), domain, blamed))

    async def main() -> None:
        blame = Blame([ASSIGNMENT], show, wall=virtual.now)
        watch = asyncio.create_task(BlameWatch(blame, clock=virtual.now).run(5.0))
        await asyncio.sleep(20.0)
        assert len(shown) == 2 * 5
        shown.clear()
        for kind in (kinds.DNS_TIMEOUT,) * 3 + (kinds.TLS_EXPIRED,) * 3:
            blame(ASSIGNMENT, outcome(kind), Judgement(Verdict.FAILED, kind.reason, kind.code, kind.domain))
        began = virtual.now()
        await asyncio.sleep(2 * PAUSE)
        assert [(domain, blamed) for _, domain, blamed in shown] == [(Domain.DNS, True), (Domain.TLS, True)]
        assert shown[0][0] - began <= PAUSE
        await asyncio.sleep(300.0)
        assert not shown[-1][2]
        watch.cancel()
        await asyncio.wait([watch])
        assert blame.later is None

    virtual.run(main())
