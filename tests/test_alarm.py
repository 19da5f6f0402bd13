"""Many waits, one timer: on a loop whose time is moved by hand."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from prober.alarm import Alarm, Alarms


class Timer:
    """What `call_at` gives out."""

    def __init__(self, at: float, go_off: Callable[[], None]) -> None:
        self.at = at
        self.go_off = go_off
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Scene:
    """An alarm, the timers that it sets, and what rang."""

    def __init__(self) -> None:
        self.alarm = Alarm()
        self.timers: list[Timer] = []
        self.rung: list[str] = []

    def set(self, deadline: float, name: str) -> None:
        self.alarm.set(deadline, lambda: self.rung.append(name))

    def call_at(self, at: float, go_off: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at, go_off))
        return self.timers[-1]

    @property
    def at(self) -> list[float]:
        return [timer.at for timer in self.timers]


Found = TypeVar("Found", bound=Scene)


def on_the_loop(found: Found, monkeypatch: pytest.MonkeyPatch) -> Found:
    monkeypatch.setattr(asyncio.get_running_loop(), "call_at", found.call_at)
    return found


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """An alarm on the running loop."""
    return on_the_loop(Scene(), monkeypatch)


async def test_it_rings_once_at_its_deadline(scene: Scene) -> None:
    """And may be set again from there."""
    scene.set(7.0, "first")
    scene.timers[0].go_off()
    assert scene.rung == ["first"]
    scene.set(8.0, "second")
    assert scene.at == [7.0, 8.0]
    scene.timers[1].go_off()
    assert scene.rung == ["first", "second"]


async def test_waits_one_after_the_other_share_a_timer(scene: Scene) -> None:
    """It goes off in a later wait, which lasts to its own deadline."""
    scene.set(7.0, "first")
    scene.set(8.0, "second")
    scene.set(9.0, "third")
    assert scene.at == [7.0]
    scene.timers[0].go_off()
    assert scene.rung == []
    assert scene.at == [7.0, 9.0]
    scene.timers[1].go_off()
    assert scene.rung == ["third"]


async def test_a_wait_that_ends_before_the_timer_has_one_of_its_own(scene: Scene) -> None:
    """It would be rung for too late."""
    scene.set(7.0, "first")
    scene.set(5.0, "second")
    assert [(timer.at, timer.cancelled) for timer in scene.timers] == [(7.0, True), (5.0, False)]
    scene.timers[1].go_off()
    assert scene.rung == ["second"]


async def test_nobody_waiting_it_falls_silent(scene: Scene) -> None:
    """A wait after that sets it anew; once stopped its timer is cancelled."""
    scene.set(7.0, "first")
    scene.alarm.rest()
    scene.timers[0].go_off()
    assert scene.rung == []
    assert scene.at == [7.0]
    scene.set(9.0, "second")
    scene.alarm.stop()
    assert scene.timers[1].cancelled
    scene.timers[1].go_off()
    assert scene.rung == []
    scene.set(11.0, "third")
    assert scene.at == [7.0, 9.0, 11.0]


class Shared(Scene):
    """Alarms that come and go, and share `most` timers."""

    def __init__(self, most: int = 8) -> None:
        super().__init__()
        self.alarms = Alarms(most)

    def next(self, deadline: float, name: str) -> Alarm:
        self.alarm = Alarm(self.alarms)
        self.set(deadline, name)
        return self.alarm


@pytest.fixture
async def shared(monkeypatch: pytest.MonkeyPatch) -> Shared:
    """Alarms on the running loop."""
    return on_the_loop(Shared(), monkeypatch)


async def test_the_next_alarm_goes_on_with_a_timer_that_was_given_back(shared: Shared) -> None:
    """It goes off for a deadline that is over, and waits for the rest of the next; whoever had it hears nothing."""
    shared.next(7.0, "first").stop()
    shared.next(8.0, "second")
    assert [(timer.at, timer.cancelled) for timer in shared.timers] == [(7.0, False)]
    shared.timers[0].go_off()
    assert shared.at == [7.0, 8.0]
    assert shared.rung == []
    shared.timers[1].go_off()
    assert shared.rung == ["second"]


async def test_two_at_once_have_a_timer_each(shared: Shared) -> None:
    first = shared.next(7.0, "first")
    shared.next(7.5, "second").stop()
    assert shared.at == [7.0, 7.5]
    first.stop()
    first.set(9.0, lambda: shared.rung.append("first again"))
    shared.next(9.5, "third")
    assert shared.at == [7.0, 7.5]
    for timer in shared.timers[:2]:
        timer.go_off()
    assert sorted(shared.at[2:]) == [9.0, 9.5]
    for timer in shared.timers[2:]:
        timer.go_off()
    assert sorted(shared.rung) == ["first again", "third"]


async def test_a_timer_that_nobody_has_goes_off_in_vain(shared: Shared) -> None:
    """And is not taken for one that is set."""
    shared.next(7.0, "first").stop()
    shared.timers[0].go_off()
    shared.next(8.0, "second")
    assert shared.at == [7.0, 8.0]
    shared.timers[1].go_off()
    assert shared.rung == ["second"]


async def test_a_timer_that_was_given_back_rings_for_nobody_who_had_it(shared: Shared) -> None:
    """Who had it has another by now, which is not over."""
    first, second = shared.next(7.0, "first"), shared.next(7.5, "second")
    first.stop()
    second.stop()
    first.set(7.5, lambda: shared.rung.append("first again"))
    shared.timers[0].go_off()
    assert shared.rung == []
    shared.timers[1].go_off()
    assert shared.rung == ["first again"]


async def test_a_timer_that_is_set_for_later_is_set_anew(shared: Shared) -> None:
    shared.next(70.0, "first").stop()
    shared.next(8.0, "second")
    assert [(timer.at, timer.cancelled) for timer in shared.timers] == [(70.0, True), (8.0, False)]
    shared.timers[1].go_off()
    assert shared.rung == ["second"]


async def test_no_more_are_kept_than_were_said(shared: Shared) -> None:
    shared.alarms = Alarms(1)
    first, second = shared.next(7.0, "first"), shared.next(8.0, "second")
    first.stop()
    second.stop()
    assert [timer.cancelled for timer in shared.timers] == [False, True]
    shared.next(9.0, "third")
    shared.next(9.0, "fourth")
    assert shared.at == [7.0, 8.0, 9.0]


def test_a_loop_takes_no_timer_of_another() -> None:
    """One loop after the other: what was set on the first will not go off."""
    alarms, rung = Alarms(), list[str]()

    async def waits(name: str) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        alarm = Alarm(alarms)
        alarm.set(loop.time(), lambda: over.set_result(None))
        await over
        rung.append(name)
        alarm.set(loop.time() + 600.0, lambda: None)
        alarm.stop()

    asyncio.run(waits("first"))
    asyncio.run(asyncio.wait_for(waits("second"), 10.0))
    assert rung == ["first", "second"]
