"""The prober's own health: what is a sickness, when, and for which attempts."""

import asyncio
import os
import resource

import pytest

from prober.faults import taxonomy as kinds
from prober.schedule.health import FRESH, SCARCE, Health, free_descriptors
from prober.verdict import Condition
from tests.schedule import virtual


class Patient:
    """A health monitor on virtual time whose wall clock and descriptors are set by hand."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.ahead = 1_800_000_000.0
        self.free = 1000
        self.health = Health(
            self.lags.append, clock=virtual.now, wall=lambda: virtual.now() + self.ahead, descriptors=lambda: self.free
        )
        self.health.start()


def test_a_quiet_loop_is_healthy_and_sampled_ten_times_a_second() -> None:
    """Ten seconds give a hundred samples of no lag, and no sickness."""

    async def main() -> None:
        patient = Patient()
        began = virtual.now()
        await asyncio.sleep(10.0)
        assert len(patient.lags) == pytest.approx(100, abs=1)
        assert max(patient.lags) < 1e-6
        assert patient.health.sickness(began) is None
        patient.health.stop()

    virtual.run(main())


def test_a_loop_blocked_during_an_attempt_makes_it_sick() -> None:
    """300 ms of blocking show in the attempt that was under way, also before the late sample has run."""

    async def main() -> None:
        patient = Patient()
        await asyncio.sleep(1.05)
        began = virtual.now()
        virtual.block(0.4)
        assert patient.health.sickness(began) is kinds.LOOP_BLOCKED
        await asyncio.sleep(0.2)
        assert patient.health.sickness(began) is kinds.LOOP_BLOCKED
        assert max(patient.lags) == pytest.approx(0.35, abs=0.01)
        patient.health.stop()

    virtual.run(main())


def test_an_attempt_that_begins_after_the_blocking_is_well() -> None:
    """What was noticed before an attempt began does not excuse it."""

    async def main() -> None:
        patient = Patient()
        await asyncio.sleep(1.0)
        virtual.block(5.0)
        await asyncio.sleep(0.3)
        assert patient.health.sickness(virtual.now()) is None
        patient.health.stop()

    virtual.run(main())


def test_a_small_lag_is_observed_but_no_sickness() -> None:
    """200 ms are in the histogram and excuse nothing."""

    async def main() -> None:
        patient = Patient()
        await asyncio.sleep(1.0)
        began = virtual.now()
        virtual.block(0.2)
        await asyncio.sleep(1.0)
        assert patient.health.sickness(began) is None
        assert max(patient.lags) == pytest.approx(0.1, abs=0.11)
        assert max(patient.lags) > 0.05
        patient.health.stop()

    virtual.run(main())


def test_what_the_loop_lags_adds_up() -> None:
    """Three times 200 ms, each too short to be called blocked: at least 300 ms in all, whether sampled yet or not."""

    async def main() -> None:
        patient = Patient()
        await asyncio.sleep(1.0)
        began = patient.health.mark()
        for _ in range(3):
            virtual.block(0.2)
            unsampled = patient.health.condition(began)
            await asyncio.sleep(0.5)
            assert patient.health.condition(began) == unsampled
        assert unsampled.sickness is None
        assert 0.3 - 1e-6 <= unsampled.lag <= 0.6
        assert patient.health.condition(patient.health.mark(), late=2.0) == Condition(None, 0.0, 2.0)
        patient.health.stop()

    virtual.run(main())


def test_the_ordinary_business_of_a_loop_is_no_lag() -> None:
    """A hundred times 40 ms."""

    async def main() -> None:
        patient = Patient()
        began = patient.health.mark()
        for _ in range(100):
            await asyncio.sleep(0.1)
            virtual.block(0.04)
        assert patient.health.condition(began).lag == 0.0
        patient.health.stop()

    virtual.run(main())


def test_descriptors_are_counted_when_an_attempt_ends_and_not_by_the_second_alone() -> None:
    """Gone since the last sample: an attempt of a few milliseconds is told of it."""

    async def main() -> None:
        patient = Patient()
        await asyncio.sleep(0.5)
        began = virtual.now()
        patient.free = 3
        assert patient.health.sickness(began) is kinds.NO_DESCRIPTORS
        patient.health.stop()

    virtual.run(main())


def test_a_failure_has_descriptors_counted_and_a_success_where_the_last_count_is_not_fresh() -> None:
    """Gone since the last count: the failure is ours, and a success soon not timed. Scarce ones are always counted."""

    async def main() -> None:
        patient = Patient()
        health = patient.health
        assert health.condition(health.mark()).sickness is None
        patient.free = 3
        began = health.mark()
        assert health.condition(began, failed=False).sickness is None
        virtual.block(1.01 * FRESH)
        assert health.condition(began, failed=False).sickness is kinds.NO_DESCRIPTORS
        virtual.block(0.001)
        assert health.condition(health.mark(), failed=False).sickness is kinds.NO_DESCRIPTORS
        patient.free = SCARCE
        virtual.block(0.001)
        assert health.condition(health.mark(), failed=False).sickness is None
        patient.free = 3
        assert health.condition(health.mark(), failed=True).sickness is kinds.NO_DESCRIPTORS
        health.stop()

    virtual.run(main())


@pytest.mark.parametrize("jump", [-3600.0, -2.5, 2.5, 86_400.0])
def test_a_wall_clock_that_jumps_is_wrong(jump: float) -> None:
    """More than two seconds against the monotonic clock, either way, at any time of the attempt."""

    async def main() -> None:
        patient = Patient()
        began = virtual.now()
        await asyncio.sleep(1.0)
        patient.ahead += jump
        assert patient.health.sickness(began) is kinds.CLOCK_WRONG
        await asyncio.sleep(1.0)
        assert patient.health.sickness(began) is kinds.CLOCK_WRONG
        assert patient.health.sickness(virtual.now()) is None
        patient.health.stop()

    virtual.run(main())


def test_a_wall_clock_that_is_slewed_is_not_wrong() -> None:
    """Ten seconds gained over an hour, as time services do, are no jump."""

    async def main() -> None:
        patient = Patient()
        began = virtual.now()
        for _ in range(3600):
            await asyncio.sleep(1.0)
            patient.ahead += 10.0 / 3600
        assert patient.health.sickness(began) is None
        patient.health.stop()

    virtual.run(main())


def test_descriptors_running_out_outweigh_everything_else() -> None:
    """Fifteen left of a reserve of sixteen: no descriptors, even with a blocked loop beside it."""

    async def main() -> None:
        patient = Patient()
        began = virtual.now()
        patient.free = 15
        await asyncio.sleep(1.5)
        virtual.block(1.0)
        assert patient.health.sickness(began) is kinds.NO_DESCRIPTORS
        patient.free = 16
        await asyncio.sleep(4.0)
        assert patient.health.sickness(virtual.now() - 2.0) is None
        patient.health.stop()

    virtual.run(main())


def test_free_descriptors_counts_down_with_every_open_file() -> None:
    """The real count: the limit less what is open, and none at the limit."""
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = free_descriptors()
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(50)]
    assert before - free_descriptors() == pytest.approx(50, abs=20)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 1, hard))
        assert free_descriptors() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        for descriptor in held:
            os.close(descriptor)


def test_stopping_leaves_no_timer_behind() -> None:
    """After `stop` nothing is sampled any more, and no sample is overdue."""

    async def main() -> None:
        patient = Patient()
        patient.health.stop()
        before = len(patient.lags)
        await asyncio.sleep(10.0)
        assert len(patient.lags) == before
        assert patient.health.sickness(virtual.now() - 1.0) is None

    virtual.run(main())
