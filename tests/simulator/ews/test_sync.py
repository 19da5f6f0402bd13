"""Rounds of changes: complete, in order, each thing once."""

from datetime import timedelta

import pytest

from prober.simulator.ews.ids import SyncState
from prober.simulator.ews.sync import MOST, turn
from tests.simulator.ews.desk import Desk, envelope, said, texts

SYNC = (
    "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>"
    '<t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId><m:SyncState>{state}</m:SyncState>'
    "<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
)


async def test_the_state_leads_on_and_the_last_page_says_so() -> None:
    desk = Desk()
    for number in range(3):
        desk.mailbox.deliver(f"{number}")
    first = await desk.ask(SYNC.format(state="", most=2))
    assert texts(first, "IncludesLastItemInRange") == ["false"]
    assert len(texts(first, "Create")) == 2
    second = await desk.ask(SYNC.format(state=texts(first, "SyncState")[0], most=2))
    assert texts(second, "IncludesLastItemInRange") == ["true"]
    assert len(texts(second, "Create")) == 1
    third = await desk.ask(SYNC.format(state=texts(second, "SyncState")[0], most=2))
    assert texts(third, "Create") == []


@pytest.mark.parametrize("most", ["0", str(MOST + 1), "", "x"])
async def test_the_number_of_changes_has_bounds(most: str) -> None:
    assert (await Desk().reply(envelope(SYNC.format(state="", most=most)))).status == 500


async def test_a_state_of_elsewhere_is_invalid() -> None:
    """Of another folder, of a future, of nobody; an empty state stands beside the code."""
    desk = Desk()
    desk.mailbox.deliver("one")
    state = texts(await desk.ask(SYNC.format(state="", most=5)), "SyncState")[0]
    refused = await desk.ask(SYNC.replace("inbox", "drafts").format(state=state, most=5))
    assert said(refused) == ["ErrorInvalidSyncStateData"]
    assert texts(refused, "SyncState") == [""]
    assert said(await Desk().ask(SYNC.format(state=state, most=5))) == ["ErrorInvalidSyncStateData"]
    assert said(await desk.ask(SYNC.format(state="x", most=5))) == ["ErrorInvalidSyncStateData"]


def test_a_change_amid_a_round_of_pages_is_neither_lost_nor_told_twice() -> None:
    """Whatever happens between two pages comes in the next round, in the form the client needs."""
    mailbox = Desk().mailbox
    first, second, _ = (mailbox.deliver(name) for name in "abc")
    page = turn(mailbox, mailbox.inbox, SyncState("inbox"), 1, None)
    assert [(one.uid, one.kind) for one in page.changes] == [(first.uid, "add")]
    mailbox.mark_read(first.folder, first.uid)
    mailbox.delete(second.folder, second.uid)
    page = turn(mailbox, mailbox.inbox, page.state, 5, None)
    assert [(one.uid, one.kind) for one in page.changes] == [(3, "add")]
    assert page.last
    page = turn(mailbox, mailbox.inbox, page.state, 5, None)
    assert [(one.uid, one.kind) for one in page.changes] == [(first.uid, "change"), (second.uid, "delete")]


def test_what_came_and_went_is_not_told() -> None:
    mailbox = Desk().mailbox
    item = mailbox.deliver("short")
    mailbox.delete(item.folder, item.uid)
    assert turn(mailbox, mailbox.inbox, SyncState("inbox"), 5, None).changes == []


def test_a_stale_view_hides_arrivals_without_losing_them() -> None:
    desk = Desk()
    now = desk.tenant.clocks.now()
    desk.mailbox.deliver("old", received=now - timedelta(hours=2))
    desk.mailbox.deliver("new", received=now)
    stale = turn(desk.mailbox, desk.mailbox.inbox, SyncState("inbox"), 5, now - timedelta(hours=1))
    assert [one.uid for one in stale.changes] == [1]
    assert stale.last
    fresh = turn(desk.mailbox, desk.mailbox.inbox, stale.state, 5, None)
    assert [one.uid for one in fresh.changes] == [2]
