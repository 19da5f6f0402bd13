"""Every response code has one reason, and what is not known is the server's."""

import pytest

from prober.faults.taxonomy import Fault, Reason
from prober.protocols.ews import status


def refused(code: str, **more: object) -> Fault:
    return status.refusal(code, {}, **more).fault  # type: ignore[arg-type]  # each of its own type


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("ErrorServerBusy", "ews_server_busy", Reason.SERVER_BUSY),
        ("ErrorTimeoutExpired", "ews_timeout_expired", Reason.SERVER_BUSY),
        ("ErrorInternalServerTransientError", "ews_internal_server_transient_error", Reason.SERVER_BUSY),
        ("ErrorTooManyObjectsOpened", "ews_too_many_objects_opened", Reason.THROTTLED),
        ("ErrorExceededConnectionCount", "ews_exceeded_connection_count", Reason.THROTTLED),
        ("ErrorExceededFindCountLimit", "ews_exceeded_find_count_limit", Reason.THROTTLED),
        ("ErrorExceededSubscriptionCount", "ews_exceeded_subscription_count", Reason.THROTTLED),
        ("ErrorInternalServerError", "ews_internal_server_error", Reason.SERVER_ERROR),
        ("ErrorProxyRequestProcessingFailed", "ews_proxy_request_processing_failed", Reason.SERVER_ERROR),
        ("ErrorADUnavailable", "ews_ad_unavailable", Reason.SERVER_ERROR),
        ("ErrorMailboxStoreUnavailable", "ews_mailbox_store_unavailable", Reason.MAILBOX_UNAVAILABLE),
        ("ErrorMailboxMoveInProgress", "ews_mailbox_move_in_progress", Reason.MAILBOX_UNAVAILABLE),
        ("ErrorConnectionFailed", "ews_connection_failed", Reason.MAILBOX_UNAVAILABLE),
        ("ErrorNonExistentMailbox", "ews_non_existent_mailbox", Reason.CLIENT_MISCONFIG),
        ("ErrorInvalidUserPrincipalName", "ews_invalid_user_principal_name", Reason.CLIENT_MISCONFIG),
        ("ErrorAccessDenied", "ews_access_denied", Reason.ACCESS_POLICY),
        ("ErrorImpersonateUserDenied", "ews_impersonate_user_denied", Reason.ACCESS_POLICY),
        ("ErrorImpersonationFailed", "ews_impersonation_failed", Reason.ACCESS_POLICY),
        ("ErrorPasswordExpired", "ews_password_expired", Reason.AUTH_REJECTED),
        ("ErrorMissedNotificationEvents", "ews_missed_notification_events", Reason.PUSH_CHANNEL_LOST),
        ("ErrorSubscriptionNotFound", "ews_subscription_not_found", Reason.PUSH_CHANNEL_LOST),
    ],
)
def test_a_code_has_its_kind_and_reason(code: str, kind: str, reason: Reason) -> None:
    fault = refused(code)
    assert (fault.kind.code, fault.reason) == (kind, reason)
    assert status.response_code(fault) == code


def test_no_code_stands_in_two_rows() -> None:
    """Nor do two codes share a kind."""
    codes = [code for row in status.CODES.values() for code in row]
    assert len(codes) == len(set(codes)) == len({kind.code for kind in status.BY_CODE.values()})


def test_a_busy_server_that_says_for_how_long_holds_us_back() -> None:
    """And the headers go before the message."""
    fault = refused("ErrorServerBusy", back_off=300.0)
    assert (fault.kind, fault.reason, fault.retry_after) == (status.HELD_BACK, Reason.THROTTLED, 300.0)
    assert refused("ErrorServerBusy", back_off=300.0, after=20.0).retry_after == 20.0


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("ErrorNobodyHasSeen", True),
        ("ErrorWith anna@contoso.example", False),
        ("Error" + "A" * 61, False),
        ("NotAnError", False),
    ],
)
def test_an_unknown_code_is_the_servers_error(code: str, *, kept: bool) -> None:
    """Its name is kept only where it can be nothing but a name."""
    fault = refused(code)
    assert (fault.kind, fault.reason) == (status.UNKNOWN_CODE, Reason.SERVER_ERROR)
    assert (fault.evidence == {"response_code": code}) is kept


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("EWS is disabled for this tenant.", "ews_switched_off"),
        ("Access is blocked: application not allowed to use Exchange Web Services.", "ews_switched_off"),
        ("Access is denied. Check credentials and try again.", "ews_access_denied"),
        ("The news is blocked.", "ews_access_denied"),
    ],
)
def test_a_denial_that_speaks_of_the_protocol_is_told_apart(text: str, kind: str) -> None:
    """Its text is looked at, and not kept."""
    fault = refused("ErrorAccessDenied", text=text)
    assert fault.kind.code == kind
    assert text not in fault.evidence.values()
