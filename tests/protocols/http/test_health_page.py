"""The page for load balancers: well, out of rotation, not published."""

import random

import pytest

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http.health_page import HealthPage, beside
from tests.protocols.eas.made import refused

URL = "https://mail.corp.test/owa/healthcheck.htm"
PAGE = HealthPage(URL)
PRINTED = b"200 OK<br/>MAILSRV07.corp.example.com"
"""As vendors of load balancers print it: `https://<fqdn>/<protocol>/healthcheck.htm` shows `200 OK` and the name."""


def said(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status, Headers((name.replace("_", "-"), text) for name, text in headers.items()), body)


def test_the_page_is_asked_for_without_a_credential() -> None:
    """At the address given, which lies in the virtual directory of the endpoint."""
    assert (PAGE.call().method, PAGE.call().url, PAGE.call().auth) == ("GET", URL, Auth.NONE)
    assert beside("https://mail.corp.test/owa/") == beside("https://mail.corp.test/owa") == URL


@pytest.mark.parametrize(
    ("body", "letters"),
    [(PRINTED, "MAI"), (b"200 OK<BR>\r\nex1.corp", "EX"), (b"\r\n200 OK\r\n", ""), (b"200 OK<br/>10.0.0.1", "")],
)
def test_a_healthy_protocol_shows_the_beginning_of_its_servers_name_at_most(body: bytes, letters: str) -> None:
    """Never the name itself."""
    assert PAGE.read(said(200, body)) == letters


def test_a_header_that_names_the_site_goes_first() -> None:
    """It says more than a server's name does."""
    assert PAGE.read(said(200, PRINTED, X_FEEFZInfo="HEL")) == "HEL"


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (401, b"", "health_page_not_published", Reason.UNEXPECTED_CHALLENGE),
        (403, b"", "health_page_not_published", Reason.UNEXPECTED_CHALLENGE),
        (404, b"", "health_page_not_published", Reason.UNEXPECTED_CHALLENGE),
        (200, b"<html>Sign in", "health_page_not_published", Reason.UNEXPECTED_CHALLENGE),
        (200, b"", "health_page_not_published", Reason.UNEXPECTED_CHALLENGE),
        (503, b"", "health_page_out_of_rotation", Reason.SERVER_BUSY),
        (500, PRINTED, "http_500", Reason.SERVER_ERROR),
        (302, PRINTED, "http_unexpected_status", Reason.PROTOCOL_VIOLATION),
    ],
)
def test_what_is_not_the_page_says_why(status: int, body: bytes, code: str, reason: Reason) -> None:
    """A server taken out of the balancing is another matter than a page nobody publishes."""
    fault = refused(PAGE.read, said(status, body))
    assert (fault.kind.code, fault.reason) == (code, reason)
    assert "corp" not in str(fault).lower()


def test_bytes_that_are_no_page_are_a_fault_and_never_a_traceback() -> None:
    """Cut anywhere, or at random."""
    rng = random.Random(7)
    bodies = [PRINTED[:end] for end in range(len(PRINTED))] + [rng.randbytes(60) for _ in range(300)]
    bodies += [b"200 OK" + rng.randbytes(20) for _ in range(300)]
    outcomes = set()
    for body in bodies:
        try:
            outcomes.add(len(PAGE.read(said(200, body))))
        except FaultError:
            outcomes.add(-1)
    assert outcomes <= {-1, 0, 1, 2, 3}
    assert {-1, 3} <= outcomes
