"""What is around a body."""

import pytest

from prober.simulator.http.message import Reply, Request
from prober.simulator.mapi import envelope
from prober.simulator.tenant import SERVER, Clocks, Site
from prober.simulator.wire import Attempt, Connection, Host

CLOCKS = Clocks(wall=lambda: 1_773_643_320.25)


def request(*fields: tuple[str, str]) -> Request:
    here = Connection(1, Host("mail", "127.0.0.1", 443), "127.0.0.1", 0.0, Attempt("x", 1))
    named = (("x-requesttype", "Execute"), ("x-requestid", "{C715155F-2BE8-44E0-BD34-2960065754C8}:2"), *fields)
    return Request("POST", "/mapi/emsmdb/", named, b"", here)


async def read(reply: Reply) -> bytes:
    assert not isinstance(reply.body, bytes)
    return b"".join([piece async for piece in reply.body])


async def test_an_answer_is_laid_out_as_the_specification_s_example() -> None:
    """MS-OXCMAPIHTTP section 4.1: two words, fields of its own, a blank line, the bytes; and it goes out in chunks."""
    reply = envelope.told((("X-A", "b"),), b"\0\1", 1_773_643_320.0, CLOCKS)
    assert (reply.status, reply.headers) == (200, (("Content-Type", "application/mapi-http"), ("X-A", "b")))
    assert await read(reply) == (
        b"PROCESSING\r\nDONE\r\nX-ResponseCode: 0\r\nX-ElapsedTime: 250\r\n"
        b"X-StartTime: Mon, 16 Mar 2026 06:42:00 GMT\r\n\r\n\0\1"
    )


@pytest.mark.parametrize(
    ("site", "build"),
    [(None, "Exchange/15.20."), (Site("hq", "eu", "HQX", environment=SERVER), "Exchange/15.02.")],
)
def test_fields_come_back_and_periods_are_told(site: Site | None, build: str) -> None:
    """The client's own information only where it sent some."""
    fields = dict(envelope.head(request(("x-clientinfo", "{2F94A2BF}")), site))
    assert fields["X-RequestType"] == "Execute"
    assert fields["X-RequestId"] == "{C715155F-2BE8-44E0-BD34-2960065754C8}:2"
    assert fields["X-ClientInfo"] == "{2F94A2BF}"
    assert (fields["X-ResponseCode"], fields["X-PendingPeriod"], fields["X-ExpirationInfo"]) == ("0", "15000", "900000")
    assert fields["X-ServerApplication"].startswith(build)
    assert "X-ClientInfo" not in dict(envelope.head(request(), site))


def test_a_refusal_is_a_page_in_a_200() -> None:
    """Its code is in a field, its words are in the page."""
    reply = envelope.refused(request(), None, 13)
    fields = dict(reply.headers)
    assert (reply.status, fields["X-ResponseCode"], fields["Content-Type"]) == (200, "13", "text/html")
    assert b"The request is missing a required cookie." in bytes(reply.body)  # type: ignore[arg-type]  # a page is bytes
