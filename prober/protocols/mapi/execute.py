"""Execute: have operations carried out on a mailbox (MS-OXCMAPIHTTP section 2.2.4.2, MS-OXCRPC section 3.1.4.2)."""

import struct
from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import diagnostics
from prober.protocols.mapi import rops, status
from prober.protocols.mapi.envelope import NO_AUXILIARY, Request, open_reply
from prober.protocols.mapi.octets import Octets
from prober.protocols.mapi.rops import NO_HANDLE, Logon

PLAIN = 0x3
"""Flags: the answer is to be neither packed nor veiled."""
LONGEST_ANSWER = 0x8007
"""Bytes of an answer's buffer: the longest payload, and its header."""


def execute(request: Request, buffer: bytes) -> Call:
    """Return the request: flags, operations, the longest answer, no auxiliary buffer (section 2.2.4.2.1)."""
    body = struct.pack("<2I", PLAIN, len(buffer)) + buffer + struct.pack("<I", LONGEST_ANSWER) + NO_AUXILIARY
    return request.call("Execute", body)


def executed(request: Request, reply: Reply) -> bytes:
    """Return the buffer with the answers (section 2.2.4.2.2). Raises `FaultError`."""
    body = Octets(open_reply(request, "Execute", reply), "execute")
    evidence = diagnostics.evidence(reply.headers)
    failed = body.number()
    if failed:
        raise FaultError(status.REQUEST_FAILED, {"request": "Execute", "error": f"{failed:#010x}", **evidence})
    error = body.number()
    if error:
        raise FaultError(status.EXECUTE_FAILED, {"error": f"{error:#010x}", **evidence})
    body.number()
    buffer = body.sized()
    body.sized()
    return buffer


@dataclass(frozen=True, slots=True)
class LogOn:
    """Log on to the mailbox of `user_dn`."""

    request: Request
    user_dn: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        return execute(self.request, rops.wrap(rops.logon(self.user_dn), (NO_HANDLE,)))

    def read(self, reply: Reply) -> Logon:
        """Return the mailbox. Raises `FaultError`."""
        return rops.read_logon(executed(self.request, reply))


@dataclass(frozen=True, slots=True)
class RegisterNotification:
    """Ask to be told of new items in the mailbox whose `handle` a logon gave."""

    request: Request
    handle: int

    def call(self) -> Call:
        """Return the request."""
        return execute(self.request, rops.wrap(rops.register(), (self.handle, NO_HANDLE)))

    def read(self, reply: Reply) -> int:
        """Return the handle of the subscription. Raises `FaultError`."""
        return rops.read_register(executed(self.request, reply))


@dataclass(frozen=True, slots=True)
class CollectEvents:
    """Ask for nothing, which brings the events that are pending (MS-OXCMAPIHTTP section 2.2.4.4.2)."""

    request: Request

    def call(self) -> Call:
        """Return the request."""
        return execute(self.request, rops.wrap(b"", ()))

    def read(self, reply: Reply) -> bool:
        """Return whether there were any. Raises `FaultError`."""
        return rops.read_events(executed(self.request, reply))
