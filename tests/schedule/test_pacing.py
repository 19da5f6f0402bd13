"""Pacing: even gaps on one lane, none between lanes, and a ceiling that is rarely touched."""

import asyncio
from itertools import pairwise

import pytest
from asyncio_throttle.throttler import Throttler

from prober.schedule.pacing import Pacer
from tests.schedule import virtual


class NoCeiling:
    """A throttler that lets everybody through and remembers its limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.passed = 0

    async def acquire(self) -> None:
        self.passed += 1


def pacer(rate: float, ceiling: int = 10) -> Pacer:
    return Pacer(rate, ceiling, clock=virtual.now, throttler=NoCeiling)


async def starts(turns: Pacer, count: int, host: str = "mail.test", credential: str = "app") -> list[float]:
    """Ask for `count` turns at once; return when each was given, relative to the first."""
    given: list[float] = []

    async def one() -> None:
        await turns.turn(host, credential)
        given.append(virtual.now())

    await asyncio.gather(*(one() for _ in range(count)))
    return [at - given[0] for at in given]


def test_turns_on_one_lane_are_evenly_spaced() -> None:
    """Rate 2: all who ask at once go half a second apart, in the order in which they asked."""
    assert virtual.run(starts(pacer(2.0), 5)) == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])


def test_a_turn_tells_by_how_much_it_came_too_late() -> None:
    """Waiting in turn is not late; a loop that slept through the turn is."""

    async def main() -> list[float]:
        turns = pacer(2.0)
        first = await turns.turn("mail.test", "app")
        second = await turns.turn("mail.test", "app")
        asyncio.get_running_loop().call_later(0.25, virtual.block, 3.0)
        return [first, second, await turns.turn("mail.test", "app")]

    assert virtual.run(main()) == pytest.approx([0.0, 0.0, 2.75])


def test_no_burst_ever_exceeds_the_rate() -> None:
    """Two hundred a second and a thousand waiters: no 50 ms hold more than eleven starts."""

    async def main() -> None:
        given = await starts(pacer(200.0), 1000)
        assert all(later - at >= 0.05 - 1e-9 for at, later in zip(given, given[10:], strict=False))
        assert given[-1] == pytest.approx(999 / 200)

    virtual.run(main())


def test_unused_slots_are_not_saved_up() -> None:
    """After a pause the first goes at once and the second still waits its gap."""

    async def main() -> None:
        turns = pacer(2.0)
        await starts(turns, 1)
        await asyncio.sleep(100)
        assert await starts(turns, 2) == pytest.approx([0.0, 0.5])

    virtual.run(main())


@pytest.mark.parametrize(("host", "credential"), [("other.test", "app"), ("mail.test", "phone")])
def test_another_host_or_another_credential_is_another_lane(host: str, credential: str) -> None:
    """Nobody waits for a turn at somebody else's server or in somebody else's name."""

    async def main() -> None:
        turns = pacer(0.1)
        before = virtual.now()
        await turns.turn("mail.test", "app")
        await turns.turn(host, credential)
        assert virtual.now() == before

    virtual.run(main())


def test_a_cancelled_waiter_delays_nobody_longer_than_its_own_slot() -> None:
    """Cancelling the second of three leaves the third its own slot."""

    async def main() -> None:
        turns = pacer(1.0)
        before = virtual.now()
        await turns.turn("mail.test", "app")
        second = asyncio.create_task(turns.turn("mail.test", "app"))
        third = asyncio.create_task(turns.turn("mail.test", "app"))
        await asyncio.sleep(0)
        second.cancel()
        await third
        assert virtual.now() - before == pytest.approx(2.0)
        assert second.cancelled()

    virtual.run(main())


def test_every_turn_passes_the_ceiling_of_its_lane() -> None:
    """One throttler per lane, made with the configured ceiling, asked once per turn."""
    made: list[NoCeiling] = []

    def throttler(limit: int) -> NoCeiling:
        made.append(NoCeiling(limit))
        return made[-1]

    async def main() -> None:
        turns = Pacer(100.0, 7, clock=virtual.now, throttler=throttler)
        await starts(turns, 3)
        await starts(turns, 2, host="other.test")

    virtual.run(main())
    assert [(one.limit, one.passed) for one in made] == [(7, 3), (7, 2)]


def test_the_ceiling_is_asyncio_throttle_and_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were spacing of no effect (a rate of a million), the real throttler would still admit only its limit a second."""

    async def main() -> list[float]:
        monkeypatch.setattr("asyncio_throttle.throttler.time.monotonic", virtual.now)
        return await starts(Pacer(1e6, 5, clock=virtual.now, throttler=Throttler), 15)

    given = virtual.run(main())
    assert [round(at) for at in given] == [0] * 5 + [1] * 5 + [2] * 5
    assert all(later >= at for at, later in pairwise(given))


def test_another_rate_holds_for_turns_that_are_given_out_from_then_on() -> None:
    """On lanes that are known, too; the ceiling as well."""
    ceilings: list[int] = []

    def ceiling(limit: int) -> NoCeiling:
        ceilings.append(limit)
        return NoCeiling(limit)

    turns = Pacer(2.0, 20, clock=virtual.now, throttler=ceiling)

    async def main() -> list[float]:
        await starts(turns, 1)
        turns.configure(10.0, 30)
        return await starts(turns, 3)

    assert virtual.run(main()) == pytest.approx([0.0, 0.1, 0.2])
    assert ceilings == [20, 30]
