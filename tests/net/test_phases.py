"""One phase: what it took, what interrupted it, and its limit."""

import asyncio
import time

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.classify import TIMED_OUT_DURING
from prober.faults.taxonomy import FaultError
from prober.net.phases import Measured
from prober.net.stream import Stream
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.clocks import Clock
from tests.net.made import Raised


async def test_a_phase_takes_from_entry_to_exit() -> None:
    """Without other marks the clock is read at both ends."""
    clock = Clock()
    timeline = Timeline(clock)
    with Measured(timeline, Phase.TLS, 1.0):
        clock.now += 2.5
    assert timeline.spent == {Phase.TLS: 2.5}
    assert timeline.interrupted is None


async def test_a_phase_begins_and_ends_at_its_marks() -> None:
    """Bytes that arrived before the coroutine ran again end the phase at their arrival."""
    clock = Clock(100.0)
    timeline = Timeline(clock)
    with Measured(timeline, Phase.WAIT, 1.0, 99.0) as lap:
        clock.now = 107.0
        lap.ended = 104.5
    assert timeline.spent == {Phase.WAIT: 5.5}


async def test_two_phases_of_one_name_add_up() -> None:
    """Two requests in one step: two waits in one sum."""
    clock = Clock()
    timeline = Timeline(clock)
    for _ in range(2):
        with Measured(timeline, Phase.WAIT, 1.0):
            clock.now += 1
    assert timeline.spent == {Phase.WAIT: 2.0}


async def test_a_phase_never_takes_less_than_nothing() -> None:
    """An answer that came before the request was out is no time machine."""
    timeline = Timeline(Clock())
    with Measured(timeline, Phase.WAIT, 1.0) as lap:
        lap.ended = 99.0
    assert timeline.spent == {Phase.WAIT: 0.0}


@pytest.mark.parametrize("phase", list(Phase))
async def test_a_phase_beyond_its_limit_raises_the_kind_of_that_phase(phase: Phase) -> None:
    """The fault names the phase, and the timeline too."""
    timeline = Timeline()
    with Raised() as raised, Measured(timeline, phase, 0.0) as lap:
        await Stream(time.monotonic).receive(lap.deadline)
    assert raised.error.fault.kind is TIMED_OUT_DURING[phase]
    assert raised.error.fault.phase is phase
    assert timeline.interrupted is phase
    assert set(timeline.spent) == {phase}


async def test_a_fault_within_a_phase_is_given_its_phase() -> None:
    """What broke keeps its kind and learns where it happened."""
    timeline = Timeline()
    with Raised() as raised, Measured(timeline, Phase.RECEIVE, 1.0):
        raise FaultError(kinds.BAD_REPLY)
    assert raised.error.fault.kind is kinds.BAD_REPLY
    assert raised.error.fault.phase is Phase.RECEIVE


async def test_a_time_out_from_outside_names_the_running_phase_and_passes_through() -> None:
    """The step's own limit is the step's to judge: only the phase is noted."""
    timeline = Timeline()

    async def never() -> None:
        with Measured(timeline, Phase.CONNECT, 60.0):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(never(), 0.001)
    assert timeline.interrupted is Phase.CONNECT


async def test_a_time_out_that_the_system_reports_is_not_the_limit() -> None:
    """An ETIMEDOUT of the kernel passes as it is."""
    with pytest.raises(TimeoutError) as raised, Measured(Timeline(), Phase.CONNECT, 60.0):
        raise TimeoutError(110, "Connection timed out")
    assert raised.value.errno == 110
