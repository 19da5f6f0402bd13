"""The accelerated loop: what is waited for runs faster, what is worked at does not. No test sleeps."""

import asyncio
import selectors
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from prober.faults import taxonomy as kinds
from prober.rehearsal.clock import Accelerated, pause_for_input
from prober.schedule.health import Health


class World:
    """A real clock that only moves when somebody waits or works; `late` is how much every wait overshoots."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 500.0
        self.late = late
        self.pauses: list[float | None] = []
        self.input_after: float | None = None
        self.on_input: Callable[[], object] = lambda: None

    def real(self) -> float:
        return self.now

    def pause(self, descriptor: int, seconds: float | None) -> None:
        """Wait for `seconds`, or until input comes if that is sooner."""
        self.pauses.append(seconds)
        if self.input_after is not None and (seconds is None or self.input_after < seconds):
            self.now += self.input_after
            self.input_after = None
            self.on_input()
            return
        if seconds is None:  # for the end of a thread
            pause_for_input(descriptor, 10.0)
            return
        self.now += seconds + self.late

    def work(self, seconds: float) -> None:
        self.now += seconds

    def loop(self, speed: float = 60.0) -> Accelerated:
        return Accelerated(speed, real=self.real, epoch=1_800_000_000.0, pause=self.pause)

    def run(self, main: Coroutine[Any, Any, None], speed: float = 60.0) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop(speed)) as runner:
            runner.run(main)


def passing() -> float:
    return asyncio.get_running_loop().time()


def test_an_hour_of_waiting_takes_a_minute() -> None:
    """Sixty times as fast, and to the very second of the timer."""
    world = World()

    async def main() -> None:
        began = passing()
        await asyncio.sleep(3600)
        assert passing() - began == pytest.approx(3600)
        assert world.now == pytest.approx(560)

    world.run(main())


def test_the_speed_is_the_one_asked_for() -> None:
    """At ten, an hour takes six minutes; at one, an hour."""
    for speed, took in ((10.0, 360.0), (1.0, 3600.0)):
        world = World()
        world.run(asyncio.sleep(3600), speed)
        assert world.now - 500 == pytest.approx(took)


@pytest.mark.parametrize("speed", [0.0, 0.99, 60.01, -1.0])
def test_no_other_speed_is_taken(speed: float) -> None:
    """The contract's ceiling is sixty, and a clock that is slower than the real one is of no use."""
    with pytest.raises(ValueError, match="speed must be from 1 to 60"):
        Accelerated(speed)


def test_work_is_charged_as_it_is() -> None:
    """Two seconds of a busy processor are two seconds, not two minutes."""
    world = World()

    async def main() -> None:
        began = passing()
        world.work(2.0)
        await asyncio.sleep(0)
        assert passing() - began == pytest.approx(2.0)
        await asyncio.sleep(58)
        assert passing() - began == pytest.approx(60.0)
        assert world.now == pytest.approx(502 + 58 / 60)

    world.run(main())


def test_being_woken_late_is_no_lag() -> None:
    """A wait that overshoots by a tenth of a second would be six seconds of lag: the clock stops at the timer."""
    world = World(late=0.1)

    async def main() -> None:
        began = passing()
        for _ in range(10):
            await asyncio.sleep(0.1)
        assert passing() - began == pytest.approx(1.0)

    world.run(main())


def test_input_that_comes_while_waiting_ends_the_wait_at_its_time() -> None:
    """After a quarter of a real second out of ten, fifteen seconds have passed, and the timer is still to come."""
    world = World()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            began = passing()
            timer = loop.call_later(600, lambda: None)
            world.input_after, world.on_input = 0.25, lambda: right.send(b"x")
            assert await loop.sock_recv(left, 1) == b"x"
            assert passing() - began == pytest.approx(15.0)
            timer.cancel()

    world.run(main())


def test_input_that_is_there_already_costs_nothing() -> None:
    """Bytes in flight on loopback are ready at once: no wait is begun, so none is accelerated."""
    world = World()

    async def main() -> None:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            loop, began = asyncio.get_running_loop(), passing()
            loop.call_soon(right.send, b"x")
            assert await loop.sock_recv(left, 1) == b"x"
            assert passing() == began
            assert world.pauses == []

    world.run(main())


