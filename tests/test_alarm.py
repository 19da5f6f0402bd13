"""Many waits, one timer: on a loop whose time is moved by hand."""

import asyncio
from collections.abc import Callable

import pytest

from prober.alarm import Alarm


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


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """An alarm on the running loop."""
    found = Scene()
    monkeypatch.setattr(asyncio.get_running_loop(), "call_at", found.call_at)
    return found


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
