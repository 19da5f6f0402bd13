"""The calendar: what changed in the days to come, and who is free when (Learn, "event: delta", "getSchedule")."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.graph import status
from prober.protocols.graph.mail import asking
from prober.protocols.graph.reading import Page, document, page, utc, wrong

SCHEDULE_FAILED = Kind("graph_schedule_failed", Reason.SERVER_ERROR)
SCHEDULE_PROXY_FAILED = Kind("graph_schedule_proxy_failed", Reason.SERVER_ERROR)
SCHEDULE_STORE_UNAVAILABLE = Kind("graph_schedule_store_unavailable", Reason.MAILBOX_UNAVAILABLE)
SCHEDULE_UNKNOWN = Kind("graph_schedule_address_unknown", Reason.CLIENT_MISCONFIG)
SCHEDULE_DENIED = Kind("graph_schedule_denied", Reason.ACCESS_POLICY)
RESPONSE_CODES: Mapping[str, Kind] = MappingProxyType(
    {
        "errorproxyrequestprocessingfailed": SCHEDULE_PROXY_FAILED,
        "errorproxyrequestnotallowed": SCHEDULE_PROXY_FAILED,
        "errorautodiscoverfailed": SCHEDULE_PROXY_FAILED,
        "errormailboxstoreunavailable": SCHEDULE_STORE_UNAVAILABLE,
        "errorconnectionfailed": SCHEDULE_STORE_UNAVAILABLE,
        "errormailrecipientnotfound": SCHEDULE_UNKNOWN,
        "errorinvalidsmtpaddress": SCHEDULE_UNKNOWN,
        "errornonexistentmailbox": SCHEDULE_UNKNOWN,
        "errornofreebusyaccess": SCHEDULE_DENIED,
        "erroraccessdenied": SCHEDULE_DENIED,
    }
)
"""By `responseCode` in lower case, as EWS names them (MS-OXWSAVAIL 2.2.5); any other is the server's failure."""


@dataclass(frozen=True, slots=True)
class CalendarDelta:
    """Ask what changed between `start` and `end` (epoch seconds), or by a `link` that the server gave."""

    user: str
    start: float = 0.0
    end: float = 0.0
    link: str = ""

    def __repr__(self) -> str:
        return f"CalendarDelta({'link' if self.link else 'prime'})"

    def call(self) -> Call:
        """Return the request."""
        if self.link:
            return asking(self.link)
        window = {"startDateTime": utc(self.start), "endDateTime": utc(self.end)}
        return asking(f"{self.user}/calendarView/delta?{urlencode(window, quote_via=quote)}")

    def read(self, reply: Reply) -> Page:
        """Return a page. Raises `FaultError`; `graph_resync_required` where the link is no longer known."""
        return page(reply, self.link or self.user)


@dataclass(frozen=True, slots=True)
class GetSchedule:
    """Ask when the people at `addresses` are free between `start` and `end` (epoch seconds)."""

    user: str
    addresses: tuple[str, ...]
    start: float
    end: float

    def __repr__(self) -> str:
        return f"GetSchedule({len(self.addresses)} addresses)"

    def call(self) -> Call:
        """Return the request."""
        body = {
            "schedules": list(self.addresses),
            "startTime": {"dateTime": utc(self.start).rstrip("Z"), "timeZone": "UTC"},
            "endTime": {"dateTime": utc(self.end).rstrip("Z"), "timeZone": "UTC"},
            "availabilityViewInterval": 60,
        }
        headers = (("Accept", "application/json"), ("Content-Type", "application/json"))
        return Call("POST", f"{self.user}/calendar/getSchedule", headers, json.dumps(body).encode(), Auth.CREDENTIAL)

    def read(self, reply: Reply) -> int:
        """Return how many schedules were told. Raises `FaultError` also for one that could not be."""
        found = document(reply).get("value")
        if not isinstance(found, list) or len(found) != len(self.addresses):
            raise wrong(reply, "value")
        for position, one in enumerate(found):
            _check(reply, one, position)
        return len(found)


def _check(reply: Reply, schedule: object, position: int) -> None:
    """Raise `FaultError` for a schedule with an error in it, or with nothing."""
    if not isinstance(schedule, dict):
        raise wrong(reply, "schedule")
    error: Any = schedule.get("error")
    if isinstance(error, dict):
        code = error.get("responseCode")
        named = code if isinstance(code, str) and status.CODE.fullmatch(code) else "none"
        kind = RESPONSE_CODES.get(named.lower(), SCHEDULE_FAILED)
        raise FaultError(kind, {"error": named, "schedule": "own" if position == 0 else "other"})
    if not isinstance(schedule.get("scheduleItems"), list) and not isinstance(schedule.get("availabilityView"), str):
        raise wrong(reply, "scheduleItems")
