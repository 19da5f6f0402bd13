"""The real prober at a tenant that allows far too little: after the first wish for quiet, nobody breaks it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prober.clients import catalogue
from prober.rehearsal.clock import Accelerated
from prober.rehearsal.ledger import Ledger
from prober.rehearsal.probing import Probing
from prober.settings.load import load
from prober.simulator.configuration import Wishes
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.quotas import Budget, Limits, OverQuota, Quotas
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks, Site
from prober.vocabulary import Verdict

MINUTES = 12
UNDER_WAY = 10.0
"""Seconds that an attempt under way may still take: it is not interrupted."""
SCARCE = Limits(
    {
        "graph": Budget(rate=30, window=240.0, by_asker=True),
        "ews": Budget(rate=20, window=240.0, by_asker=True),
        "activesync": Budget(rate=20, window=240.0),
        "imap": Budget(rate=4, window=240.0, back_off=90.0),
        "login": Budget(rate=6, window=240.0, by_asker=True),
        "mapi": Budget(rate=12, window=240.0),
    }
)
MEANT: dict[str, Callable[[str, str], str]] = {
    "graph": lambda who, asker: asker,
    "ews": lambda who, asker: who,
    "imap": lambda who, asker: who,
    "activesync": lambda who, asker: f"{who} {asker}",
    "mapi": lambda who, asker: who,
    "login": lambda who, asker: asker,
}
"""By service, whom its refusals speak of, from the mailbox and who asks."""


@dataclass(frozen=True)
class Asked:
    """One request as the tenant saw it. `quiet`: the seconds it was told to stay away, 0 when it was served."""

    at: float
    service: str
    meant: str
    quiet: float


@dataclass(frozen=True)
class Played:
    """What came of it."""

    asked: list[Asked]
    ledger: Ledger
    held: int

    def broken(self, service: str) -> list[tuple[Asked, Asked]]:
        """Return each wish of a service with what was asked although it was not over."""
        mine = [one for one in self.asked if one.service == service]
        return [
            (wish, one)
            for wish in mine
            for one in mine
            if wish.quiet and one.meant == wish.meant and wish.at + UNDER_WAY < one.at < wish.at + wish.quiet
        ]


def noted(asked: list[Asked], clock: Callable[[], float]) -> Callable[..., AbstractContextManager[None]]:
    """Return `Quotas.enter`, which takes down what it is asked."""
    enter = Quotas.enter

    @contextmanager
    def entering(self: Quotas, service: str, who: str, *, asker: str = "", **rest: Any) -> Iterator[None]:
        meant = MEANT[service](who.lower(), asker) if service in MEANT else ""
        try:
            with enter(self, service, who, asker=asker, **rest):
                asked.append(Asked(clock(), service, meant, 0.0))
                yield
        except OverQuota as over:
            asked.append(Asked(clock(), service, meant, over.retry_after))
            raise

    return entering


async def play(folder: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits | None, minutes: int) -> Played:
    """Probe two mailboxes by every client, twice a minute."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Accelerated)
    asked: list[Asked] = []
    monkeypatch.setattr(Quotas, "enter", noted(asked, loop.time))
    places = tuple(Place(f"probe{number}@{DOMAIN}", "ams1") for number in (1, 2))
    layout = Layout(sites=(Site("ams1", "eu", "AMS"),), mailboxes=places)
    simulator = Simulator(found(layout, Clocks(loop.time, loop.wall)), folder, limits=limits)
    await simulator.start()
    try:
        file = simulator.write_configuration(folder, Wishes(interval=30.0))
        settings = load([file], catalogue())
        ledger = Ledger(loop.time)
        probing = Probing(settings, (ledger,), clock=loop.time, wall=loop.wall)
        probing.start()
        await asyncio.sleep(60.0 * minutes)
        await probing.stop()
        assert (probing.watch.crashed_attempts, probing.watch.broken_sinks) == (0, 0)
        return Played(asked, ledger, probing.watch.held)
    finally:
        await simulator.stop()


@pytest.fixture(scope="module")
def scarce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Twelve minutes of a tenant that allows far too little."""
    with pytest.MonkeyPatch.context() as monkeypatch, asyncio.Runner(loop_factory=lambda: Accelerated(60)) as runner:
        yield runner.run(play(tmp_path_factory.mktemp("scarce"), monkeypatch, SCARCE, MINUTES))


@pytest.mark.parametrize("service", sorted(SCARCE.budgets))
def test_after_the_first_wish_for_quiet_nobody_breaks_it(scarce: Played, service: str) -> None:
    """Not by another client, nor by another mailbox of the app, nor by a second look; and it is asked again later."""
    wishes = [one for one in scarce.asked if one.service == service and one.quiet]
    assert wishes, "the budget was never used up"
    assert scarce.broken(service) == []
    over = min(one.at + one.quiet for one in wishes)
    assert any(one.at >= over for one in scarce.asked if one.service == service)


def test_throttling_is_neither_failure_nor_silence(scarce: Played) -> None:
    """Attempts that met it are throttled, those that would have met it are held back and counted; nothing failed."""
    verdicts = [entry.judgement.verdict for entry in scarce.ledger.entries]
    assert Verdict.FAILED not in verdicts
    assert verdicts.count(Verdict.THROTTLED) >= len(SCARCE.budgets)
    assert scarce.held > verdicts.count(Verdict.THROTTLED)


def test_at_the_published_limits_nobody_is_held_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule as it is stays far below them; intervals of half a minute are nobody's reason to wait."""
    with asyncio.Runner(loop_factory=lambda: Accelerated(60)) as runner:
        played = runner.run(play(tmp_path, monkeypatch, Limits(), 3))
    assert [one for one in played.asked if one.quiet] == []
    assert played.held == 0
    assert {entry.judgement.verdict for entry in played.ledger.entries} == {Verdict.OK}
