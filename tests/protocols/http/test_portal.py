"""Front pages: well, in trouble, and in front of them somebody who wants to know who we are."""

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import Reason
from prober.protocols.http import phrases, portal
from tests.protocols.eas.made import refused

UNWANTED = phrases.split(phrases.DEFAULT)
PAGE = b"<html><h1>Office</h1>"


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (429, b"", "portal_busy", Reason.SERVER_BUSY),
        (503, PAGE, "portal_busy", Reason.SERVER_BUSY),
        (401, PAGE, "portal_challenged", Reason.UNEXPECTED_CHALLENGE),
        (403, b"<html>Attention required", "portal_challenged", Reason.UNEXPECTED_CHALLENGE),
        (500, PAGE, "http_500", Reason.SERVER_ERROR),
        (502, PAGE, "http_502", Reason.SERVER_ERROR),
        (404, PAGE, "http_404", Reason.CLIENT_MISCONFIG),
        (204, b"", "http_unexpected_status", Reason.PROTOCOL_VIOLATION),
        (200, b" \r\n", "empty_reply", Reason.PROTOCOL_VIOLATION),
        (200, b"<h1>Something went wrong</h1>", "error_page_text", Reason.SERVER_ERROR),
    ],
)
def test_a_front_page_that_is_none_says_why(status: int, body: bytes, code: str, reason: Reason) -> None:
    """Being sent away for a while counts against the site, whatever it gives for a reason."""
    reply = Reply(status, Headers((("Retry-After", "9"),)), body)
    fault = refused(lambda reply: portal.check(reply, UNWANTED), reply)
    assert (fault.kind.code, fault.reason, fault.retry_after) == (code, reason, None)


def test_a_page_is_well_that_shows_none_of_the_phrases() -> None:
    """Which can be other ones."""
    portal.check(Reply(200, body=PAGE), UNWANTED)
    portal.check(Reply(200, Headers([("Content-Type", "Text/HTML; charset=utf-8")]), PAGE), UNWANTED)
    assert refused(lambda reply: portal.check(reply, ("office",)), Reply(200, body=PAGE)).kind.code == "error_page_text"


def test_what_calls_itself_something_else_is_no_page() -> None:
    """Nobody could read it, whatever its status."""
    octets = Reply(200, Headers([("Content-Type", "application/octet-stream")]), b"\x00\xff")
    fault = refused(lambda reply: portal.check(reply, UNWANTED), octets)
    assert (fault.kind.code, fault.reason) == ("portal_without_page", Reason.PROTOCOL_VIOLATION)
