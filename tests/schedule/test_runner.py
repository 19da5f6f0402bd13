"""The runner: exact starts, missed slots counted, crashes survived, an orderly end."""

import asyncio
import contextlib
import logging
from collections import Counter
from itertools import pairwise

import pytest

from prober.model import Assignment
from prober.schedule.plan import Due, Plan, fraction
from prober.schedule.runner import Job, Runner
from tests.schedule import virtual
from tests.schedule.test_plan import assignment


class Watch:
    """Counts what the runner tells."""

    def __init__(self) -> None:
        self.slots: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        self.slots[assignment.key] += count

    def crashed(self, assignment: Assignment) -> None:
        self.crashes[assignment.key] += 1


def runner(job: Job, *assignments: Assignment, watch: Watch | None = None) -> Runner:
    plan = Plan(assignments, now=virtual.now(), epoch=0.0)
    return Runner(plan, job, watch or Watch(), clock=virtual.now)


async def during(seconds: float, one: Runner) -> None:
    """Let the runner run for so long, then cancel its loop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await one.run()


class AllDue(Plan):
    """A plan of so many assignments that are all due at this very instant, and never again."""

    def __init__(self, count: int) -> None:
        super().__init__([], now=0.0, epoch=0.0)
        self.left = [assignment(f"t{number}") for number in range(count)]

    @property
    def next_deadline(self) -> float | None:
        return virtual.now() if self.left else None

    def take(self, now: float) -> Due | None:
        return Due(self.left.pop(), now, 0, start=True) if self.left else None


def test_attempts_start_at_their_deadlines_for_a_thousand_periods_without_drift() -> None:
    """A thousand attempts of varying length: every one starts exactly an interval after the one before."""

    async def main() -> list[tuple[float, float]]:
        starts: list[tuple[float, float]] = []

        async def job(_: Assignment, intended: float) -> None:
            starts.append((intended, virtual.now()))
            await asyncio.sleep(1.7 * (len(starts) % 30))

        await during(1001 * 60.0, runner(job, assignment()))
        return starts

    starts = virtual.run(main())
    first = starts[0][0]
    assert len(starts) >= 1000
    assert [intended for intended, _ in starts] == [first + 60.0 * number for number in range(len(starts))]
    assert max(abs(actual - intended) for intended, actual in starts) < 1e-6


def test_a_slot_whose_predecessor_still_runs_is_missed_and_not_queued() -> None:
    """An attempt of 2.5 intervals costs two slots; the next start is at the third, on time."""
    watch = Watch()

    async def main() -> list[float]:
        starts: list[float] = []

        async def job(_: Assignment, __: float) -> None:
            starts.append(virtual.now())
            await asyncio.sleep(150.0)

        one = runner(job, assignment(), watch=watch)
        await during(420.0, one)
        await one.drain(1000.0)
        return starts

    starts = virtual.run(main())
    assert [at - starts[0] for at in starts] == pytest.approx([0.0, 180.0, 360.0])
    assert watch.slots == {"imap4/hq": 4}


def test_assignments_do_not_wait_for_each_other() -> None:
    """One assignment that hangs costs only its own slots."""
    watch = Watch()

    async def main() -> Counter[str]:
        starts: Counter[str] = Counter()

        async def job(one: Assignment, _: float) -> None:
            starts[one.key] += 1
            if one.target.name == "hangs":
                await asyncio.sleep(1e9)

        many = runner(job, assignment("hangs"), assignment("fine"), watch=watch)
        await during(600.0, many)
        await many.drain(0.0)
        return starts

    assert virtual.run(main()) == {"imap4/hangs": 1, "imap4/fine": 10}
    assert watch.slots == {"imap4/hangs": 9}


def test_after_a_suspension_no_burst_follows() -> None:
    """A loop that stood still for ten minutes starts only what is due now, and counts the rest as missed."""
    watch = Watch()

    async def main() -> tuple[int, int]:
        starts: list[float] = []

        async def job(_: Assignment, __: float) -> None:
            starts.append(virtual.now())

        many = runner(job, *(assignment(f"site-{number}") for number in range(60)), watch=watch)
        await during(60.0, many)
        before = len(starts)
        virtual.block(600.0)
        resumed = virtual.now()
        await during(1.0, many)
        assert all(at >= resumed for at in starts[before:])
        return before, len(starts) - before

    before, burst = virtual.run(main())
    assert before == 60
    assert burst <= 12
    assert watch.slots.total() + burst == pytest.approx(601, abs=3)


def test_one_start_per_loop_pass() -> None:
    """Ten assignments due at the same instant: between two starts the loop has gone round."""

    async def main() -> list[int]:
        passes = 0
        at_pass: list[int] = []

        async def count() -> None:
            nonlocal passes
            while True:
                passes += 1
                await asyncio.sleep(0)

        async def job(_: Assignment, __: float) -> None:
            at_pass.append(passes)

        one = Runner(AllDue(10), job, Watch(), clock=virtual.now)
        counting = asyncio.create_task(count())
        task = asyncio.create_task(one.run())
        for _ in range(50):
            await asyncio.sleep(0)
        for stopped in (task, counting):
            stopped.cancel()
        return at_pass

    at_pass = virtual.run(main())
    assert len(set(at_pass)) == len(at_pass) == 10


def test_an_attempt_begins_when_the_loop_has_gone_round_once() -> None:
    """From the deadline to its first instruction nobody has a second go before it."""

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.VirtualLoop)
        rounds: list[int] = []

        async def job(_: Assignment, __: float) -> None:
            rounds.append(loop.leaping.since_leap)

        await during(300.0, runner(job, assignment()))
        return rounds

    assert virtual.run(main()) == [1] * 5


def test_a_plan_that_breaks_ends_the_run() -> None:
    """Whoever waits for it is told; nothing goes on in silence."""

    class Broken(Plan):
        def take(self, now: float) -> Due | None:
            raise ArithmeticError

    async def main() -> None:
        async def job(_: Assignment, __: float) -> None:
            raise AssertionError

        one = Runner(Broken([assignment()], now=virtual.now(), epoch=0.0), job, Watch(), clock=virtual.now)
        async with asyncio.timeout(1.0):
            await one.run()

    with pytest.raises(ArithmeticError):
        virtual.run(main())


def test_a_run_that_was_cancelled_starts_nothing_more() -> None:
    """Not even when it hears of another plan."""

    async def main() -> None:
        async def job(_: Assignment, __: float) -> None:
            raise AssertionError

        one = runner(job)
        await during(10.0, one)
        one.replan([assignment()], now=virtual.now(), epoch=virtual.now())
        await asyncio.sleep(200.0)
        assert not one.running

    virtual.run(main())


def test_a_crash_around_an_attempt_is_logged_and_counted_and_the_next_slot_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message of the exception, which may hold anything, stays out of the log; its type and place do not."""
    watch = Watch()

    async def main() -> int:
        starts = 0

        async def job(_: Assignment, __: float) -> None:
            nonlocal starts
            starts += 1
            raise RuntimeError("password1")

        await during(300.0, runner(job, assignment(), watch=watch))
        return starts

    with caplog.at_level(logging.ERROR):
        assert virtual.run(main()) == 5
    assert watch.crashes == {"imap4/hq": 5}
    assert "RuntimeError" in caplog.text
    assert "password1" not in caplog.text


