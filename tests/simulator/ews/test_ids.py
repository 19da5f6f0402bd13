"""Identifiers there and back, and those of others refused."""

import base64

import pytest

from prober.simulator.ews import ids
from prober.simulator.ews.ids import SyncState
from prober.simulator.ews.soap import Refused
from prober.simulator.mailbox import FolderKind
from tests.simulator.ews.desk import Desk


def test_ids_lead_back_to_what_they_name() -> None:
    mailbox = Desk().mailbox
    item = mailbox.deliver("one")
    assert ids.read_item_id(ids.item_id(mailbox, item).get("Id", "")) == (mailbox.guid, FolderKind.INBOX, item.uid)
    assert ids.read_folder_id(ids.folder_id(mailbox, "inbox").get("Id", "")) == (mailbox.guid, "inbox")


def test_the_change_key_follows_the_item_and_the_id_does_not() -> None:
    mailbox = Desk().mailbox
    before = ids.item_id(mailbox, mailbox.deliver("one"))
    mailbox.mark_read(FolderKind.INBOX, 1)
    after = ids.item_id(mailbox, mailbox.inbox.items[1])
    assert before.get("Id") == after.get("Id")
    assert before.get("ChangeKey") != after.get("ChangeKey")


@pytest.mark.parametrize("text", ["", "x", "////", "SXxh", base64.b64encode(b"I|guid|nowhere|1").decode(), "\u00e9"])
def test_what_is_no_id_is_malformed(text: str) -> None:
    with pytest.raises(Refused) as caught:
        ids.read_item_id(text)
    assert caught.value.code == "ErrorInvalidIdMalformed"


def test_a_folder_id_is_no_item_id() -> None:
    with pytest.raises(Refused):
        ids.read_item_id(ids.folder_id(Desk().mailbox, "inbox").get("Id", ""))


def test_a_sync_state_is_good_for_its_own_scope_and_for_what_has_happened() -> None:
    desk = Desk()
    desk.mailbox.deliver("one")
    state = SyncState("inbox", 0, 1, 1)
    text = ids.sync_state(desk.mailbox, state)
    assert ids.read_sync_state(text, desk.mailbox, "inbox") == state
    assert ids.read_sync_state("", desk.mailbox, "inbox") == SyncState("inbox")
    future = ids.sync_state(desk.mailbox, SyncState("inbox", 0, 1, 99))
    for bad, mailbox, scope in (
        (text, desk.other, "inbox"),
        (text, desk.mailbox, "drafts"),
        (future, desk.mailbox, "inbox"),
    ):
        with pytest.raises(Refused) as caught:
            ids.read_sync_state(bad, mailbox, scope)
        assert caught.value.code == "ErrorInvalidSyncStateData"
