"""The service as a whole: in words of its own, and for clients that nobody here wrote."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from prober.simulator.faults.fault import Fault
from prober.simulator.graph.service import Graph
from prober.simulator.tokens import EXCHANGE, GRAPH
from tests.simulator.doorway import ALICE as OWNER
from tests.simulator.doorway import APP as OTHER
from tests.simulator.doorway import Doorway, doorway
from tests.simulator.graph.desk import ALICE, APP, BOB, HOME, NOBOX, NOW, POOR, Desk, fill, seen

INBOX = f"/users/{ALICE}/mailFolders/inbox/messages"
DELTA = f"{INBOX}/delta"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "Access token is empty."),
        ("nonsense", "CompactToken parsing failed with error code: 80049217"),
        ("exchange", "Access token validation failure. Invalid audience."),
        ("old", "Lifetime validation failed, the token is expired."),
    ],
)
async def test_who_is_not_known_is_challenged(desk: Desk, token: str, message: str) -> None:
    """401 with Graph's own code, its words, and where to sign in."""
    made = {"exchange": desk.doorkeeper.issue(APP, EXCHANGE), "old": desk.token}.get(token, token)
    if token == "old":
        desk.clock += timedelta(hours=2)
    answer = await desk.ask(DELTA, token=made)
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")
    assert answer.json["error"]["message"] == message
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="", authorization_uri="https://login.contoso.example:443/common/')
    assert f'client_id="{GRAPH}"' in challenge


async def test_a_refusal_is_shaped_as_graph_s(desk: Desk) -> None:
    """Its ids are those of the header fields; the client's own id comes back."""
    answer = await desk.ask(INBOX, token="x", client_request_id="11aa")
    inner = answer.json["error"]["innerError"]
    assert inner == {
        "date": "2026-03-16T06:42:00",
        "request-id": answer.headers["request-id"],
        "client-request-id": "11aa",
    }
    assert answer.headers["client-request-id"] == "11aa"
    assert json.loads(answer.headers["x-ms-ags-diagnostic"]) == {
        "ServerInfo": {
            "DataCenter": "West Europe",
            "Slice": "E",
            "Ring": "5",
            "ScaleUnit": "003",
            "RoleInstance": "AM1PEPF00000002",
        }
    }
    good = await desk.ask(INBOX)
    assert good.headers["client-request-id"] == good.headers["request-id"]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (f"/users/{BOB}/mailFolders", 403, "ErrorAccessDenied"),
        (f"/users/{NOBOX}/mailFolders", 404, "MailboxNotEnabledForRESTAPI"),
        (f"/users/{HOME}/mailFolders", 404, "MailboxNotEnabledForRESTAPI"),
        ("/users/x@contoso.example/mailFolders", 404, "ErrorInvalidUser"),
        ("/me/mailFolders", 400, "BadRequest"),
        ("/nothing", 400, "BadRequest"),
        ("", 400, "BadRequest"),
        (f"/users/{ALICE}/nothing", 400, "BadRequest"),
    ],
)
async def test_an_application_opens_only_what_it_may(desk: Desk, target: str, status: int, code: str) -> None:
    """Of the mailboxes in the cloud, those it is allowed."""
    answer = await desk.ask(target)
    assert (answer.status, answer.code) == (status, code)


async def test_a_user_opens_their_own_mailbox(desk: Desk) -> None:
    """As `me` and by name; nobody else's."""
    fill(desk.alice, 1)
    token = desk.user_token()
    for account in ("me", f"users/{ALICE}", f"users('{ALICE}')"):
        answer = await desk.ask(f"/{account}/mailFolders/inbox/messages", token=token)
        assert [one["subject"] for one in answer.value] == ["Report 01"]
    assert (await desk.ask(f"/users/{BOB}/mailFolders", token=token)).code == "ErrorAccessDenied"


async def test_a_permission_is_needed_for_each_kind_of_thing(desk: Desk) -> None:
    """Mail, calendar and service health apart."""
    poor = desk.doorkeeper.issue(POOR, GRAPH)
    view = f"/users/{ALICE}/calendarView?startDateTime=2026-01-01&endDateTime=2026-02-01"
    assert (await desk.ask(INBOX, token=poor)).code == "ErrorAccessDenied"
    assert (await desk.ask(view, token=poor)).code == "ErrorAccessDenied"
    assert (await desk.ask(INBOX, token=desk.user_token("Calendars.Read"))).code == "ErrorAccessDenied"
    assert (await desk.ask(view, token=desk.user_token("Calendars.Read"))).status == 200
    assert (await desk.ask("/admin/serviceAnnouncement/issues", token=poor)).code == "Forbidden"


async def test_another_method_is_not_allowed(desk: Desk) -> None:
    """405, whatever the path is for."""
    assert (await desk.ask(INBOX, "DELETE")).status == 405
    assert (await desk.ask("/subscriptions", "PUT")).status == 405


@pytest.mark.parametrize(
    ("arguments", "status", "wait"),
    [
        ({"code": "MailboxInfoStale"}, 503, None),
        ({"code": "ErrorInternalServerError"}, 500, None),
        ({"code": "UnknownError", "status": 502}, 502, None),
        ({"code": "ApplicationThrottled", "retry_after": 17}, 429, "17"),
    ],
)
async def test_a_fault_is_told_by_its_code(
    desk: Desk, arguments: dict[str, Any], status: int, wait: str | None
) -> None:
    """To whom has been let in; with a time to wait where one is named."""
    desk.fault = Fault("graph_error", arguments=arguments)
    answer = await desk.ask(INBOX)
    assert (answer.status, answer.code) == (status, arguments["code"])
    assert answer.headers.get("Retry-After") == wait
    assert (await desk.ask(INBOX, token="x")).status == 401


