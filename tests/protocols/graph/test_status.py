"""What Graph says when it says no."""

from dataclasses import replace

import pytest

from prober.exchange import Headers
from prober.faults.taxonomy import Reason
from prober.protocols.graph.reading import document
from prober.protocols.graph.status import CODES, fault
from tests.protocols.graph.made import error


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("MailboxNotEnabledForRESTAPI", 404, Reason.MAILBOX_UNAVAILABLE),
        ("MailboxInfoStale", 503, Reason.MAILBOX_UNAVAILABLE),
        ("ErrorMailboxMoveInProgress", 503, Reason.MAILBOX_UNAVAILABLE),
        ("ErrorAccessDenied", 403, Reason.ACCESS_POLICY),
        ("Authorization_RequestDenied", 403, Reason.ACCESS_POLICY),
        ("ErrorInvalidUser", 404, Reason.CLIENT_MISCONFIG),
        ("SyncStateNotFound", 410, Reason.SERVER_ERROR),
        ("syncStateNotFound", 400, Reason.SERVER_ERROR),
        ("resyncRequired", 410, Reason.SERVER_ERROR),
        ("anythingElse", 410, Reason.SERVER_ERROR),
        ("ErrorServerBusy", 503, Reason.SERVER_BUSY),
        ("UnknownError", 504, Reason.SERVER_ERROR),
        ("UnknownError", 503, Reason.SERVER_BUSY),
        ("ErrorInternalServerError", 500, Reason.SERVER_ERROR),
        ("InvalidAuthenticationToken", 401, Reason.AUTH_REJECTED),
        ("BadRequest", 400, Reason.CLIENT_MISCONFIG),
    ],
)
def test_codes_mean_what_they_say_whatever_their_case(code: str, status: int, reason: Reason) -> None:
    """And what is not known is read from the status."""
    for spelt in (code, code.lower(), code.upper()):
        assert fault(error(spelt, status), spelt).fault.reason is reason


@pytest.mark.parametrize(("code", "status"), [("ApplicationThrottled", 429), ("x", 429), ("ErrorServerBusy", 503)])
def test_who_is_asked_to_wait_is_throttled(code: str, status: int) -> None:
    """Learn, "Microsoft Graph throttling guidance": 429 with Retry-After; a busy server that names a time means us."""
    told = fault(error(code, status, Retry_After="120"), code).fault
    assert (told.reason, told.retry_after) == (Reason.THROTTLED, 120.0)


def test_evidence_is_a_name_and_never_a_text() -> None:
    told = fault(error("ErrorAccessDenied", 403), "ErrorAccessDenied").fault
    assert told.evidence["error"] == "ErrorAccessDenied"
    assert "error" not in fault(error("x", 403), "probe@contoso.example is not allowed").fault.evidence
    assert all(code == code.lower() for code in CODES)


def test_an_expired_token_is_known_by_its_diagnosis() -> None:
    reply = error("InvalidAuthenticationToken", 401, x_ms_diagnostics='2000002;reason="x"')
    assert fault(reply, "InvalidAuthenticationToken").fault.kind.code == "http_401_token_expired"
    assert document.__doc__


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("Tenant_Application/ReadWrite/1/2", "Tenant_Application"), ("Tenant/Read/1/2", "Tenant"), ("someone@x/1", None)],
)
def test_whom_a_limit_is_about_is_kept_where_it_is_said(sent: str, kept: str | None) -> None:
    """The first part of the field, of those that are known; the ids behind it are nobody's business."""
    reply = error("TooManyRequests", 429)
    reply = replace(reply, headers=Headers([("x-ms-throttle-scope", sent)]))
    assert fault(reply, "TooManyRequests").fault.evidence.get("throttle_scope") == kept
