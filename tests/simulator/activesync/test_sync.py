"""What a Sync brings, window by window."""

import asyncio
from datetime import timedelta

import pytest

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.sync import sync
from prober.simulator.activesync.wbxml import Node, node, text
from prober.simulator.faults.fault import Fault
from prober.simulator.mailbox import FolderKind
from tests.simulator.activesync.made import NOON, Desk


def asked(key: str, *rest: Node, name: str = "1", wait: int = 0) -> Node:
    collection = node(t.COLLECTION, text(t.SYNC_KEY, key), text(t.COLLECTION_ID, name), *rest)
    return node(t.SYNC, node(t.COLLECTIONS, collection), *((text(t.HEARTBEAT, wait),) if wait else ()))


async def answered(desk: Desk, key: str, *rest: Node, name: str = "1") -> Node:
    done = await sync(desk.session(asked(key, *rest, name=name)))
    assert done.document is not None
    found = done.document.find(t.COLLECTIONS, t.COLLECTION)
    assert found is not None
    return found


def ids(collection: Node, tag: t.Tag = t.ADD) -> list[str]:
    commands = collection.find(t.COMMANDS)
    return [one.value(t.SERVER_ID) for one in commands.all(tag)] if commands else []


async def test_items_come_in_windows_and_none_is_lost() -> None:
    """Each window under a new key, `MoreAvailable` as long as there is more; what arrives meanwhile comes last."""
    desk, seen = Desk(), list[str]()
    for number in range(5):
        desk.mailbox.deliver(f"{number}")
    key = (await answered(desk, "0")).value(t.SYNC_KEY)
    for more in (True, True, False):
        got = await answered(desk, key, text(t.WINDOW_SIZE, 2))
        key = got.value(t.SYNC_KEY)
        seen += ids(got)
        if seen == ["1:1", "1:2"]:
            desk.mailbox.deliver("late")
        assert (got.find(t.MORE_AVAILABLE) is not None) is more
    assert seen == [f"1:{uid}" for uid in range(1, 7)]


async def test_a_lost_answer_can_be_asked_for_again() -> None:
    """With the key before: the same items, under the same new key."""
    desk = Desk()
    desk.mailbox.deliver("one")
    key = (await answered(desk, "0")).value(t.SYNC_KEY)
    first = await answered(desk, key)
    again = await answered(desk, key)
    assert ids(first) == ids(again) == ["1:1"]
    assert first.value(t.SYNC_KEY) == again.value(t.SYNC_KEY)


async def test_flags_and_deletions_are_news_too() -> None:
    """Of items that the phone has."""
    desk = Desk()
    for subject in ("one", "two"):
        desk.mailbox.deliver(subject)
    key = (await answered(desk, (await answered(desk, "0")).value(t.SYNC_KEY))).value(t.SYNC_KEY)
    desk.mailbox.mark_read(FolderKind.INBOX, 1)
    desk.mailbox.delete(FolderKind.INBOX, 2)
    got = await answered(desk, key)
    assert (ids(got, t.CHANGE), ids(got, t.DELETE)) == (["1:1"], ["1:2"])


async def test_what_the_phone_changes_is_changed() -> None:
    """Read, deleted, fetched; and an item that is not there is told by status 8."""
    desk = Desk()
    for subject in ("one", "two"):
        desk.mailbox.deliver(subject)
    key = (await answered(desk, (await answered(desk, "0")).value(t.SYNC_KEY))).value(t.SYNC_KEY)
    commands = node(
        t.COMMANDS,
        node(t.CHANGE, text(t.SERVER_ID, "1:1"), node(t.APPLICATION_DATA, text(t.READ, 1))),
        node(t.DELETE, text(t.SERVER_ID, "1:2")),
        node(t.DELETE, text(t.SERVER_ID, "1:9")),
        node(t.FETCH, text(t.SERVER_ID, "1:1")),
    )
    got = await answered(desk, key, commands)
    assert [item.read for item in desk.mailbox.inbox.visible()] == [True]
    replies = got.find(t.RESPONSES)
    assert replies is not None
    assert [one.value(t.STATUS) for one in replies.children] == ["8", "1"]


@pytest.mark.parametrize(("key", "name", "status"), [("9", "1", "3"), ("0", "99", "12"), ("5", "8", "3")])
async def test_a_wrong_key_or_collection_has_its_status(key: str, name: str, status: str) -> None:
    """Of the collection, not of the whole."""
    assert (await answered(Desk(), key, name=name)).value(t.STATUS) == status


