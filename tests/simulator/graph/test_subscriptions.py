"""Subscriptions, with the request of Learn's "Create subscription"."""

from datetime import timedelta
from typing import Any

import pytest

from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.subscriptions import subject_of
from tests.simulator.graph.desk import ALICE, BOB, NOW, Desk

ABSENT = object()


def asked(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "changeType": "created,updated",
        "notificationUrl": "https://webhook.azurewebsites.net/api/send/myNotifyClient",
        "resource": f"users/{ALICE}/mailFolders('Inbox')/messages",
        "expirationDateTime": "2026-03-17T06:42:00.9356913Z",
        "clientState": "secretClientValue",
        "latestSupportedTlsVersion": "v1_2",
    }
    return {name: value for name, value in (whole | changes).items() if value is not ABSENT}


async def test_a_subscription_lives_and_is_renewed_and_ends(desk: Desk) -> None:
    """201, then to be seen, given time, and gone."""
    made = await desk.ask("/subscriptions", "POST", body=asked())
    assert made.status == 201
    assert made.json["resource"] == f"users/{ALICE}/mailFolders('Inbox')/messages"
    assert made.json["expirationDateTime"] == "2026-03-17T06:42:00.935691Z"
    place = f"/subscriptions/{made.json['id']}"
    assert (await desk.ask(place)).json["clientState"] == "secretClientValue"
    renewed = await desk.ask(place, "PATCH", body={"expirationDateTime": "2026-03-20T00:00:00Z"})
    assert renewed.json["expirationDateTime"] == "2026-03-20T00:00:00.000000Z"
    assert [one["id"] for one in (await desk.ask("/subscriptions")).value] == [made.json["id"]]
    gone = await desk.ask(place, "DELETE")
    assert (gone.status, gone.body) == (204, b"")
    assert (await desk.ask(place)).code == "ResourceNotFound"


async def test_a_subscription_ends_by_itself(desk: Desk) -> None:
    """When its time is over."""
    made = await desk.ask("/subscriptions", "POST", body=asked())
    desk.clock = NOW + timedelta(days=2)
    token = desk.doorkeeper.issue(next(iter(desk.tenant.applications.values())), "https://graph.microsoft.com")
    assert (await desk.ask("/subscriptions", token=token)).value == []
    assert (await desk.ask(f"/subscriptions/{made.json['id']}", token=token)).status == 404


async def test_nobody_sees_another_s_subscription(desk: Desk) -> None:
    """Not even the same application on somebody's behalf."""
    made = await desk.ask("/subscriptions", "POST", body=asked())
    token = desk.user_token()
    assert (await desk.ask(f"/subscriptions/{made.json['id']}", token=token)).status == 404
    assert (await desk.ask("/subscriptions", token=token)).value == []
    mine = await desk.ask("/subscriptions", "POST", body=asked(resource="me/events"), token=token)
    assert mine.json["creatorId"] == ALICE


@pytest.mark.parametrize(
    "changes",
    [
        {"changeType": ABSENT},
        {"changeType": "created,renamed"},
        {"notificationUrl": ABSENT},
        {"notificationUrl": 5},
        {"notificationUrl": "http://webhook.example/"},
        {"notificationUrl": "https://"},
        {"notificationUrl": "https://[x"},
        {"notificationUrl": "https://x.example/" + "y" * 3000},
        {"lifecycleNotificationUrl": "nowhere"},
        {"resource": ABSENT},
        {"resource": "users"},
        {"resource": "groups/x/messages"},
        {"resource": f"users/{ALICE}"},
        {"resource": f"users/{ALICE}/colours"},
        {"clientState": 5},
        {"clientState": "x" * 129},
        {"expirationDateTime": ABSENT},
        {"expirationDateTime": "2026-03-16T06:42:00Z"},
        {"expirationDateTime": "2026-03-23T06:43:00Z"},
    ],
)
async def test_what_is_no_subscription_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    """In words; messages may be followed for 10,080 minutes."""
    seen = await desk.ask("/subscriptions", "POST", body=asked(**changes))
    assert (seen.status, seen.code) == (400, "InvalidRequest")
    assert (await desk.ask("/subscriptions")).value == []


async def test_a_subscription_may_last_just_as_long_as_allowed(desk: Desk) -> None:
    """Seven days to the second; no moment that is none."""
    assert (
        await desk.ask("/subscriptions", "POST", body=asked(expirationDateTime="2026-03-23T06:42:00Z"))
    ).status == 201
    assert (await desk.ask("/subscriptions", "POST", body=asked(expirationDateTime="soon"))).status == 400
    place = f"/subscriptions/{(await desk.ask('/subscriptions')).value[0]['id']}"
    assert (await desk.ask(place, "PATCH", body={})).code == "InvalidRequest"
    assert (await desk.ask(place, "PATCH", body={"expirationDateTime": "2027-01-01"})).code == "InvalidRequest"


async def test_one_may_only_follow_what_one_may_read(desk: Desk) -> None:
    """The mailbox, and what is in it."""
    assert (
        await desk.ask("/subscriptions", "POST", body=asked(resource=f"users/{BOB}/messages"))
    ).code == "ErrorAccessDenied"
    assert (
        await desk.ask("/subscriptions", "POST", body=asked(resource="users/x/messages"))
    ).code == "ErrorInvalidUser"
    assert (await desk.ask("/subscriptions", "POST", body=asked(resource="me/messages"))).code == "BadRequest"
    token = desk.user_token("Mail.Read")
    assert (await desk.ask("/subscriptions", "POST", body=asked(resource="me/messages"), token=token)).status == 201
    refused = await desk.ask("/subscriptions", "POST", body=asked(resource="me/events"), token=token)
    assert refused.code == "ErrorAccessDenied"


def test_a_resource_has_an_account_and_a_kind() -> None:
    """However it is written."""
    assert subject_of("/me/mailFolders('Inbox')/messages") == ("me", "messages")
    assert subject_of("users('a@b.example')/events?$select=id") == ("a@b.example", "events")
    with pytest.raises(GraphError):
        subject_of("")
