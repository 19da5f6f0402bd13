"""Folders and messages, asked for as clients do."""

from datetime import timedelta

import pytest

from prober.simulator.faults.fault import Fault
from prober.simulator.graph.entities import root_id
from prober.simulator.graph.ids import folder_id, item_id
from prober.simulator.mailbox import FolderKind
from tests.simulator.graph.desk import ALICE, NOW, Desk, fill, subjects

FOLDERS = f"/users/{ALICE}/mailFolders"
INBOX = f"{FOLDERS}/inbox/messages"


async def test_folders_are_listed_with_their_counts(desk: Desk) -> None:
    """Only the properties asked for, and the Inbox among them."""
    fill(desk.alice, 3)
    seen = await desk.ask(f"{FOLDERS}?$top=50&$select=id,displayName,totalItemCount")
    assert seen.status == 200
    inbox = next(one for one in seen.value if one["displayName"] == "Inbox")
    assert inbox == {"id": folder_id(desk.alice, desk.alice.inbox), "displayName": "Inbox", "totalItemCount": 3}
    assert {"Drafts", "Sent Items", "Deleted Items", "Junk Email"} <= {one["displayName"] for one in seen.value}
    assert "Calendar" not in {one["displayName"] for one in seen.value}
    assert len((await desk.ask(f"{FOLDERS}?$top=2")).value) == 2


async def test_a_folder_is_found_by_name_and_by_id(desk: Desk) -> None:
    """The well-known names in any case of letters; the root by its name."""
    by_name = await desk.ask(f"{FOLDERS}/Inbox")
    by_id = await desk.ask(f"{FOLDERS}/{by_name.json['id']}")
    assert by_name.json == by_id.json
    assert (await desk.ask(f"{FOLDERS}('inbox')")).json == by_id.json
    root = await desk.ask(f"{FOLDERS}/msgfolderroot")
    assert root.json["displayName"] == "Top of Information Store"
    assert len((await desk.ask(f"{FOLDERS}/{root.json['id']}/childFolders")).value) == 7
    assert (await desk.ask(f"{FOLDERS}/inbox/childFolders")).value == []
    assert by_id.json["parentFolderId"] == root_id(desk.alice)


@pytest.mark.parametrize(
    ("name", "code"), [("nothing", "ErrorInvalidIdMalformed"), ("calendar", "ErrorInvalidIdMalformed")]
)
async def test_an_unknown_folder_is_refused(desk: Desk, name: str, code: str) -> None:
    """A name that is none of the well-known ones is taken for an id."""
    assert (await desk.ask(f"{FOLDERS}/{name}/messages")).code == code


async def test_the_calendar_is_no_mail_folder(desk: Desk) -> None:
    """Though it has an id."""
    calendar = folder_id(desk.alice, desk.alice.folders[FolderKind.CALENDAR])
    assert (await desk.ask(f"{FOLDERS}/{calendar}/messages")).code == "ErrorItemNotFound"
    event = desk.alice.schedule("s", NOW, NOW)
    named = item_id(desk.alice, desk.alice.folders[FolderKind.CALENDAR], event.uid)
    assert (await desk.ask(f"/users/{ALICE}/messages/{named}")).code == "ErrorItemNotFound"
    fill(desk.alice, 1)
    message = item_id(desk.alice, desk.alice.inbox, 1)
    assert (await desk.ask(f"{FOLDERS}/{message}/messages")).code == "ErrorInvalidIdMalformed"


async def test_the_newest_message_is_read(desk: Desk) -> None:
    """As a client asks for its time alone."""
    fill(desk.alice, 5)
    seen = await desk.ask(f"{INBOX}?$top=1&$orderby=receivedDateTime%20desc&$select=receivedDateTime")
    assert [one["receivedDateTime"] for one in seen.value] == ["2026-03-16T05:42:00Z"]
    assert set(seen.value[0]) == {"@odata.etag", "id", "receivedDateTime"}
    assert "@odata.nextLink" in seen.json


async def test_messages_come_newest_first_and_in_pages_of_ten(desk: Desk) -> None:
    """Every link leads to the next page until there is none; nothing comes twice and nothing is left out."""
    fill(desk.alice, 23)
    link, told, sizes = INBOX, list[str](), []
    while link:
        page = await desk.ask(link)
        told += subjects(page.value)
        sizes.append(len(page.value))
        link = page.json.get("@odata.nextLink", "")
    assert sizes == [10, 10, 3]
    assert told == [f"Report {number:02d}" for number in range(1, 24)]


async def test_messages_are_filtered_by_their_time(desk: Desk) -> None:
    """And by whatever else a message has."""
    fill(desk.alice, 5)
    desk.alice.mark_read(FolderKind.INBOX, 5)
    seen = await desk.ask(f"{INBOX}?$filter=receivedDateTime ge 2026-03-16T03:42:00Z&$count=true")
    assert list(subjects(seen.value)) == ["Report 01", "Report 02", "Report 03"]
    assert seen.json["@odata.count"] == 3
    assert list(subjects((await desk.ask(f"{INBOX}?$filter=isRead eq true")).value)) == ["Report 01"]
    assert (await desk.ask(f"{INBOX}?$filter=isRead eq")).code == "BadRequest"
    assert (await desk.ask(f"{INBOX}?$top=0")).status == 400
    assert (await desk.ask(f"{INBOX}?$select=colour")).code == "BadRequest"


async def test_one_message_is_read_through_each_of_its_paths(desk: Desk) -> None:
    """From the mailbox, from its folder, as mail; from another folder it is not to be had."""
    item = desk.alice.deliver("Hello", received=NOW)
    desk.alice.deliver("Sent", folder=FolderKind.SENT, received=NOW)
    name = item_id(desk.alice, desk.alice.inbox, item.uid)
    whole = await desk.ask(f"/users/{ALICE}/messages/{name}")
    assert (whole.json["subject"], whole.json["id"]) == ("Hello", name)
    assert (await desk.ask(f"{INBOX}/{name}")).json == whole.json
    assert (await desk.ask(f"{INBOX}/{name}/$value")).body == item.mime()
    assert (await desk.ask(f"{FOLDERS}/sentitems/messages/{name}")).code == "ErrorItemNotFound"
    assert sorted(subjects((await desk.ask(f"/users/{ALICE}/messages")).value)) == ["Hello", "Sent"]


async def test_a_stale_store_hides_what_came_since(desk: Desk) -> None:
    """From lists, from counts, and by its id."""
    desk.alice.deliver("old", received=NOW - timedelta(hours=3))
    item = desk.alice.deliver("new", received=NOW - timedelta(minutes=5))
    desk.fault = Fault("stale", arguments={"age_min": 60})
    assert list(subjects((await desk.ask(INBOX)).value)) == ["old"]
    assert (await desk.ask(f"{FOLDERS}/inbox")).json["totalItemCount"] == 1
    name = item_id(desk.alice, desk.alice.inbox, item.uid)
    assert (await desk.ask(f"/users/{ALICE}/messages/{name}")).code == "ErrorItemNotFound"
