"""The calendar and free/busy, with requests as Learn shows them."""

from datetime import timedelta
from typing import Any

import pytest

from prober.simulator.faults.fault import Fault
from prober.simulator.graph.ids import item_id
from prober.simulator.mailbox import FolderKind
from tests.simulator.graph.desk import ALICE, BOB, NOW, Desk, fill, subjects

VIEW = f"/users/{ALICE}/calendarView?startDateTime=2026-03-16T00:00:00Z&endDateTime=2026-03-17T00:00:00Z"
SCHEDULE = f"/users/{ALICE}/calendar/getSchedule"


def day(hour: int, minute: int = 0) -> Any:
    return NOW.replace(hour=hour, minute=minute)


def asked(**changes: Any) -> dict[str, Any]:
    """Return the request of Learn's "Get free/busy schedule", for our own day."""
    whole = {
        "Schedules": [ALICE],
        "StartTime": {"dateTime": "2026-03-16T09:00:00", "timeZone": "UTC"},
        "EndTime": {"dateTime": "2026-03-16T12:00:00", "timeZone": "UTC"},
        "availabilityViewInterval": "15",
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


async def test_a_view_holds_what_touches_it(desk: Desk) -> None:
    """What begins before and lasts into it as well; what ends as it begins does not."""
    desk.alice.schedule("over", day(0) - timedelta(hours=1), day(0))
    desk.alice.schedule("into", day(0) - timedelta(hours=1), day(0, 1))
    desk.alice.schedule("within", day(9), day(10))
    desk.alice.schedule("after", day(0) + timedelta(days=1), day(1) + timedelta(days=1))
    assert list(subjects((await desk.ask(VIEW)).value)) == ["into", "within"]
    assert list(subjects((await desk.ask(VIEW + "&$orderby=subject desc&$top=1")).value)) == ["within"]
    assert (await desk.ask(VIEW.replace("/calendarView", "/calendar/calendarView"))).status == 200


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"/users/{ALICE}/calendarView", "ErrorInvalidParameter"),
        (f"/users/{ALICE}/calendarView?startDateTime=x&endDateTime=y", "BadRequest"),
        (f"/users/{ALICE}/calendarView?startDateTime=2026-03-16&endDateTime=2026-03-15", "ErrorInvalidParameter"),
        (VIEW + "&$select=colour", "BadRequest"),
        (VIEW + "&$filter=nonsense", "BadRequest"),
    ],
)
async def test_a_view_needs_its_times(desk: Desk, target: str, code: str) -> None:
    """Both, and in order."""
    seen = await desk.ask(target)
    assert (seen.status, seen.code) == (400, code)


async def test_an_event_is_read_by_its_id(desk: Desk) -> None:
    """A message's id is no event's."""
    event = desk.alice.schedule("Stand-up", day(9), day(10))
    name = item_id(desk.alice, desk.alice.folders[FolderKind.CALENDAR], event.uid)
    assert (await desk.ask(f"/users/{ALICE}/events/{name}?$select=subject")).json["subject"] == "Stand-up"
    assert list(subjects((await desk.ask(f"/users/{ALICE}/events")).value)) == ["Stand-up"]
    fill(desk.alice, 1)
    message = item_id(desk.alice, desk.alice.inbox, 1)
    assert (await desk.ask(f"/users/{ALICE}/events/{message}")).code == "ErrorItemNotFound"


async def test_a_stale_store_shows_no_new_event(desk: Desk) -> None:
    """An event is as new as its arrival in the calendar."""
    desk.alice.schedule("new", day(9), day(10))
    desk.fault = Fault("stale", arguments={"age_min": 10})
    assert (await desk.ask(VIEW)).value == []


async def test_a_schedule_says_when_somebody_is_busy(desk: Desk) -> None:
    """A character per quarter of an hour, and the items behind them; anybody's of the tenant."""
    desk.bob.schedule("Stand-up", day(9, 30), day(10))
    desk.bob.schedule("Tomorrow", day(9) + timedelta(days=1), day(10) + timedelta(days=1))
    seen = await desk.ask(SCHEDULE, "POST", body=asked(Schedules=[BOB, ALICE]))
    assert seen.status == 200
    bob, alice = seen.value
    assert (bob["scheduleId"], bob["availabilityView"]) == (BOB, "002200000000")
    assert [one["start"] for one in bob["scheduleItems"]] == [
        {"dateTime": "2026-03-16T09:30:00.0000000", "timeZone": "UTC"}
    ]
    assert bob["scheduleItems"][0]["status"] == "busy"
    assert (alice["scheduleItems"], alice["availabilityView"]) == ([], "0" * 12)
    assert "error" not in bob
    assert bob["workingHours"]["daysOfWeek"][0] == "monday"


async def test_an_unknown_address_has_an_error_of_its_own(desk: Desk) -> None:
    """The others are answered all the same."""
    seen = await desk.ask(SCHEDULE, "POST", body=asked(Schedules=["x@nowhere.example", ALICE]))
    assert seen.value[0]["error"]["responseCode"] == "ErrorMailRecipientNotFound"
    assert "error" not in seen.value[1]


async def test_zones_go_by_their_windows_names_and_by_those_of_the_iana(desk: Desk) -> None:
    """Five o'clock in Seattle is midnight in Greenwich; summer time counts."""
    desk.alice.schedule("s", day(16), day(17))
    times = {
        "StartTime": {"dateTime": "2026-03-16T09:00:00", "timeZone": "Pacific Standard Time"},
        "EndTime": {"dateTime": "2026-03-16T17:00:00", "timeZone": "Europe/London"},
        "availabilityViewInterval": 30,
    }
    seen = await desk.ask(SCHEDULE, "POST", body=asked(**times))
    assert seen.value[0]["availabilityView"] == "22"


@pytest.mark.parametrize(
    "changes",
    [
        {"Schedules": None},
        {"Schedules": []},
        {"Schedules": [5]},
        {"Schedules": "x"},
        {"Schedules": ["x@y.example"] * 21},
        {"StartTime": None},
        {"StartTime": "2026-03-16T09:00:00"},
        {"StartTime": {"dateTime": "2026-03-16T09:00:00"}},
        {"StartTime": {"dateTime": "soon", "timeZone": "UTC"}},
        {"StartTime": {"dateTime": "2026-03-16T09:00:00", "timeZone": "Middle Earth"}},
        {"StartTime": {"dateTime": "2026-03-16T09:00:00", "timeZone": "../etc/passwd"}},
        {"StartTime": {"dateTime": "soon", "timeZone": "Pacific Standard Time"}},
        {"EndTime": {"dateTime": "2026-03-16T09:10:00", "timeZone": "UTC"}},
        {"EndTime": {"dateTime": "2027-03-16T09:00:00", "timeZone": "UTC"}},
        {"availabilityViewInterval": "4"},
        {"availabilityViewInterval": 1441},
        {"availabilityViewInterval": None, "EndTime": {"dateTime": "2026-03-16T09:20:00", "timeZone": "UTC"}},
        {"availabilityViewInterval": "often"},
    ],
)
async def test_a_schedule_that_cannot_be_made_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    """As a whole, with 400."""
    seen = await desk.ask(SCHEDULE, "POST", body=asked(**changes))
    assert (seen.status, "error" in seen.json) == (400, True)
