"""What an outcome says of permissions."""

from datetime import UTC, datetime

import pytest

from prober.clients import catalogue
from prober.enrolment.permissions import Access, Check, access, exit_code
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Outcome, StepResult

DENIED = Kind("graph_access_denied_here", Reason.ACCESS_POLICY)


def outcome(client: str, *steps: tuple[str, Kind | None]) -> Outcome:
    results = tuple(StepResult(step, 0.1, fault=Fault(kind) if kind else None) for step, kind in steps)
    return Outcome(client, "t", datetime(2026, 11, 24, tzinfo=UTC), 1.0, results)


@pytest.mark.parametrize(
    ("client", "steps", "expected"),
    [
        ("outlook_mobile", [("token_request", None), ("list_folders", None)], Access.REACHED),
        ("outlook_mobile", [("list_folders", None), ("mail_delta_prime", kinds.PEER_RESET)], Access.REACHED),
        ("outlook_mobile", [("token_request", None), ("list_folders", DENIED)], Access.DENIED),
        ("outlook_mobile", [("token_request", DENIED)], Access.UNCLEAR),
        ("outlook_mobile", [("list_folders", kinds.PEER_RESET)], Access.UNCLEAR),
        ("outlook_mobile", [], Access.UNCLEAR),
        ("imap4", [("authenticate", None), ("capability_auth", None), ("namespace", DENIED)], Access.DENIED),
        ("outlook_desktop", [("autodiscover_pox", DENIED)], Access.DENIED),
        ("outlook_desktop", [("ping", None), ("connect", DENIED)], Access.DENIED),
        (
            "activesync",
            [("folder_sync", None), ("settings_user", Kind("eas_address_not_listed", Reason.CLIENT_MISCONFIG))],
            Access.DENIED,
        ),
    ],
)
def test_only_the_mailbox_itself_is_proof(client: str, steps: list[tuple[str, Kind | None]], expected: Access) -> None:
    """Signing in is not reaching; a fault on the way is not a refusal; a server that shows another mailbox denies."""
    assert access(outcome(client, *steps), catalogue()[client]) is expected


def check(wanted: Access, found: Access) -> Check:
    return Check("c", "imap4", "t", wanted, found)


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([check(Access.REACHED, Access.REACHED), check(Access.DENIED, Access.DENIED)], 0),
        ([check(Access.REACHED, Access.REACHED), check(Access.DENIED, Access.UNCLEAR)], 3),
        ([check(Access.DENIED, Access.REACHED), check(Access.DENIED, Access.UNCLEAR)], 1),
        ([check(Access.REACHED, Access.DENIED)], 1),
    ],
)
def test_what_is_wrong_outweighs_what_is_unclear(checks: list[Check], code: int) -> None:
    assert exit_code(checks) == code