async def test_a_device_without_folders_is_sent_back() -> None:
    """To FolderSync, by status 12."""
    desk = Desk()
    desk.device.folder_key = 0
    assert (await answered(desk, "0")).value(t.STATUS) == "12"


async def primed(desk: Desk) -> str:
    key = (await answered(desk, "0")).value(t.SYNC_KEY)
    desk.mailbox.deliver("one")
    return (await answered(desk, key)).value(t.SYNC_KEY)


async def test_a_long_sync_ends_with_the_news() -> None:
    """And not before."""
    desk = Desk()
    key = await primed(desk)
    waiting = asyncio.create_task(sync(desk.session(asked(key, wait=60))))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    desk.mailbox.deliver("news")
    done = await asyncio.wait_for(waiting, 1)
    assert done.document is not None


@pytest.mark.parametrize(
    ("tag", "wait", "limit"), [(t.HEARTBEAT, 3541, "3540"), (t.HEARTBEAT, 30, "60"), (t.WAIT, 60, "59")]
)
async def test_a_wait_has_limits(tag: t.Tag, wait: int, limit: str) -> None:
    """Status 14 with the limit, in seconds or minutes as it was asked."""
    desk = Desk()
    body = asked(await primed(desk))
    done = await sync(desk.session(node(t.SYNC, *body.children, text(tag, wait))))
    assert done.document is not None
    assert (done.document.value(t.STATUS), done.document.value((0, 0x25))) == ("14", limit)


async def test_a_push_that_is_dropped_is_cut_off() -> None:
    """After as many seconds as the fault says."""
    desk = Desk()
    fault = Fault("push_drop", arguments={"after": 7})
    done = await sync(desk.session(asked(await primed(desk), wait=60), fault=fault))
    assert done.cut_off
    assert desk.waited == [7]


async def test_a_stale_view_has_no_news() -> None:
    """What came later than it is not there."""
    desk = Desk()
    key = await primed(desk)
    desk.mailbox.deliver("news", received=NOON)
    done = await sync(desk.session(asked(key), until=NOON - timedelta(hours=1)))
    assert done.document is None


async def test_an_empty_request_without_one_before_is_incomplete() -> None:
    """Status 13."""
    done = await sync(Desk().session(None))
    assert done.document is not None
    assert done.document.value(t.STATUS) == "13"


@pytest.mark.parametrize("number", ["abc", "-1", "9" * 5000, "²"])
async def test_a_number_that_is_none_is_as_if_it_were_not_there(number: str) -> None:
    """And brings nothing down."""
    desk = Desk()
    desk.mailbox.deliver("one")
    key = (await answered(desk, "0")).value(t.SYNC_KEY)
    preference = node(t.BODY_PREFERENCE, text(t.BODY_TYPE, number), text(t.TRUNCATION_SIZE, number))
    options = node(t.OPTIONS, text(t.FILTER_TYPE, number), preference)
    assert ids(await answered(desk, key, text(t.WINDOW_SIZE, number), options)) == ["1:1"]
    done = await sync(desk.session(node(t.SYNC, *asked("2").children, text(t.HEARTBEAT, number), text(t.WAIT, number))))
    assert done.document is None


async def test_what_a_stale_view_hid_comes_when_the_view_is_right_again() -> None:
    """Though the view showed something meanwhile."""
    desk = Desk()
    key = (await answered(desk, "0")).value(t.SYNC_KEY)
    desk.mailbox.deliver("old", received=NOON - timedelta(hours=3))
    desk.mailbox.deliver("hidden", received=NOON)
    stale = await sync(desk.session(asked(key), until=NOON - timedelta(hours=1)))
    assert stale.document is not None
    shown = stale.document.find(t.COLLECTIONS, t.COLLECTION)
    assert shown is not None
    assert ids(shown) == ["1:1"]
    assert ids(await answered(desk, shown.value(t.SYNC_KEY))) == ["1:2"]


async def test_what_the_phone_changed_itself_is_no_news_to_it() -> None:
    """Neither now nor in the next answer."""
    desk = Desk()
    for subject in ("one", "two"):
        desk.mailbox.deliver(subject)
    key = (await answered(desk, (await answered(desk, "0")).value(t.SYNC_KEY))).value(t.SYNC_KEY)
    read = node(t.CHANGE, text(t.SERVER_ID, "1:1"), node(t.APPLICATION_DATA, text(t.READ, 1)))
    got = await answered(desk, key, node(t.COMMANDS, read, node(t.DELETE, text(t.SERVER_ID, "1:2"))))
    assert got.find(t.COMMANDS) is None
    done = await sync(desk.session(asked(got.value(t.SYNC_KEY))))
    assert done.document is None
