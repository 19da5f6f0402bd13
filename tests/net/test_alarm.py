"""Many waits, one timer: on a loop whose time is moved by hand."""

import asyncio
from collections.abc import Callable

import pytest

from prober.net.alarm import Alarm


class Timer:
    """What `call_at` gives out."""

    def __init__(self, at: float, ring: Callable[[], None]) -> None:
        self.at = at
        self.ring = ring
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> list[Timer]:
    """Every timer that is set on the running loop."""
    found: list[Timer] = []

    def call_at(at: float, ring: Callable[[], None]) -> Timer:
        found.append(Timer(at, ring))
        return found[-1]

    monkeypatch.setattr(asyncio.get_running_loop(), "call_at", call_at)
    return found


def waiter() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


async def test_a_wait_beyond_its_deadline_is_over(timers: list[Timer]) -> None:
    """With a time-out that has no number: the kernel's have one."""
    alarm, waiting = Alarm(), waiter()
    alarm.watch(waiting, 7.0)
    timers[0].ring()
    error = waiting.exception()
    assert isinstance(error, TimeoutError)
    assert error.errno is None


async def test_waits_one_after_the_other_share_a_timer(timers: list[Timer]) -> None:
    """What it was set for has come; it goes off in a later wait, which lasts to its own deadline."""
    alarm, first, second = Alarm(), waiter(), waiter()
    alarm.watch(first, 7.0)
    first.set_result(None)
    alarm.watch(second, 9.0)
    assert [timer.at for timer in timers] == [7.0]
    timers[0].ring()
    assert not second.done()
    assert [timer.at for timer in timers] == [7.0, 9.0]
    timers[1].ring()
    assert isinstance(second.exception(), TimeoutError)


async def test_a_wait_that_ends_sooner_than_the_timer_has_one_of_its_own(timers: list[Timer]) -> None:
    """It would be rung for too late."""
    alarm, first, second = Alarm(), waiter(), waiter()
    alarm.watch(first, 7.0)
    first.set_result(None)
    alarm.watch(second, 5.0)
    assert [(timer.at, timer.cancelled) for timer in timers] == [(7.0, True), (5.0, False)]
    timers[1].ring()
    assert isinstance(second.exception(), TimeoutError)


async def test_nobody_waiting_it_falls_silent(timers: list[Timer]) -> None:
    """A wait after that sets it anew; once stopped it is cancelled."""
    alarm, first, second = Alarm(), waiter(), waiter()
    alarm.watch(first, 7.0)
    first.set_result(None)
    timers[0].ring()
    assert len(timers) == 1
    alarm.watch(second, 9.0)
    assert timers[1].at == 9.0
    alarm.stop()
    assert timers[1].cancelled
    assert not second.done()