def test_draining_lets_running_attempts_end() -> None:
    """An attempt that needs ten more seconds gets them, and nothing is cancelled."""

    async def main() -> tuple[list[str], float]:
        ended: list[str] = []

        async def job(one: Assignment, _: float) -> None:
            await asyncio.sleep(40.0)
            ended.append(one.key)

        one = runner(job, assignment())
        await during(fraction("imap4/hq") * 60.0 + 30.0, one)
        before = virtual.now()
        await one.drain(30.0)
        assert one.running == frozenset()
        return ended, virtual.now() - before

    ended, took = virtual.run(main())
    assert ended == ["imap4/hq"]
    assert took == pytest.approx(10.0, abs=0.1)


def test_draining_cancels_what_outlasts_the_grace() -> None:
    """After the grace period the attempt is cancelled: it runs no further and is neither missed nor crashed."""
    watch = Watch()

    async def main() -> tuple[list[str], float]:
        told: list[str] = []

        async def job(_: Assignment, __: float) -> None:
            try:
                await asyncio.sleep(1e6)
                told.append("ended")
            finally:
                told.append("closed")

        one = runner(job, assignment(), watch=watch)
        await during(59.9, one)
        before = virtual.now()
        await one.drain(30.0)
        assert one.running == frozenset()
        return told, virtual.now() - before

    told, took = virtual.run(main())
    assert told == ["closed"]
    assert took == pytest.approx(30.0)
    assert not watch.crashes
    assert not watch.slots


