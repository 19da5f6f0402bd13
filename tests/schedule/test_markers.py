"""Markers by themselves: when they are left, which push is taken for theirs, and what is cleared away."""

import asyncio
from typing import Any

import pytest

from prober.faults.taxonomy import Fault, FaultError, Kind, Reason
from prober.schedule import markers
from prober.schedule.markers import AHEAD, LIMIT, SETTLED, Markers
from prober.transaction import Transaction
from tests.schedule import virtual
from tests.schedule.made import Sessions, Told, assignment

FULL = Kind("imap_over_quota", Reason.CLIENT_MISCONFIG)


class Box:
    """A mailbox that takes markers, and takes them back."""

    def __init__(self, takes: float = 0.0, fault: Kind | None = None) -> None:
        self.takes, self.fault = takes, fault
        self.log: list[tuple[str, float]] = []

    async def mark(self, tx: Transaction) -> None:
        await asyncio.sleep(self.takes)
        self.log.append(("mark", virtual.now()))
        if self.fault is not None:
            raise FaultError(self.fault)

    async def tidy(self, tx: Transaction) -> None:
        self.log.append(("tidy", virtual.now()))

    def times(self, what: str) -> list[float]:
        return [at - 1000.0 for said, at in self.log if said == what]


class Desk:
    """Markers on virtual time. `heard_after`: seconds from the start at which a push tells of something."""

    def __init__(self, every: float = 300.0) -> None:
        self.told, self.sessions = Told(), Sessions()
        self.faults: list[Fault] = []
        self.admitted = True
        self.unwell_at = float("-inf")
        self.markers = Markers(
            assignment(),
            every,
            self.admit,
            self.told,
            self.faults.append,
            lambda since: self.unwell_at >= since,
            clock=virtual.now,
            sleep=asyncio.sleep,
        )

    async def admit(self) -> Transaction | None:
        return self.sessions(assignment()) if self.admitted else None

    async def keep(self, box: Box, life: float, *heard_at: float) -> Fault | None:
        loop = asyncio.get_running_loop()
        for seconds in heard_at:
            loop.call_later(seconds, self.markers.heard)
        return await self.markers.keep(box, virtual.now() + life)


def test_a_marker_is_told_of_and_taken_back_by_the_same_transaction() -> None:
    """Left at 300 s, told of at 307 s: seven seconds, and then it is removed."""

    async def main() -> None:
        desk, box = Desk(), Box()
        assert await desk.keep(box, 500.0, 307.0) is None
        assert desk.told.events == [("latency", "imap4/hq", pytest.approx(7.0))]
        assert (box.times("mark"), box.times("tidy")) == ([300.0], [307.0])
        assert len(desk.sessions.opened) == desk.sessions.closed == 1

    virtual.run(main())


def test_nothing_is_said_of_a_marker_while_the_prober_is_unwell() -> None:
    """Neither how late it was told of, nor that it was not; it is taken back, and the next is left in its time."""

    async def main(*heard_at: float) -> None:
        desk, box = Desk(), Box()
        desk.unwell_at = virtual.now() + 301.0
        assert await desk.keep(box, 500.0, *heard_at) is None
        assert desk.told.events == []
        assert len(box.times("tidy")) == 1

    virtual.run(main(307.0))
    virtual.run(main())


def test_a_marker_that_we_could_not_leave_is_not_counted_and_the_governor_hears_of_it() -> None:
    """Whoever holds back must know all the same: it may have been a wish for quiet."""

    async def main() -> None:
        desk, box = Desk(), Box(fault=FULL)
        desk.unwell_at = virtual.now() + 301.0
        await desk.keep(box, 500.0)
        assert desk.told.events == []
        assert [fault.kind for fault in desk.faults] == [FULL]

    virtual.run(main())


def test_a_push_just_before_the_confirmation_is_the_markers_and_an_older_one_is_not() -> None:
    """A server may tell the channel first; what it told long before was something else."""

    async def main(before: float) -> tuple[Fault | None, list[tuple[Any, ...]]]:
        desk = Desk()
        fault = await desk.keep(Box(takes=30.0), 600.0, 330.0 - before)
        return fault, desk.told.named("latency")

    fault, latency = virtual.run(main(AHEAD - 1))
    assert (fault, latency) == (None, [("imap4/hq", 0.0)])
    fault, latency = virtual.run(main(AHEAD + 1))
    assert fault is not None
    assert (fault.kind, fault.reason) == (markers.PUSH_SILENT, Reason.PUSH_CHANNEL_LOST)
    assert latency == []


