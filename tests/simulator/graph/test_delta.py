"""Following a folder, as Learn's walk through delta queries does."""

from datetime import timedelta

import pytest

from prober.simulator.faults.fault import Fault
from prober.simulator.graph.ids import item_id
from prober.simulator.mailbox import FolderKind
from tests.simulator.graph.desk import ALICE, BOB, NOW, ROOT, Desk, fill, subjects

DELTA = f"/users/{ALICE}/mailFolders/inbox/messages/delta"
VIEW = f"/users/{ALICE}/calendarView/delta?startDateTime=2026-03-16T00:00:00Z&endDateTime=2026-03-18T00:00:00Z"


async def test_a_first_round_tells_all_in_pages_of_the_preferred_size(desk: Desk) -> None:
    """And ends with a link by which changes are learnt; the preference is confirmed."""
    fill(desk.alice, 5)
    told, link, sizes = await desk.follow(DELTA, prefer="odata.maxpagesize=2")
    assert sizes == [2, 2, 1]
    assert sorted(subjects(told)) == [f"Report {number:02d}" for number in range(1, 6)]
    assert link.startswith(f"{ROOT}{DELTA}?$deltatoken=")
    first = await desk.ask(DELTA, prefer="odata.maxpagesize=2")
    assert first.headers["Preference-Applied"] == "odata.maxpagesize=2"
    assert "?$skiptoken=" in first.json["@odata.nextLink"]
    assert "Preference-Applied" not in (await desk.ask(DELTA)).headers


async def test_later_rounds_tell_what_is_new_changed_and_gone(desk: Desk) -> None:
    """Each once; a quiet mailbox tells nothing, with a link all the same."""
    fill(desk.alice, 3)
    _, link, _ = await desk.follow(DELTA)
    nothing, link, _ = await desk.follow(link)
    assert nothing == []
    desk.alice.deliver("new", received=NOW)
    desk.alice.mark_read(FolderKind.INBOX, 1)
    desk.alice.delete(FolderKind.INBOX, 2)
    told, link, _ = await desk.follow(link)
    gone = {"id": item_id(desk.alice, desk.alice.inbox, 2), "@removed": {"reason": "deleted"}}
    assert gone in told
    assert {one["subject"]: one["isRead"] for one in told if one is not gone and "subject" in one} == {
        "new": False,
        "Report 03": True,
    }
    assert (await desk.follow(link))[0] == []


async def test_what_changes_between_two_pages_is_not_lost(desk: Desk) -> None:
    """A message read, one deleted and one that came while the client was on its way."""
    fill(desk.alice, 4)
    page = await desk.ask(DELTA, prefer="odata.maxpagesize=2")
    seen = {one["id"]: one for one in page.value}
    desk.alice.mark_read(FolderKind.INBOX, 1)
    desk.alice.delete(FolderKind.INBOX, 2)
    desk.alice.delete(FolderKind.INBOX, 4)
    desk.alice.deliver("new", received=NOW)
    told, _, _ = await desk.follow(page.json["@odata.nextLink"], prefer="odata.maxpagesize=2")
    for one in told:
        seen[one["id"]] = one
    kept = {one["subject"]: one["isRead"] for one in seen.values() if "@removed" not in one}
    assert kept == {"Report 04": True, "Report 02": False, "new": False}


async def test_a_selection_and_a_filter_hold_for_all_rounds(desk: Desk) -> None:
    """Without being sent again: the link carries them."""
    fill(desk.alice, 30)
    options = "?$select=id,receivedDateTime&$filter=receivedDateTime ge 2026-03-15T06:42:00Z"
    told, link, _ = await desk.follow(DELTA + options, prefer="odata.maxpagesize=50")
    assert len(told) == 24
    assert set(told[0]) == {"@odata.type", "@odata.etag", "id", "receivedDateTime"}
    desk.alice.deliver("too old", received=NOW - timedelta(days=9))
    desk.alice.deliver("new", received=NOW)
    told, _, _ = await desk.follow(link)
    assert [one["receivedDateTime"] for one in told] == ["2026-03-16T06:42:00Z"]
    assert set(told[0]) == {"@odata.type", "@odata.etag", "id", "receivedDateTime"}