def test_an_attempt_that_will_not_be_cancelled_does_not_hold_up_the_end() -> None:
    """Closing is bounded too: an attempt that ignores its cancellation is left behind after five seconds."""

    async def main() -> float:
        async def job(_: Assignment, __: float) -> None:
            try:
                await asyncio.sleep(1e6)
            finally:
                await asyncio.sleep(100.0)

        one = runner(job, assignment())
        await during(59.9, one)
        before = virtual.now()
        await one.drain(1.0)
        return virtual.now() - before

    assert virtual.run(main()) == pytest.approx(6.0)


def test_an_empty_plan_waits() -> None:
    """Nothing to do is no busy loop."""

    async def main() -> None:
        async def job(_: Assignment, __: float) -> None:
            raise AssertionError

        await during(10_000.0, runner(job))

    virtual.run(main())


def test_an_attempt_begun_besides_the_plan_takes_part_in_its_rules() -> None:
    """Begun now, it starts now; a second one beside it does not; the plan's slot meanwhile is missed, not doubled."""
    watch = Watch()

    async def main() -> None:
        starts: list[float] = []

        async def job(_: Assignment, intended: float) -> None:
            starts.append(intended)
            await asyncio.sleep(70.0)

        one = runner(job, assignment(), watch=watch)
        began = virtual.now()
        one.begin(assignment())
        one.begin(assignment())
        await during(69.0, one)
        assert starts == [began]
        await one.drain(5.0)
        assert one.running == frozenset()

    virtual.run(main())
    assert watch.slots == {"imap4/hq": 1}


def test_another_plan_is_heard_of_in_the_middle_of_a_rest() -> None:
    """Nothing was to do for ever; what comes is started when it is due, and what stays does not lose a slot."""

    async def main() -> list[tuple[str, float]]:
        starts: list[tuple[str, float]] = []

        async def job(one: Assignment, _: float) -> None:
            starts.append((one.key, virtual.now() - began))

        began, running = virtual.now(), runner(job)
        running.drop(["imap4/nobody"])
        task = asyncio.create_task(running.run())
        await asyncio.sleep(100.0)
        running.replan([assignment("a")], now=virtual.now(), epoch=virtual.now())
        await asyncio.sleep(100.0)
        running.replan([assignment("a"), assignment("b")], now=virtual.now(), epoch=virtual.now())
        await asyncio.sleep(100.0)
        task.cancel()
        return starts

    starts = virtual.run(main())
    first, second = ([when for key, when in starts if key == f"imap4/{name}"] for name in "ab")
    assert [round(later - sooner, 6) for sooner, later in pairwise(first)] == [60.0] * (len(first) - 1)
    assert 100.0 <= first[0] < 160.0 <= 240.0 < first[-1]
    assert 200.0 <= second[0] < 260.0


def test_what_is_under_way_of_one_that_is_gone_is_cancelled_and_of_others_not() -> None:
    """Without an outcome, and without a crash."""
    watch = Watch()

    async def main() -> list[str]:
        ended: list[str] = []

        async def job(one: Assignment, _: float) -> None:
            await asyncio.sleep(10.0)
            ended.append(one.key)

        running = runner(job, watch=watch)
        for name in ("gone", "stays"):
            running.begin(assignment(name))
        await asyncio.sleep(1.0)
        running.drop({"imap4/gone", "imap4/unknown"})
        await asyncio.sleep(20.0)
        assert not running.running
        return ended

    assert virtual.run(main()) == ["imap4/stays"]
    assert not watch.crashes
