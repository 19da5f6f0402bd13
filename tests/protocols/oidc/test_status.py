"""What the sign-in service's refusals mean."""

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.oidc import status
from tests.protocols.oidc.made import ERROR, said


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (90033, Reason.TOKEN_SERVICE_ERROR),
        (80001, Reason.TOKEN_SERVICE_ERROR),
        (50196, Reason.THROTTLED),
        (90002, Reason.CLIENT_MISCONFIG),
        (53003, Reason.ACCESS_POLICY),
        (700016, Reason.AUTH_REJECTED),
        (99999, Reason.TOKEN_SERVICE_ERROR),
    ],
)
@pytest.mark.parametrize("http", [200, 400, 429, 503])
def test_a_number_of_the_services_own_goes_first(code: int, reason: Reason, http: int) -> None:
    """Whatever the HTTP status; in a document or on a page."""
    fault = status.refused(said(f"<p>Sorry. AADSTS{code}: text".encode(), http), status.KEYS_BROKEN).fault
    assert (fault.reason, fault.evidence["aadsts"]) == (reason, str(code))
    document = ERROR | {"error_description": f"AADSTS{code}: text"}
    assert status.refused(said(document, http), status.KEYS_BROKEN).fault.kind is fault.kind


def test_the_customers_own_side_is_named() -> None:
    """A pass-through agent that is down is nothing the vendor can mend."""
    error = status.by_code(said(b"AADSTS80002: x", 400))
    assert error is not None
    assert error.fault.evidence["where"] == "customer"


@pytest.mark.parametrize("http", [301, 400, 403, 404, 500, 502, 503, 504])
def test_any_other_refusal_is_the_token_services_error(http: int) -> None:
    """Of the document that was asked for, with the id a support case needs."""
    fault = status.refused(said(b"<html>", http, x_ms_request_id="1-2"), status.REALM_BROKEN).fault
    assert (fault.kind.code, fault.reason) == ("user_realm_broken", Reason.TOKEN_SERVICE_ERROR)
    assert dict(fault.evidence) == {"http_status": str(http), "request_id": "1-2"}


def test_being_held_back_is_a_fact_about_us() -> None:
    """With the time to wait, which only such a refusal may name."""
    fault = status.refused(said(b"", 429, Retry_After="30"), status.KEYS_BROKEN).fault
    assert (fault.reason, fault.retry_after) == (Reason.THROTTLED, 30.0)
    assert status.refused(said(b"", 503, Retry_After="30"), status.KEYS_BROKEN).fault.retry_after is None
    error = status.by_code(said(b"AADSTS90055: x", 429, Retry_After="7"))
    assert error is not None
    assert error.fault.retry_after == 7.0


@pytest.mark.parametrize("text", [b"", b"AADSTS", b"AADSTS12", b"AADSTS123456789", b"XAADSTS50034", b"aadsts50034"])
def test_what_is_no_number_is_none(text: bytes) -> None:
    """Only five to eight digits are; and an id that is none does not show."""
    assert status.by_code(said(text)) is None
    assert status.evidence(said(text, x_ms_request_id="a@b c")) == {"http_status": "200"}
    assert status.by_code(said(b" " * status.MOST + b"AADSTS50034")) is None