@pytest.mark.parametrize(
    "option",
    [
        "$search=x",
        "$skip=2",
        "$filter=isRead eq false",
        "$filter=receivedDateTime lt 2026-01-01",
        "$filter=receivedDateTime ge 2026-01-01 and isRead eq false",
        "$orderby=subject",
    ],
)
async def test_what_cannot_be_followed_is_refused(desk: Desk, option: str) -> None:
    """Messages are followed by their time alone (Learn, `message: delta`, OData query parameters)."""
    assert (await desk.ask(f"{DELTA}?{option}")).code == "ErrorInvalidUrlQuery"


@pytest.mark.parametrize("option", ["$filter=receivedDateTime ge x", "$select=colour", "$top=x"])
async def test_bad_options_are_bad_requests(desk: Desk, option: str) -> None:
    """As everywhere."""
    assert (await desk.ask(f"{DELTA}?{option}")).code == "BadRequest"


async def test_a_token_of_another_place_is_lost(desk: Desk) -> None:
    """Of another folder, of another mailbox, of an earlier generation, of nobody."""
    fill(desk.alice, 1)
    _, link, _ = await desk.follow(DELTA)
    token = link.partition("=")[2]
    token_of_bob = desk.graph.states.write(desk.bob, desk.graph.states.read(desk.alice, token))
    lost = (
        f"/users/{ALICE}/mailFolders/sentitems/messages/delta?$deltatoken={token}",
        f"{DELTA}?$deltatoken={token_of_bob}",
        f"{DELTA}?$deltatoken=invalid",
    )
    for target in lost:
        seen = await desk.ask(target)
        assert (seen.status, seen.code) == (410, "SyncStateNotFound")
    assert (await desk.ask(link)).status == 200
    desk.graph.states.forget()
    assert (await desk.ask(link)).status == 410
    assert BOB in desk.tenant.mailboxes


async def test_a_token_from_before_the_mailbox_was_made_anew_is_lost(desk: Desk) -> None:
    """It would promise changes that nobody remembers."""
    fill(desk.alice, 3)
    _, link, _ = await desk.follow(DELTA)
    desk.tenant.open_mailbox(ALICE, "ams1")
    assert (await desk.ask(link)).status == 410


async def test_a_stretch_of_the_calendar_is_followed(desk: Desk) -> None:
    """What lies outside is not told of, then or later."""
    for day in (-3, 0, 1, 5):
        start = NOW + timedelta(days=day)
        desk.alice.schedule(f"day {day}", start, start + timedelta(hours=1))
    told, link, _ = await desk.follow(VIEW)
    assert sorted(subjects(told)) == ["day 0", "day 1"]
    assert told[0]["@odata.type"] == "#microsoft.graph.event"
    desk.alice.schedule("added", NOW, NOW + timedelta(hours=1))
    desk.alice.schedule("far", NOW + timedelta(days=9), NOW + timedelta(days=9))
    desk.alice.delete(FolderKind.CALENDAR, 2)
    told, _, _ = await desk.follow(link)
    assert [one.get("subject", one.get("@removed")) for one in told] == ["added", {"reason": "deleted"}]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"/users/{ALICE}/calendarView/delta", "ErrorInvalidParameter"),
        (f"/users/{ALICE}/calendarView/delta?startDateTime=2026-03-16T00:00:00Z", "ErrorInvalidParameter"),
        (VIEW + "&$select=id", "ErrorInvalidUrlQuery"),
        (VIEW + "&$filter=isAllDay eq true", "ErrorInvalidUrlQuery"),
        (f"{VIEW}&$top=x", "BadRequest"),
    ],
)
async def test_a_calendar_cannot_be_followed_without_its_stretch(desk: Desk, target: str, code: str) -> None:
    """Nor with options beside it (Learn, `event: delta`)."""
    assert (await desk.ask(target)).code == code


async def test_a_stale_store_keeps_back_what_came_since_and_tells_it_later(desk: Desk) -> None:
    """The link it gave meanwhile has not skipped anything."""
    fill(desk.alice, 1)
    _, link, _ = await desk.follow(DELTA)
    desk.alice.deliver("kept back", received=NOW)
    desk.alice.mark_read(FolderKind.INBOX, 1)
    desk.fault = Fault("stale", arguments={"age_min": 30})
    told, link, _ = await desk.follow(link)
    assert list(subjects(told)) == ["Report 01"]
    desk.fault = None
    told, link, _ = await desk.follow(link)
    assert "kept back" in subjects(told)
    assert (await desk.follow(link))[0] == []
