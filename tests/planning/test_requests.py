"""What is asked for in a day, by hand."""

from prober.planning.requests import PER_ATTEMPT, UNKNOWN, cost, tokens
from tests.schedule.made import assignment

RESOURCES = {"imap4": "mail", "owa": "mail", "outlook_mobile": "graph", "m365_signin": "graph", "control": ""}


def test_a_day_has_as_many_attempts_as_intervals() -> None:
    """Thirteen commands a minute are 18,720 a day; a client that nobody knows is estimated."""
    found = cost(assignment())
    assert (found.attempts, found.requests) == (1440.0, 1440.0 * PER_ATTEMPT["imap4"])
    assert cost(assignment(client="unheard_of")).requests == 1440.0 * UNKNOWN


def test_a_token_is_asked_for_once_an_hour_and_resource() -> None:
    """An application's is everybody's, a user's that mailbox's; passwords need none, signing in one each time."""
    app = {"credential": "app", "credential_kind": "client_credentials"}
    same = [assignment("one", "imap4", **app), assignment("two", "owa", **app)]
    assert tokens(same, RESOURCES) == {"app": 24.0}
    assert tokens([*same, assignment("one", "outlook_mobile", **app)], RESOURCES) == {"app": 48.0}
    phone = [assignment(client="owa", credential="phone", credential_kind="refresh_token")] * 2
    assert tokens(phone, RESOURCES) == {"phone": 24.0}
    assert tokens([assignment(client="m365_signin", **app)], RESOURCES) == {"app": 1440.0}
    assert tokens([assignment(), assignment(credential=None)], RESOURCES) == {}
