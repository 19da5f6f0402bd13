"""The calendar: what lies in a stretch of time, and who is free in it (Learn, "List calendarView", `getSchedule`)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prober.simulator.graph import entities
from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.errors import GraphError, bad_request, not_found
from prober.simulator.graph.filters import read_moment
from prober.simulator.graph.ids import read_item
from prober.simulator.graph.odata import filtered, one_page, selector, sorter
from prober.simulator.mailbox import FolderKind, Item, Mailbox

PAGE = 10
SLOT = 30
"""Minutes that one character of an availability view stands for, unless told otherwise."""
SLOTS = (5, 1440)
SCHEDULES = 20
LONGEST = timedelta(days=62)
ZONES: Mapping[str, str] = MappingProxyType(
    {
        "AUS Eastern Standard Time": "Australia/Sydney",
        "Central Europe Standard Time": "Europe/Budapest",
        "Central Standard Time": "America/Chicago",
        "Eastern Standard Time": "America/New_York",
        "GMT Standard Time": "Europe/London",
        "India Standard Time": "Asia/Kolkata",
        "Mountain Standard Time": "America/Denver",
        "Pacific Standard Time": "America/Los_Angeles",
        "Romance Standard Time": "Europe/Paris",
        "Singapore Standard Time": "Asia/Singapore",
        "Tokyo Standard Time": "Asia/Tokyo",
        "W. Europe Standard Time": "Europe/Berlin",
    }
)
"""Zones by the names Windows gives them; others go by their names in the IANA database."""


def calendar_view(asking: Asking) -> Answer:
    """Return a page of the events between `startDateTime` and `endDateTime`."""
    start, end = window(asking.query.options)
    return _listed(asking, [item for item in _items(asking) if overlaps(item, start, end)], "calendarView")


def list_events(asking: Asking) -> Answer:
    """Return a page of all events."""
    return _listed(asking, _items(asking), "events")


def get_event(asking: Asking) -> Answer:
    """Return one event."""
    folder, item = read_item(asking.mailbox, asking.parts[0])
    if folder.kind is not FolderKind.CALENDAR:
        raise not_found()
    found = selector(asking.query, entities.EVENT_FIELDS)(entities.event_entity(asking.mailbox, folder, item))
    return Answer({"@odata.context": asking.context(f"users('{asking.user}')/events/$entity")} | found)


def get_schedule(asking: Asking) -> Answer:
    """Return when each of `schedules` is busy."""
    asked = asking.document()
    start, end = _zoned(asked.get("starttime"), "StartTime"), _zoned(asked.get("endtime"), "EndTime")
    names, slot = asked.get("schedules"), _slot(asked.get("availabilityviewinterval", SLOT))
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise GraphError("ErrorInvalidParameter", "The value of parameter Schedules is invalid.", status=400)
    if len(names) > SCHEDULES:
        raise GraphError("ErrorInvalidParameter", f"The maximum number of schedules is {SCHEDULES}.", status=400)
    if not slot <= end - start <= LONGEST:
        raise GraphError("ErrorInvalidTimeInterval", "The duration specified for the view is invalid.", status=400)
    found = [_schedule(asking, name, start, end, slot) for name in names]
    return Answer({"@odata.context": asking.context("Collection(microsoft.graph.scheduleInformation)"), "value": found})


def window(options: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Return the stretch of time that options name. Raises `GraphError`."""
    start, end = options.get("startdatetime", ""), options.get("enddatetime", "")
    if not start or not end:
        raise GraphError(
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters StartDateTime and "
            "EndDateTime.",
        )
    found = read_moment(start), read_moment(end)
    if found[0] > found[1]:
        raise GraphError("ErrorInvalidParameter", "Parameter EndDateTime must be later than StartDateTime.")
    return found


def overlaps(item: Item, start: datetime, end: datetime) -> bool:
    """Whether an event touches a stretch of time."""
    begins = item.start or item.received
    return begins < end and (item.end or begins) > start


def _items(asking: Asking) -> list[Item]:
    return asking.mailbox.folders[FolderKind.CALENDAR].visible(asking.until)


def _listed(asking: Asking, items: Sequence[Item], what: str) -> Answer:
    query, mailbox = asking.query, asking.mailbox
    folder = mailbox.folders[FolderKind.CALENDAR]
    chosen = selector(query, entities.EVENT_FIELDS)
    passes = filtered(query, entities.EVENT_FIELDS).passes
    found = [entities.event_entity(mailbox, folder, item) for item in items]
    ordered = sorter(query, entities.EVENT_FIELDS)(one for one in found if passes(one))
    page = one_page(query, ordered, query.top(PAGE))
    page["value"] = [chosen(one) for one in page["value"]]
    return Answer({"@odata.context": asking.context(f"users('{asking.user}')/{what}")} | page)


def _schedule(asking: Asking, name: str, start: datetime, end: datetime, slot: timedelta) -> dict[str, Any]:
    mailbox = asking.premises.tenant.mailbox(name)
    if mailbox is None:
        message = f"Unable to resolve e-mail address {name} to an Active Directory object."
        error = {"message": message, "responseCode": "ErrorMailRecipientNotFound"}
        return {"scheduleId": name, "availabilityView": "", "scheduleItems": [], "error": error}
    items = _busy(mailbox, start, end, asking.until)
    return {
        "scheduleId": name,
        "availabilityView": _view(items, start, end, slot),
        "scheduleItems": [_schedule_item(item) for item in items],
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": "UTC"},
        },
    }


def _busy(mailbox: Mailbox, start: datetime, end: datetime, until: datetime | None) -> list[Item]:
    items = [item for item in mailbox.folders[FolderKind.CALENDAR].visible(until) if overlaps(item, start, end)]
    return sorted(items, key=lambda item: item.start or item.received)


def _schedule_item(item: Item) -> dict[str, Any]:
    start = item.start or item.received
    return {
        "isPrivate": False,
        "status": "busy",
        "subject": item.subject,
        "location": "",
        "isMeeting": False,
        "isRecurring": False,
        "isException": False,
        "isReminderSet": True,
        "start": entities.wall_time(start),
        "end": entities.wall_time(item.end or start),
    }


def _view(items: Sequence[Item], start: datetime, end: datetime, slot: timedelta) -> str:
    """Return one character per slot, the last one perhaps a short one: `2` where something is on, else `0`."""
    count = -(-(end - start) // slot)
    slots = ((start + number * slot, min(start + (number + 1) * slot, end)) for number in range(count))
    return "".join("2" if any(overlaps(item, *one) for item in items) else "0" for one in slots)


def _slot(minutes: Any) -> timedelta:
    text = str(minutes)
    shortest, longest = SLOTS
    if not re.fullmatch(r"[0-9]{1,5}", text) or not shortest <= int(text) <= longest:
        raise GraphError("ErrorInvalidParameter", "The value of parameter AvailabilityViewInterval is invalid.")
    return timedelta(minutes=int(text))


def _zoned(value: Any, name: str) -> datetime:
    """Return the moment a `dateTimeTimeZone` stands for. Raises `GraphError`."""
    named = {str(key).lower(): str(part) for key, part in value.items()} if isinstance(value, dict) else {}
    if not {"datetime", "timezone"} <= set(named):
        raise bad_request(f"The value of parameter {name} is missing or incomplete.")
    if named["timezone"].upper() == "UTC":
        return read_moment(named["datetime"])
    try:
        zone = ZoneInfo(ZONES.get(named["timezone"], named["timezone"]))
        moment = datetime.fromisoformat(named["datetime"])
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        raise GraphError("TimeZoneNotSupportedException", f"Parameter {name} is invalid.", status=400) from None
