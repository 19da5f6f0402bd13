"""What is around every body: fields that come back, lines that say a server is at work (MS-OXCMAPIHTTP section 2.2.2).

Rule of this file: a body that is streamed and one that is not hold the same lines, so that a client needs one reader.
"""

import html
from collections.abc import AsyncIterator
from email.utils import formatdate

from prober.simulator.http.diagnostics import BUILD
from prober.simulator.http.message import Fields, Reply, Request
from prober.simulator.mapi.codes import words
from prober.simulator.mapi.contexts import EXPIRY
from prober.simulator.tenant import SERVER, Clocks, Site

TYPE = "application/mapi-http"
PENDING_PERIOD = 15_000
"""Milliseconds between signs of life, as in the specification's examples (section 4)."""
PROCESSING, PENDING = b"PROCESSING\r\n", b"PENDING\r\n"
OWN_BUILD = "15.02.1544.004"


def head(request: Request, site: Site | None, code: int = 0) -> Fields:
    """Return the fields of every answer (sections 2.2.3.3.1 to 2.2.3.3.7)."""
    info = request.header("x-clientinfo")
    build = OWN_BUILD if site is not None and site.environment == SERVER else BUILD
    return (
        ("Cache-Control", "private"),
        ("X-RequestType", request.header("x-requesttype")),
        ("X-RequestId", request.header("x-requestid")),
        *((("X-ClientInfo", info),) if info else ()),
        ("X-ResponseCode", str(code)),
        ("X-PendingPeriod", str(PENDING_PERIOD)),
        ("X-ExpirationInfo", str(EXPIRY)),
        ("X-ServerApplication", f"Exchange/{build}"),
    )


def told(fields: Fields, body: bytes, started: float, clocks: Clocks) -> Reply:
    """Return an answer that goes out in chunks, as a server's does that may have to make its client wait."""
    return streamed(fields, _at_once(PROCESSING + done(body, started, clocks)))


def streamed(fields: Fields, pieces: AsyncIterator[bytes]) -> Reply:
    """Return an answer of which more is to come."""
    return Reply(200, (("Content-Type", TYPE), *fields), pieces)


def done(body: bytes, started: float, clocks: Clocks) -> bytes:
    """Return the end of an answer: its own fields, a blank line, the bytes. `started` in epoch seconds."""
    elapsed = max(0, round((clocks.wall() - started) * 1000))
    when = formatdate(started, usegmt=True)
    lines = ("DONE", "X-ResponseCode: 0", f"X-ElapsedTime: {elapsed}", f"X-StartTime: {when}", "", "")
    return "\r\n".join(lines).encode() + body


def refused(request: Request, site: Site | None, code: int) -> Reply:
    """Return an answer that is none: 200 all the same, with a page that says what is wrong."""
    page = f"<html><body><h2>X-ResponseCode: {code}</h2><p>{html.escape(words(code))}</p></body></html>"
    return Reply(200, (("Content-Type", "text/html"), *head(request, site, code)), page.encode())


async def _at_once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece
