"""A task and its time: over, not over, and over in the moment in which somebody else ends the task."""

import asyncio

import pytest

from prober.deadline import Deadline


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_what_takes_too_long_is_ended() -> None:
    """With a time-out that has no number; the task goes on, and is not taken for a cancelled one."""
    deadline = Deadline()
    for _ in range(2):
        with pytest.raises(TimeoutError) as raised, deadline.within(0.0):
            await for_ever()
        assert raised.value.errno is None
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
    deadline.close()


async def test_what_ends_in_time_leaves_nothing_that_could_end_what_follows() -> None:
    """Until it is closed a timer stays, which strikes nobody."""
    deadline = Deadline()
    with deadline.within(0.0):
        pass
    for _ in range(3):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), deadline.within(0.0):
        await for_ever()
    deadline.close()


async def test_the_second_of_two_has_its_own_time() -> None:
    """Neither the first one's, when that is over sooner, nor when it would be later."""
    deadline = Deadline()
    with deadline.within(3600.0):
        pass
    with pytest.raises(TimeoutError), deadline.within(0.0):
        await for_ever()
    with deadline.within(0.0):
        pass
    with deadline.within(3600.0):
        for _ in range(3):
            await asyncio.sleep(0)
    deadline.close()


async def test_an_error_within_time_goes_by() -> None:
    """Whatever it is."""
    deadline = Deadline()
    with pytest.raises(ValueError, match="other"), deadline.within(3600.0):
        raise ValueError("other")
    deadline.close()


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
async def test_a_cancellation_from_elsewhere_stays_one(seconds: float) -> None:
    """Also where the time is over in the same moment."""
    deadline = Deadline()

    async def work() -> None:
        with deadline.within(seconds):
            await for_ever()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    deadline.close()


def test_outside_a_task_there_is_nothing_to_end() -> None:
    """It says so, and does not wait in vain."""

    async def scenario() -> None:
        failed: list[str] = []
        over = asyncio.get_running_loop().create_future()

        def callback() -> None:
            try:
                with Deadline().within(1.0):
                    pass
            except RuntimeError as exc:
                failed.append(str(exc))
            over.set_result(None)

        asyncio.get_running_loop().call_soon(callback)
        await over
        assert failed == ["a deadline is for a task"]

    asyncio.run(scenario())
