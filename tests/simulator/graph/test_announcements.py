"""Service health."""

import pytest

from prober.simulator.graph.announcements import Announcements
from tests.simulator.graph.desk import Desk

ISSUES = "/admin/serviceAnnouncement/issues"
OVERVIEWS = "/admin/serviceAnnouncement/healthOverviews"


def announced(desk: Desk) -> Announcements:
    board = desk.graph.announcements
    board.announce(
        id="EX1256020",
        title="Some users may be unable to connect with Outlook mobile",
        startDateTime="2026-03-19T00:00:00Z",
        status="serviceDegradation",
    )
    board.announce(id="EX1189820", title="Older", isResolved=True, status="serviceRestored")
    board.announce(id="MO1253428", service="Microsoft 365 suite", classification="incident")
    return board


async def test_nothing_is_announced_at_first(desk: Desk) -> None:
    """And every service is well, whatever is really broken."""
    assert (await desk.ask(ISSUES)).value == []
    seen = await desk.ask(OVERVIEWS)
    assert {one["status"] for one in seen.value} == {"serviceOperational"}
    assert {"service": "Exchange Online", "status": "serviceOperational", "id": "Exchange"} in seen.value
    assert (await desk.ask("/admin/serviceAnnouncement/messages")).value == []


async def test_open_issues_of_a_service_are_found(desk: Desk) -> None:
    """With the filter that a prober asks with."""
    announced(desk)
    seen = await desk.ask(f"{ISSUES}?$filter=service eq 'Exchange Online' and isResolved eq false")
    assert [one["id"] for one in seen.value] == ["EX1256020"]
    assert seen.value[0]["posts"] == []
    assert seen.value[0]["origin"] == "microsoft"
    assert (await desk.ask(f"{ISSUES}?$filter=service eq")).code == "BadRequest"


async def test_issues_come_in_pages(desk: Desk) -> None:
    """A hundred unless told otherwise, a thousand at most."""
    for number in range(150):
        desk.graph.announcements.announce(id=f"EX{number:07d}")
    first = await desk.ask(ISSUES)
    assert len(first.value) == 100
    assert len((await desk.ask(first.json["@odata.nextLink"])).value) == 50
    assert len((await desk.ask(f"{ISSUES}?$top=1000")).value) == 150
    assert (await desk.ask(f"{ISSUES}?$top=1001")).status == 400


async def test_one_issue_is_read_and_changes(desk: Desk) -> None:
    """It may be downgraded, and is still the same."""
    board = announced(desk)
    board.announce(id="EX1256020", classification="advisory")
    assert len(board.issues) == 3
    seen = await desk.ask(f"{ISSUES}/ex1256020?$select=classification,title")
    assert (seen.json["classification"], "posts" in seen.json) == ("advisory", False)
    assert (await desk.ask(f"{ISSUES}/EX0")).code == "ResourceNotFound"


async def test_an_overview_shows_the_worst_that_is_open(desk: Desk) -> None:
    """And the issues themselves when they are asked for."""
    announced(desk)
    seen = await desk.ask(f"{OVERVIEWS}/Exchange Online?$expand=issues")
    assert seen.json["status"] == "serviceDegradation"
    assert [one["id"] for one in seen.json["issues"]] == ["EX1256020", "EX1189820"]
    assert (await desk.ask(f"{OVERVIEWS}/Exchange")).json["id"] == "Exchange"
    assert (await desk.ask(f"{OVERVIEWS}/Nothing")).status == 404
    assert "issues" not in (await desk.ask(OVERVIEWS)).value[0]


async def test_the_message_centre_has_a_permission_of_its_own(desk: Desk) -> None:
    """As service health has."""
    token = desk.user_token("ServiceHealth.Read.All")
    assert (await desk.ask(ISSUES, token=token)).status == 200
    refused = await desk.ask("/admin/serviceAnnouncement/messages", token=token)
    assert (refused.status, refused.code) == (403, "Forbidden")


def test_an_issue_has_only_the_properties_there_are() -> None:
    """And an id."""
    board = Announcements()
    with pytest.raises(KeyError):
        board.announce(id="EX1", colour="red")
    with pytest.raises(KeyError):
        board.announce(title="nameless")
    assert board.issues == []
