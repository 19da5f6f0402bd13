"""Second looks: when, at whom, and never in the way of the schedule."""

import asyncio
from collections.abc import Callable

from prober.detect.confirming import Confirming, Pace
from prober.model import Assignment
from prober.schedule.confirmation import SecondLooks
from tests.schedule import virtual
from tests.schedule.made import Told, assignment

ONE, TWO = assignment("one"), assignment("two")


class World:
    """Two mailboxes of one cell; every look is remembered with its time."""

    def __init__(self, pace: Pace, takes: float = 0.5) -> None:
        self.confirming = Confirming(pace)
        self.looks: list[tuple[float, str]] = []
        self.busy: set[str] = set()
        self.told = Told()
        self.takes = takes
        self.broken = False
        self.began = virtual.now()
        self.second = SecondLooks(
            (ONE, TWO),
            {ONE.key: "cell", TWO.key: "cell"},
            self.look,
            confirming=lambda _: self.confirming,
            busy=lambda key: key in self.busy,
            watch=self.told,
            wall=virtual.now,
        )

    async def look(self, one: Assignment) -> None:
        self.looks.append((virtual.now() - self.began, one.target.name))
        await asyncio.sleep(self.takes)
        if self.broken:
            raise RuntimeError("a defect")

    async def fail(self) -> None:
        self.confirming.failed(virtual.now())
        self.second.consider(ONE)
        await asyncio.sleep(60.0)


def played(act: Callable[[World], None] = lambda _: None, *, takes: float = 0.5, probes: int = 4) -> World:
    """Let one attempt fail, and a minute pass."""

    async def main() -> World:
        world = World(Pace(probes=probes), takes)
        act(world)
        await world.fail()
        await world.second.drain()
        return world

    return virtual.run(main())


def test_every_other_look_is_at_the_mailbox_that_failed() -> None:
    """Every five seconds, until the looks are used up; the others are at its siblings in turn."""
    assert played().looks == [(5.0, "one"), (10.0, "two"), (15.0, "one"), (20.0, "two")]


def test_nobody_is_looked_at_twice_at_once() -> None:
    """A look that takes long leaves its mailbox to itself; one whose schedule runs is left alone."""
    assert played(takes=7.0).looks == [(5.0, "one"), (10.0, "two"), (15.0, "one"), (20.0, "two")]
    assert played(takes=12.0).looks == [(5.0, "one"), (10.0, "two"), (20.0, "one")]

    def occupy(world: World) -> None:
        world.busy.add(ONE.key)

    assert [name for _, name in played(occupy).looks] == ["two"] * 4


def test_where_nothing_is_wanted_nothing_is_done() -> None:
    """No failure, no look."""
    assert played(probes=0).looks == []


def test_a_look_on_its_way_is_left_out_when_the_server_asks_for_quiet() -> None:
    """Between a failure and the look that it asked for, a scheduled attempt was throttled."""

    async def main() -> World:
        world = World(Pace())
        world.confirming.failed(virtual.now())
        world.second.consider(ONE)
        await asyncio.sleep(4.0)
        world.confirming.throttled(virtual.now())
        await asyncio.sleep(60.0)
        await world.second.drain()
        return world

    assert virtual.run(main()).looks == []


def test_a_look_that_crashes_is_ours_and_stops_nothing() -> None:
    """It is counted, and the others are taken."""

    def damage(world: World) -> None:
        world.broken = True

    world = played(damage)
    assert len(world.looks) == 4
    assert world.told.events == [("crashed", "imap4/one"), ("crashed", "imap4/two")] * 2


def test_draining_ends_what_is_under_way() -> None:
    """Both who waits and who looks."""

    async def main() -> World:
        world = World(Pace(), takes=1000.0)
        world.confirming.failed(virtual.now())
        world.second.consider(ONE)
        await asyncio.sleep(6.0)
        await world.second.drain()
        await asyncio.sleep(60.0)
        return world

    assert len(virtual.run(main()).looks) == 1
