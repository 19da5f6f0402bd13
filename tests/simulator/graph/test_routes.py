"""Where paths lead."""

import pytest

from prober.simulator.graph.announcements import Announcements
from prober.simulator.graph.delta import Deltas
from prober.simulator.graph.routes import find, routes
from prober.simulator.graph.subscriptions import Subscriptions
from prober.simulator.graph.tokens import SyncStates

TABLE = routes(Deltas(SyncStates()), Subscriptions(), Announcements())


@pytest.mark.parametrize(
    ("method", "path", "pattern", "account", "parts"),
    [
        ("GET", "me", "", "me", ()),
        ("GET", "users/a", "", "a", ()),
        ("GET", "me/MAILFOLDERS/Inbox/messages", "mailfolders/*/messages", "me", ("Inbox",)),
        ("GET", "users('a')/mailFolders('b')/messages('c')", "mailfolders/*/messages/*", "a", ("b", "c")),
        ("GET", "users/a/mailFolders/b/messages/delta", "mailfolders/*/messages/delta", "a", ("b",)),
        ("GET", "me/mailFolders/b/messages/microsoft.graph.delta()", "mailfolders/*/messages/delta", "me", ("b",)),
        ("POST", "me/calendar/getSchedule", "calendar/getschedule", "me", ()),
        ("POST", "me/calendar/microsoft.graph.getSchedule", "calendar/getschedule", "me", ()),
        ("GET", "admin/serviceAnnouncement/issues/EX1", "admin/serviceannouncement/issues/*", "", ("EX1",)),
        ("PATCH", "subscriptions/5", "subscriptions/*", "", ("5",)),
        ("GET", "organization", "organization", "", ()),
    ],
)
def test_a_path_leads_to_its_route(method: str, path: str, pattern: str, account: str, parts: tuple[str, ...]) -> None:
    """Fixed words before stars, names in any case, keys as they were sent."""
    place = find(TABLE, method, path)
    assert place is not None
    assert ("/".join(place.route.pattern), place.account, place.parts) == (pattern, account, parts)
    assert place.route.method == method


@pytest.mark.parametrize(
    "path", ["", "users", "nothing", "me/nothing", "organization/x", "users/a/organization", "messages"]
)
def test_other_paths_lead_nowhere(path: str) -> None:
    """Nor does an account's path without the account."""
    assert find(TABLE, "GET", path) is None


def test_a_path_of_another_method_is_told_apart() -> None:
    """From one that is not there."""
    place = find(TABLE, "DELETE", "me/messages")
    assert place is not None
    assert place.route.method == "GET"


def test_every_step_of_the_surrogate_has_its_path() -> None:
    """By the names of the clients' step tables."""
    steps = set().union(*(route.steps for route in TABLE))
    assert steps == {
        *("list_folders", "mail_delta_prime", "calendar_delta", "read_newest", "free_busy", "token_use"),
        "calendar_and_mail_surrogate",
    }
    assert all("calendar_and_mail_surrogate" in route.steps for route in TABLE if route.mailbox)