def test_callbacks_that_are_ready_are_not_waited_for() -> None:
    """A zero timeout stays zero."""
    world = World()

    async def main() -> None:
        began = passing()
        for _ in range(100):
            await asyncio.sleep(0)
        assert passing() == began
        assert world.pauses == []

    world.run(main())


def test_without_any_timer_it_waits_for_input_as_long_as_it_takes() -> None:
    """No timeout at all is passed on as none."""
    world = World()

    async def main() -> None:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            world.input_after, world.on_input = 2.0, lambda: right.send(b"x")
            began = passing()
            await asyncio.get_running_loop().sock_recv(left, 1)
            assert world.pauses == [None]
            assert passing() - began == pytest.approx(120.0)

    world.run(main())


def test_a_thread_at_work_is_waited_for_in_real_time() -> None:
    """What a thread does for the loop is work as well; when it is done, waiting is accelerated again."""
    world = World()

    async def main() -> None:
        began = passing()
        done = threading.Event()
        world.input_after, world.on_input = 3.0, done.set
        pause = world.pause

        def pause_for_the_thread(descriptor: int, seconds: float | None) -> None:
            pause(descriptor, seconds)
            pause_for_input(descriptor, 10.0)

        loop = asyncio.get_running_loop()
        assert isinstance(loop, Accelerated)
        loop._pacing._pause = pause_for_the_thread
        await asyncio.to_thread(done.wait)
        loop._pacing._pause = pause
        assert passing() - began == pytest.approx(3.0)
        await asyncio.sleep(60)
        assert passing() - began == pytest.approx(63.0)
        assert world.now == pytest.approx(504.0)

    world.run(main())


def test_a_thread_that_cannot_be_had_slows_nothing_down() -> None:
    """Asking a closed loop's executor fails, and the pace is what it was."""
    world = World()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Accelerated)
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError):
            await asyncio.to_thread(print)
        assert loop._pacing.speed == 60.0

    world.run(main())


def test_limits_go_by_the_loops_time() -> None:
    """`asyncio.timeout` of half a minute is over after half a real second."""
    world = World()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        assert world.now == pytest.approx(500.5)

    world.run(main())


def test_the_time_of_day_goes_with_the_loop() -> None:
    """It begins at the real one and advances by the loop's time."""
    world = World()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Accelerated)
        assert loop.wall() == pytest.approx(1_800_000_000.0)
        await asyncio.sleep(7200)
        assert loop.wall() == pytest.approx(1_800_007_200.0)

    world.run(main())


def test_the_clock_never_goes_back() -> None:
    """However waits, overshoots and work follow each other."""
    world = World(late=0.003)

    async def main() -> None:
        seen = [passing()]
        for number in range(200):
            await asyncio.sleep((number % 7) * 0.01)
            world.work(0.0005 * (number % 3))
            seen.append(passing())
        assert seen == sorted(seen)

    world.run(main())


def test_an_idle_hour_makes_nobody_unwell() -> None:
    """The health of the prober on this loop and these clocks: no lag, no jump; a blocked loop is still noticed."""
    world = World(late=0.002)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Accelerated)
        lags: list[float] = []
        health = Health(lags.append, clock=loop.time, wall=loop.wall, descriptors=lambda: 1000)
        health.start()
        began = loop.time()
        await asyncio.sleep(360)
        assert health.sickness(began) is None
        assert max(lags) < 0.001
        world.work(0.5)
        assert health.sickness(began) is kinds.LOOP_BLOCKED
        health.stop()

    world.run(main())


def test_waiting_for_a_selector_sees_its_input_and_its_limit() -> None:
    """The wait of the real loop: at once when something is ready, else for so long and no longer."""
    left, right = socket.socketpair()
    with left, right, selectors.DefaultSelector() as selector:
        selector.register(left, selectors.EVENT_READ)
        pause_for_input(selector.fileno(), 0.0)
        assert selector.select(0) == []
        right.send(b"x")
        pause_for_input(selector.fileno(), None)
        assert len(selector.select(0)) == 1


def test_the_real_loop_is_faster_than_the_clock() -> None:
    """With real clock and real waits: a minute passes in about a second."""
    with asyncio.Runner(loop_factory=Accelerated) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Accelerated)
        began, real = loop.time(), loop._real()
        runner.run(asyncio.sleep(60))
        assert loop.time() - began >= 60.0
        assert 0.9 < loop._real() - real < 30.0
