"""HTTP statuses mean what the table says, unless headers say more."""

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import HTML_INSTEAD_OF_DATA, FaultError, Reason
from prober.protocols.http.status import fault, refuse_html, retry_after, throttle_evidence

R = Reason


def reply(status: int, *fields: tuple[str, str], body: bytes = b"") -> Reply:
    return Reply(status, Headers(fields), body)


TABLE = {
    302: R.PROTOCOL_VIOLATION,
    400: R.CLIENT_MISCONFIG,
    401: R.AUTH_REJECTED,
    403: R.ACCESS_POLICY,
    404: R.CLIENT_MISCONFIG,
    405: R.CLIENT_MISCONFIG,
    406: R.CLIENT_MISCONFIG,
    407: R.PROBE_INTERNAL,
    410: R.SERVER_ERROR,
    415: R.CLIENT_MISCONFIG,
    418: R.CLIENT_MISCONFIG,
    429: R.THROTTLED,
    440: R.AUTH_REJECTED,
    456: R.AUTH_REJECTED,
    457: R.AUTH_REJECTED,
    500: R.SERVER_ERROR,
    501: R.CLIENT_MISCONFIG,
    502: R.SERVER_ERROR,
    503: R.SERVER_BUSY,
    504: R.SERVER_ERROR,
    507: R.CLIENT_MISCONFIG,
    599: R.SERVER_ERROR,
    204: R.PROTOCOL_VIOLATION,
}


@pytest.mark.parametrize(("status", "reason"), TABLE.items())
def test_each_status_has_its_reason(status: int, reason: Reason) -> None:
    """And the status is among the evidence."""
    found = fault(reply(status)).fault
    assert found.reason is reason
    assert found.evidence["http_status"] == str(status)


@pytest.mark.parametrize("status", [401, 503])
@pytest.mark.parametrize(
    "field",
    [("Retry-After", "120"), ("X-MS-ASThrottle", "CommandFrequency"), ("X-MS-BackOffDuration", "L/60")],
)
def test_evidence_of_throttling_comes_before_the_status(status: int, field: tuple[str, str]) -> None:
    """503 is busy and 401 a refusal only without it."""
    assert fault(reply(status, field)).fault.reason is R.THROTTLED


def test_a_back_off_of_less_than_nothing_is_no_throttling() -> None:
    """Healthy answers carry one: nothing is owed."""
    healthy = ("X-MS-BackOffDuration", "L/-469")
    assert not throttle_evidence(Headers([healthy]))
    assert fault(reply(503, healthy)).fault.reason is R.SERVER_BUSY


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ([("Retry-After", "120")], 120.0),
        ([("Retry-After", " 7 ")], 7.0),
        ([("Retry-After", "Wed, 21 Oct 2026 07:28:30 GMT"), ("Date", "Wed, 21 Oct 2026 07:28:00 GMT")], 30.0),
        ([("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"), ("Date", "Wed, 21 Oct 2026 07:29:00 GMT")], 0.0),
        ([("Retry-After", "Wed, 21 Oct 2026 07:28:30 GMT")], None),
        ([("Retry-After", "soon")], None),
        ([("Retry-After", "9" * 400)], None),
        ([("X-MS-BackOffDuration", "L/90")], 90.0),
        ([("Retry-After", "soon"), ("X-MS-BackOffDuration", "L/90")], 90.0),
        ([("Retry-After", "5"), ("X-MS-BackOffDuration", "L/90")], 5.0),
        ([("X-MS-BackOffDuration", "L/-469")], None),
        ([], None),
    ],
)
def test_the_servers_wish_is_read_in_seconds(fields: list[tuple[str, str]], seconds: float | None) -> None:
    """Whole seconds, or a date counted from the answer's own."""
    assert retry_after(Headers(fields)) == seconds
    assert fault(reply(429, *fields)).fault.retry_after == seconds


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ([("x-ms-diagnostics", "2000002;x")], "http_401_token_expired", R.AUTH_REJECTED),
        ([("x-ms-diagnostics", "2000003;x")], "http_401_token_rejected", R.AUTH_REJECTED),
        ([("x-ms-diagnostics", "2000007;x")], "http_401_internal_error", R.SERVER_ERROR),
        (
            [("x-ms-diagnostics", '2000003;reason="oauth_not_available"')],
            "http_401_oauth_not_available",
            R.ACCESS_POLICY,
        ),
        (
            [("WWW-Authenticate", 'Bearer error="insufficient_claims", claims="eyJ"')],
            "http_401_claims_wanted",
            R.ACCESS_POLICY,
        ),
        ([("WWW-Authenticate", 'Basic realm="x"')], "http_401", R.AUTH_REJECTED),
        ([], "http_401", R.AUTH_REJECTED),
    ],
)
def test_a_401_is_read_by_its_evidence(fields: list[tuple[str, str]], code: str, reason: Reason) -> None:
    """Numbers and challenges before the bare status."""
    found = fault(reply(401, *fields)).fault
    assert (found.kind.code, found.reason) == (code, reason)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://x.example/ews/genericerrorpage.htm?aspxerrorpath=/ews", R.SERVER_ERROR),
        ("https://x.example/owa/auth/errorFE.aspx?httpCode=500", R.SERVER_ERROR),
        ("/InternalSite/Validate.asp", R.CLIENT_MISCONFIG),
        ("https://elsewhere.example/", R.PROTOCOL_VIOLATION),
    ],
)
def test_redirects_are_read_by_where_they_lead(location: str, reason: Reason) -> None:
    """An error page is the server's, a gateway's page a matter of set-up."""
    found = fault(reply(302, ("Location", location))).fault
    assert found.reason is reason
    assert "example" not in str(dict(found.evidence))


@pytest.mark.parametrize(
    "body", [b"<html>", b"  <!DOCTYPE html><p>", b"\r\n<HTML lang=en>", b'<?xml version="1.0"?>\n<!DOCTYPE html>']
)
def test_a_page_in_place_of_data_is_refused(body: bytes) -> None:
    """Whatever the status says."""
    with pytest.raises(FaultError) as caught:
        refuse_html(reply(200, body=body))
    assert caught.value.fault.kind is HTML_INSTEAD_OF_DATA


@pytest.mark.parametrize("body", [b"", b"\x03\x01\x6a\x00", b'{"a": "<html>"}', b'<?xml version="1.0"?><a/>'])
def test_data_is_not_refused(body: bytes) -> None:
    """Nor is nothing."""
    refuse_html(reply(200, body=body))