@pytest.mark.parametrize(("status", "expected"), [(0, 429), (503, 503)])
def test_who_asks_too_much_is_told_to_wait(desk: Desk, status: int, expected: int) -> None:
    """In Outlook's words."""
    answer = seen(desk.graph.throttled(desk.request("GET", INBOX), status, 10.2))
    assert (answer.status, answer.code) == (expected, "ApplicationThrottled")
    assert answer.json["error"]["message"] == "Application is over its MailboxConcurrency limit."
    assert answer.headers["Retry-After"] == "11"


@pytest.mark.parametrize(
    ("target", "method", "steps"),
    [
        (f"/users/{ALICE}/mailFolders?$top=50", "GET", {"list_folders"}),
        (f"{INBOX}?$top=1", "GET", {"read_newest"}),
        (DELTA, "GET", {"mail_delta_prime"}),
        (f"/users/{ALICE}/calendarView/delta?startDateTime=x", "GET", {"calendar_delta"}),
        (f"/users/{ALICE}/calendar/getSchedule", "POST", {"free_busy"}),
    ],
)
def test_a_request_is_known_by_its_step(desk: Desk, target: str, method: str, steps: set[str]) -> None:
    """And by the surrogate's that stands for all of a mailbox."""
    errand = desk.errand(target, method)
    assert errand.steps == steps | {"calendar_and_mail_surrogate"}
    assert (errand.mailbox, errand.push, errand.asker) == (ALICE, False, "aaaa")
    assert errand.kinds == {"graph_error", "stale"}
    assert errand.token_expires == pytest.approx(NOW.timestamp() + 3599)


async def test_a_round_of_changes_is_told_from_the_first(desk: Desk) -> None:
    """By its token, page by page."""
    fill(desk.alice, 3)
    page = await desk.ask(DELTA, prefer="odata.maxpagesize=2")
    assert "mail_delta_prime" in desk.errand(page.json["@odata.nextLink"]).steps
    _, link, _ = await desk.follow(DELTA)
    steps = desk.errand(link).steps
    assert {"mail_delta_next", "held_connection"} <= steps
    assert "mail_delta_prime" not in steps


def test_a_request_that_is_no_step_has_none(desk: Desk) -> None:
    """Whatever a client sends."""
    assert desk.errand("/organization").steps == {"token_use"}
    assert desk.errand("/nothing").steps == frozenset()
    assert desk.errand("/me/messages", token="").mailbox == ""
    assert desk.errand("/me/messages", token=desk.user_token()).mailbox == ALICE
    assert desk.errand("/users/x/messages").mailbox == ""


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    with doorway(tmp_path_factory.mktemp("graph"), Graph) as opened:
        yield opened


@pytest.fixture
def http(way: Doorway) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(way.ca_file)
        token = way.on_loop(lambda: way.premises.doorkeeper.issue(OTHER, "https://graph.microsoft.com"))
        session.headers.update({"Authorization": f"Bearer {token}"})
        yield session


def test_requests_follows_every_link_over_the_wire(way: Doorway, http: requests.Session) -> None:
    """Links are whole URLs that lead back here, with all that has to be escaped in them."""
    way.on_loop(lambda: [way.tenant.mailboxes[OWNER].deliver(f"no {number}") for number in range(5)] and None)
    url = f"{way.url}/v1.0/users/{OWNER}/mailFolders/inbox/messages/delta"
    options = {"$select": "id,receivedDateTime", "$filter": "receivedDateTime ge 2020-01-01T00:00:00Z"}
    page = http.get(url, params=options, headers={"Prefer": "odata.maxpagesize=2"}, timeout=10)
    told = len(page.json()["value"])
    while "@odata.nextLink" in page.json():
        page = http.get(page.json()["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"}, timeout=10)
        told += len(page.json()["value"])
    assert told == 5
    assert page.headers["Content-Type"].startswith("application/json;odata.metadata=minimal")
    quiet = http.get(page.json()["@odata.deltaLink"], timeout=10)
    assert quiet.json()["value"] == []
    lost = http.get(f"{url}?$deltatoken=invalid", timeout=10)
    assert (lost.status_code, lost.json()["error"]["code"]) == (410, "SyncStateNotFound")


def test_requests_reads_and_pages_over_the_wire(way: Doorway, http: requests.Session) -> None:
    """As a client with a plain HTTP library does; what is sent without a token is answered with a challenge."""
    url = f"{way.url}/v1.0/users/{OWNER}/mailFolders/inbox/messages"
    page = http.get(url, params={"$top": "1", "$orderby": "receivedDateTime desc"}, timeout=10)
    assert page.status_code == 200
    assert http.get(page.json()["@odata.nextLink"], timeout=10).status_code == 200
    made = http.post(
        f"{way.url}/v1.0/users/{OWNER}/calendar/getSchedule",
        json={
            "schedules": [OWNER],
            "startTime": {"dateTime": "2026-03-16T09:00:00", "timeZone": "UTC"},
            "endTime": {"dateTime": "2026-03-16T10:00:00", "timeZone": "UTC"},
        },
        timeout=10,
    )
    assert made.json()["value"][0]["availabilityView"] == "00"
    bare = requests.get(url, verify=str(way.ca_file), timeout=10)
    assert bare.status_code == 401
    assert bare.headers["WWW-Authenticate"].startswith("Bearer ")
    assert bare.json()["error"]["innerError"]["request-id"] == bare.headers["request-id"]
