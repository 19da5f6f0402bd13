"""The hierarchy and the estimates."""

import pytest

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.devices import fresh
from prober.simulator.activesync.folders import folder_sync, get_item_estimate
from prober.simulator.activesync.wbxml import Node, node, text
from tests.simulator.activesync.made import Desk


async def synced(desk: Desk, key: str) -> Node:
    done = await folder_sync(desk.session(node(t.FOLDER_SYNC, text(t.FOLDER_KEY, key))))
    assert done.document is not None
    return done.document


async def test_a_device_that_begins_sees_every_folder() -> None:
    """With its type; afterwards nothing is new."""
    desk = Desk()
    first = await synced(desk, "0")
    changes = first.find(t.FOLDER_CHANGES)
    assert changes is not None
    kinds = {one.value(t.FOLDER_NAME): one.value(t.FOLDER_TYPE) for one in changes.all(t.FOLDER_ADD)}
    assert (kinds["Inbox"], kinds["Calendar"], kinds["Archive"]) == ("2", "8", "12")
    assert changes.value(t.COUNT) == str(len(kinds))
    second = await synced(desk, first.value(t.FOLDER_KEY))
    assert (second.value(t.FOLDER_STATUS), second.value(t.FOLDER_CHANGES, t.COUNT)) == ("1", "0")


async def test_an_unknown_key_starts_at_the_beginning() -> None:
    """Status 9; and beginning anew forgets every collection."""
    desk = Desk()
    assert (await synced(desk, "7")).value(t.FOLDER_STATUS) == "9"
    desk.device.collections["1"] = fresh(0)
    await synced(desk, "0")
    assert desk.device.collections == {}


@pytest.mark.parametrize("body", [None, node(t.SYNC)])
async def test_what_is_no_foldersync_is_told_so(body: Node | None) -> None:
    """Status 10."""
    done = await folder_sync(Desk().session(body))
    assert done.document is not None
    assert done.document.value(t.FOLDER_STATUS) == "10"


@pytest.mark.parametrize(
    ("name", "key", "status", "estimate"),
    [("1", "1", "1", "2"), ("1", "9", "4", ""), ("8", "1", "3", ""), ("99", "1", "2", "")],
)
async def test_an_estimate_counts_what_a_sync_would_bring(name: str, key: str, status: str, estimate: str) -> None:
    """Or says why it cannot: a key that is none, a collection not primed, one that is not there."""
    desk = Desk()
    desk.device.collections["1"] = fresh(0)
    desk.mailbox.deliver("one")
    desk.mailbox.deliver("two")
    collection = node(t.ESTIMATE_COLLECTION, text(t.SYNC_KEY, key), text(t.ESTIMATE_COLLECTION_ID, name))
    done = await get_item_estimate(desk.session(node(t.GET_ITEM_ESTIMATE, node(t.ESTIMATE_COLLECTIONS, collection))))
    assert done.document is not None
    response = done.document.find(t.ESTIMATE_RESPONSE)
    assert response is not None
    assert response.value(t.ESTIMATE_STATUS) == status
    assert response.value(t.ESTIMATE_COLLECTION, t.ESTIMATE) == estimate