def test_silence_is_called_after_the_limit_and_the_marker_is_taken_back_all_the_same() -> None:
    """Not a second sooner; nothing stays behind in the mailbox."""

    async def main() -> None:
        desk, box = Desk(), Box()
        fault = await desk.keep(box, 3600.0)
        assert fault is not None
        assert fault.kind is markers.PUSH_SILENT
        assert virtual.now() - 1000.0 == pytest.approx(300.0 + LIMIT)
        assert box.times("tidy") == [300.0 + LIMIT]
        assert desk.sessions.closed == 1

    virtual.run(main())


def test_no_marker_is_left_that_could_not_be_told_of_in_time() -> None:
    """The session would end before; the next one leaves it as soon as it has settled."""

    async def main() -> None:
        desk, box = Desk(), Box()
        assert await desk.keep(box, 300.0 + LIMIT - 1) is None
        assert box.log == []
        await asyncio.sleep(1000.0)
        await desk.keep(box, 200.0, SETTLED + 1.0)
        assert box.times("mark") == [1000.0 + SETTLED]

    virtual.run(main())


def test_the_removal_of_a_marker_is_not_taken_for_news_of_the_next() -> None:
    """However close the markers follow each other: its own news comes well before the next one is confirmed."""

    async def main() -> None:
        desk, box = Desk(every=10.0), Box()
        heard = asyncio.create_task(desk.keep(box, 300.0, 69.9, 70.0))
        fault = await heard
        first, second = box.times("mark")
        assert second - first == pytest.approx(LIMIT - 0.1 + SETTLED)
        assert fault is not None

    virtual.run(main())


def test_a_marker_that_cannot_be_left_ends_nothing() -> None:
    """It is counted, and whoever holds starts back hears of its fault."""

    async def main() -> None:
        desk, box = Desk(), Box(fault=FULL)
        assert await desk.keep(box, 1000.0) is None
        assert desk.told.events == [("marker failed", "imap4/hq")] * 3
        assert [fault.kind for fault in desk.faults] == [FULL] * 3
        assert box.times("tidy") == []
        assert desk.sessions.closed == 3

    virtual.run(main())


def test_where_nothing_may_start_no_marker_is_left() -> None:
    """And the channel goes on."""

    async def main() -> None:
        desk, box = Desk(), Box()
        desk.admitted = False
        assert await desk.keep(box, 1000.0) is None
        assert box.log == []

    virtual.run(main())


def test_a_session_that_ends_takes_its_marker_along() -> None:
    """Cancelled while it waits: taken back, closed."""

    async def main() -> None:
        desk, box = Desk(), Box()
        keeping = asyncio.create_task(desk.keep(box, 1000.0))
        await asyncio.sleep(320.0)
        keeping.cancel()
        await asyncio.wait([keeping])
        assert box.times("tidy") == [320.0]
        assert desk.sessions.closed == 1

    virtual.run(main())


class SlowBox(Box):
    """One whose confirmation says only that the message is on its way."""

    def __init__(self, untold: bool | Kind) -> None:
        super().__init__()
        self.said = untold

    async def untold(self, tx: Transaction) -> bool:
        self.log.append(("verify", virtual.now()))
        if isinstance(self.said, Kind):
            raise FaultError(self.said)
        return self.said


@pytest.mark.parametrize(("untold", "silent"), [(True, True), (False, False), (FULL, False)])
def test_silence_about_a_marker_that_did_not_arrive_is_not_the_channels(untold: bool | Kind, silent: bool) -> None:
    """Where a confirmation means less than arrival, the mailbox is looked at before the channel is blamed."""

    async def main() -> None:
        desk, box = Desk(), SlowBox(untold)
        fault = await desk.keep(box, 400.0)
        assert (fault is not None) is silent
        assert box.times("verify") == [300.0 + LIMIT]
        assert len(desk.told.named("marker failed")) == (not silent)

    virtual.run(main())


def test_a_marker_that_was_told_of_is_not_looked_for() -> None:
    """The push is proof enough."""

    async def main() -> None:
        desk, box = Desk(), SlowBox(untold=False)
        await desk.keep(box, 400.0, 310.0)
        assert box.times("verify") == []

    virtual.run(main())
