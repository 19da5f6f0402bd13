"""Objects and pages."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.graph.reading import Page, document, moment, page, utc
from tests.protocols.graph.made import DELTA, NEXT, USER, answer, collection, error


def reason(reply: Reply) -> Reason:
    with pytest.raises(FaultError) as caught:
        page(reply, USER)
    return caught.value.fault.reason


def test_a_port_that_goes_without_saying_may_be_said() -> None:
    """RFC 6454 section 4: an origin has one whether or not it is written."""
    link = "https://graph.microsoft.com:443/v1.0/next"
    assert page(collection(next_link=link), USER).next_link == link


def test_a_page_has_items_and_a_link() -> None:
    """To the next page, or to the next round."""
    assert page(collection({"id": "1"}, next_link=NEXT), USER) == Page(({"id": "1"},), NEXT, "")
    assert page(collection(delta_link=DELTA), USER) == Page((), "", DELTA)
    assert "probe" not in repr(page(collection({"id": "probe"}), USER))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/next",
        "http://graph.microsoft.com/v1.0/next",
        "https://graph.microsoft.com:8443/v1.0/next",
        "https://graph.microsoft.com/v1.0/a b",
        "https://graph.microsoft.com/v1.0/a\r\nX: y",
        "https://[graph",
        "/v1.0/next",
        "https://graph.microsoft.com/v1.0/\u0142",
        "https://graph.microsoft.com:99999/v1.0/",
    ],
)
def test_a_link_never_leaves_the_host_that_was_asked(link: str) -> None:
    """It would take our token there."""
    assert reason(collection(next_link=link)) is Reason.PROTOCOL_VIOLATION


@pytest.mark.parametrize(
    "reply",
    [
        answer(b""),
        answer(b"[]"),
        answer(b"{"),
        answer(b"<html><body>welcome</body></html>"),
        answer({}),
        answer({"value": {}}),
        answer({"value": ["x"]}),
        answer({"value": [], "@odata.nextLink": 7}),
        answer(b"[" * 100_000),
    ],
)
def test_what_is_no_collection_is_a_violation(reply: Reply) -> None:
    """Also a page for people with status 200."""
    assert reason(reply) is Reason.PROTOCOL_VIOLATION


def test_an_error_without_an_object_is_read_from_its_status() -> None:
    assert reason(answer(b"nothing", 503)) is Reason.SERVER_BUSY
    assert reason(answer({"error": {"code": 5}}, 500)) is Reason.SERVER_ERROR
    assert reason(error("MailboxInfoStale", 503)) is Reason.MAILBOX_UNAVAILABLE


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2016-12-01T18:46:27Z", 1480617987.0),
        ("2016-12-01T19:46:27+01:00", 1480617987.0),
        ("2016-12-01T18:46:27", 1480617987.0),
        ("yesterday", None),
        (5, None),
        (None, None),
    ],
)
def test_times_are_read_with_their_zone(text: object, at: float | None) -> None:
    """Learn, "DateTimeOffset": ISO 8601, in UTC."""
    assert moment(text) == at


def test_times_are_written_in_utc() -> None:
    assert utc(1480617987.9) == "2016-12-01T18:46:27Z"


@given(st.integers(200, 599), st.binary(max_size=200), st.integers(0, 60))
def test_only_faults_come_out_of_anything(status: int, body: bytes, cut: int) -> None:
    """Random bytes, and good answers cut short."""
    good = collection({"id": "1"}, next_link=NEXT).body
    for one in (body, good[:cut], good[:cut] + body):
        with suppress(FaultError):
            page(Reply(status, Headers(), one), USER)
        with suppress(FaultError):
            document(Reply(status, Headers(), one))
