"""One IDLE."""

import asyncio

from prober.simulator.faults.fault import Fault
from prober.simulator.imap.hold import Hold
from prober.simulator.imap.view import View
from prober.simulator.mailbox import FolderKind, Mailbox
from tests.simulator.imap.desk import NOON, alice


def held(mailbox: Mailbox, fault: Fault | None = None) -> tuple[Hold, list[bytes]]:
    said: list[bytes] = []
    view = View(mailbox, FolderKind.INBOX, read_only=True)
    hold = Hold("a1", view, lambda data: said.append(data) if data else None, lambda: NOON)
    hold.fault = fault
    return hold, said


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_delivery_is_reported_in_the_same_turn_of_the_loop() -> None:
    mailbox = alice()
    hold, said = held(mailbox)
    hold.listen()
    mailbox.deliver("New")
    await turn()
    assert said == [b"* 4 EXISTS\r\n* 0 RECENT\r\n"]


async def test_many_deliveries_at_once_are_one_report() -> None:
    mailbox = alice()
    hold, said = held(mailbox)
    hold.listen()
    for number in range(5):
        mailbox.deliver(f"New {number}")
    await turn()
    assert said == [b"* 8 EXISTS\r\n* 0 RECENT\r\n"]


async def test_what_happened_before_the_hold_is_reported_first() -> None:
    mailbox = alice()
    hold, said = held(mailbox)
    mailbox.deliver("Before")
    hold.listen()
    await turn()
    assert said == [b"* 4 EXISTS\r\n* 0 RECENT\r\n"]


async def test_after_it_ends_nothing_is_reported_and_nobody_listens() -> None:
    mailbox = alice()
    hold, said = held(mailbox)
    hold.listen()
    hold.stop()
    mailbox.deliver("After")
    await turn()
    assert said == []
    assert mailbox._listeners == set()


async def test_a_silent_one_reports_nothing_not_even_at_its_end() -> None:
    mailbox = alice()
    hold, said = held(mailbox, Fault("push_silent"))
    hold.listen()
    mailbox.deliver("New")
    await turn()
    assert (said, hold.news()) == ([], b"")


async def test_a_stale_one_reports_only_what_was_there_long_ago() -> None:
    mailbox = alice()
    hold, said = held(mailbox, Fault("stale", arguments={"age_min": 45}))
    hold.listen()
    mailbox.deliver("New")
    await turn()
    assert said == []
    mailbox.delete(FolderKind.INBOX, 1)
    await turn()
    assert said == []


async def test_a_late_one_reports_after_its_time() -> None:
    mailbox = alice()
    hold, said = held(mailbox, Fault("delay", arguments={"seconds": 0.02}))
    hold.listen()
    mailbox.deliver("New")
    await turn()
    assert said == []
    async with asyncio.timeout(5):
        while not said:  # noqa: ASYNC110 - the hold writes to a list; there is nothing else to wait for
            await asyncio.sleep(0.005)
    assert said == [b"* 4 EXISTS\r\n* 0 RECENT\r\n"]


async def test_without_a_folder_there_is_nothing_to_report() -> None:
    hold = Hold("a1", None, lambda data: None, lambda: NOON)
    hold.listen()
    assert hold.news() == b""


async def test_a_drop_can_be_called_off() -> None:
    dropped = asyncio.Event()
    hold, _ = held(alice())
    hold.drop_after(0, dropped.set)
    async with asyncio.timeout(5):
        await dropped.wait()
    again = asyncio.Event()
    hold.drop_after(0, again.set)
    hold.stop()
    await turn()
    assert not again.is_set()
