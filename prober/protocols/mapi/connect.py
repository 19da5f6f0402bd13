"""Connect: begin a session with the mailbox of a user (MS-OXCMAPIHTTP section 2.2.4.1, MS-OXCRPC section 3.1.4.1)."""

import struct
from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import diagnostics
from prober.protocols.mapi import status
from prober.protocols.mapi.envelope import NO_AUXILIARY, Request, open_reply
from prober.protocols.mapi.octets import Octets

USER, CODE_PAGE, ENGLISH = 0, 1252, 0x0409
"""Flags of somebody who is no administrator; code page and locales as classic Outlook sends them."""


@dataclass(frozen=True, slots=True)
class Connected:
    """What the server says of itself and asks of us. Times in seconds."""

    polls_max: float
    retry_count: int
    retry_delay: float
    version: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """Begin a session as `user_dn`, the user's name in the directory. Cookies of the answer carry the session."""

    request: Request
    user_dn: str = field(repr=False)

    def call(self) -> Call:
        """Return the request: user, flags, code page, two locales, no auxiliary buffer (section 2.2.4.1.1)."""
        name = self.user_dn.encode("ascii", "replace") + b"\0"
        numbers = struct.pack("<4I", USER, CODE_PAGE, ENGLISH, ENGLISH)
        return self.request.call("Connect", name + numbers + NO_AUXILIARY)

    def read(self, reply: Reply) -> Connected:
        """Return what the server says (section 2.2.4.1.2). Raises `FaultError`."""
        body = Octets(open_reply(self.request, "Connect", reply), "connect")
        evidence = diagnostics.evidence(reply.headers)
        failed = body.number()
        if failed:
            raise FaultError(status.REQUEST_FAILED, {"request": "Connect", "error": f"{failed:#010x}", **evidence})
        error = body.number()
        if error:
            raise status.connect_refusal(error, evidence)
        polls, count, delay = body.number(), body.number(), body.number()
        body.text()
        body.wide_text()
        body.sized()
        if not reply.headers.all("set-cookie"):
            raise FaultError(status.CONTEXT_MISSING, evidence)
        return Connected(polls / 1000, count, delay / 1000, version(reply))


def version(reply: Reply) -> str:
    """Return the server's build, such as `15.20.9200.10` (`X-ServerApplication`, section 2.2.3.3.8), or nothing."""
    name, _, build = reply.headers.get("x-serverapplication").partition("/")
    known = name.lower() == "exchange" and build.replace(".", "").isdigit() and build.isascii()
    return build[:20] if known else ""
