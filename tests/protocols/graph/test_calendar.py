"""The calendar: what changed, and who is free."""

import json
from typing import Any

import pytest

from prober.exchange import Auth
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.graph.calendar import CalendarDelta, GetSchedule
from tests.protocols.graph.made import DELTA, USER, answer, collection, error

SCHEDULE: dict[str, Any] = {
    "scheduleId": "alex@djayasee.onmicrosoft.com",
    "availabilityView": "0000000022222222",
    "scheduleItems": [
        {
            "isPrivate": False,
            "status": "busy",
            "subject": "Test Meeting",
            "location": "Test Meeting",
            "start": {"dateTime": "2018-09-27T07:00:00.0000000", "timeZone": "Pacific Standard Time"},
            "end": {"dateTime": "2018-09-27T12:00:00.0000000", "timeZone": "Pacific Standard Time"},
        }
    ],
}
"""Learn archive, "Using GetSchedule API to get free/busy availability information", its view cut."""
ASK = GetSchedule(USER, ("probe@contoso.example", "other@corp.example"), 1480617987.0, 1480704387.0)


def test_the_calendar_is_followed_over_a_stretch_of_days() -> None:
    """Learn, "event: delta": both ends of the window are given, and nothing else may be."""
    call = CalendarDelta(USER, 1480550400.0, 1481155200.0).call()
    window = "startDateTime=2016-12-01T00%3A00%3A00Z&endDateTime=2016-12-08T00%3A00%3A00Z"
    assert call.url == f"{USER}/calendarView/delta?{window}"
    assert CalendarDelta(USER, link=DELTA).call().url == DELTA
    assert CalendarDelta(USER, link=DELTA).read(collection({"id": "1"}, delta_link=DELTA)).delta_link == DELTA
    with pytest.raises(FaultError) as caught:
        CalendarDelta(USER, link=DELTA).read(error("SyncStateNotFound", 410))
    assert caught.value.fault.kind.code == "graph_resync_required"


def test_schedules_are_asked_for_as_documented() -> None:
    call = ASK.call()
    assert (call.method, call.url, call.auth) == ("POST", f"{USER}/calendar/getSchedule", Auth.CREDENTIAL)
    assert json.loads(call.body) == {
        "schedules": ["probe@contoso.example", "other@corp.example"],
        "startTime": {"dateTime": "2016-12-01T18:46:27", "timeZone": "UTC"},
        "endTime": {"dateTime": "2016-12-02T18:46:27", "timeZone": "UTC"},
        "availabilityViewInterval": 60,
    }
    assert "probe" not in repr(ASK)


def test_schedules_are_counted() -> None:
    """One without entries is one of somebody who is free."""
    free = {"scheduleId": "x", "availabilityView": "000", "scheduleItems": []}
    assert ASK.read(answer({"value": [SCHEDULE, free]})) == 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ErrorProxyRequestProcessingFailed", Reason.SERVER_ERROR),
        ("ErrorMailboxStoreUnavailable", Reason.MAILBOX_UNAVAILABLE),
        ("ErrorMailRecipientNotFound", Reason.CLIENT_MISCONFIG),
        ("ErrorNoFreeBusyAccess", Reason.ACCESS_POLICY),
        ("ErrorSomethingNew", Reason.SERVER_ERROR),
        ("other@corp.example", Reason.SERVER_ERROR),
    ],
)
def test_an_error_in_one_schedule_is_a_fault_with_the_premises_it_is_of(code: str, reason: Reason) -> None:
    """The other's is told apart from one's own: free and busy times cross premises."""
    refused = {"scheduleId": "other@corp.example", "error": {"message": "x", "responseCode": code}}
    with pytest.raises(FaultError) as caught:
        ASK.read(answer({"value": [SCHEDULE, refused]}))
    told = caught.value.fault
    assert (told.reason, told.evidence["schedule"]) == (reason, "other")
    assert "@" not in str(dict(told.evidence))


@pytest.mark.parametrize("value", [None, [], [SCHEDULE], [SCHEDULE, "x"], [SCHEDULE, {}]])
def test_a_schedule_that_is_missing_is_a_violation(value: object) -> None:
    with pytest.raises(FaultError) as caught:
        ASK.read(answer({"value": value}))
    assert caught.value.fault.reason is Reason.PROTOCOL_VIOLATION
