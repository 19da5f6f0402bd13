"""The request that waits for news."""

import asyncio

import pytest

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.ping import ping
from prober.simulator.activesync.session import Done
from prober.simulator.activesync.wbxml import Node, node, text
from prober.simulator.faults.fault import Fault
from tests.simulator.activesync.made import Desk


def asked(*folders: str, heartbeat: int = 60) -> Node:
    listed = [node(t.PING_FOLDER, text(t.PING_ID, name), text(t.PING_CLASS, "Email")) for name in folders]
    return node(t.PING, text(t.PING_HEARTBEAT, heartbeat), node(t.PING_FOLDERS, *listed))


def status(done: Done) -> str:
    assert done.document is not None
    return done.document.value(t.PING_STATUS)


async def held(desk: Desk, body: Node | None, fault: Fault | None = None) -> asyncio.Task[Done]:
    """Start a Ping and let it come to rest."""
    waiting = asyncio.create_task(ping(desk.session(body, fault=fault)))
    for _ in range(3):
        await asyncio.sleep(0)
    return waiting


async def test_a_delivery_ends_it_and_names_the_folder() -> None:
    """Status 2."""
    desk = Desk()
    waiting = await held(desk, asked("1", "8"))
    assert not waiting.done()
    desk.mailbox.deliver("news")
    done = await asyncio.wait_for(waiting, 1)
    assert status(done) == "2"
    assert done.document is not None
    folders = done.document.find(t.PING_FOLDERS)
    assert folders is not None
    assert [one.text for one in folders.children] == ["1"]


async def test_what_a_request_leaves_out_is_remembered() -> None:
    """Folders and heartbeat of the last one."""
    desk = Desk()
    first = await held(desk, asked("1"))
    first.cancel()
    second = await held(desk, None)
    assert not second.done()
    desk.mailbox.deliver("news")
    assert status(await asyncio.wait_for(second, 1)) == "2"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, "3"),
        (asked("1", heartbeat=5), "5"),
        (asked("1", heartbeat=5000), "5"),
        (asked("99"), "7"),
        (asked(*["1"] * 201), "6"),
        (node(t.SYNC), "4"),
    ],
)
async def test_a_request_that_cannot_be_held_is_answered_at_once(body: Node | None, expected: str) -> None:
    """Parameters missing, heartbeat beyond its limits, unknown folder, too many, not a Ping at all."""
    assert status(await ping(Desk().session(body))) == expected


async def test_another_folders_news_do_not_end_it() -> None:
    """Only those asked for."""
    desk = Desk()
    waiting = await held(desk, asked("8"))
    desk.mailbox.deliver("news")
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_silent_push_tells_nothing_and_a_dropped_one_is_cut_off() -> None:
    """As the faults of push channels are."""
    desk = Desk()
    silent = await held(desk, asked("1"), Fault("push_silent"))
    desk.mailbox.deliver("news")
    for _ in range(3):
        await asyncio.sleep(0)
    assert not silent.done()
    silent.cancel()
    assert (await ping(desk.session(asked("1"), fault=Fault("push_drop", arguments={"after": 9})))).cut_off
    assert desk.waited == [9]
