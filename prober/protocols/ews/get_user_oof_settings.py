"""GetUserOofSettings: whether the mailbox says that its owner is away (MS-OXWOOF)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.ews import soap, status
from prober.protocols.ews.soap import Caller

NAME = "GetUserOofSettings"
STATES = frozenset({"Disabled", "Enabled", "Scheduled"})


@dataclass(frozen=True, slots=True)
class GetUserOofSettings:
    """Ask for the mailbox's own settings; its messages are looked at by nobody."""

    caller: Caller

    def call(self) -> Call:
        """Return the request."""
        who = f"<t:Mailbox><t:Address>{soap.quoted(self.caller.mailbox)}</t:Address></t:Mailbox>"
        return soap.request(self.caller, f"<m:{NAME}Request>{who}</m:{NAME}Request>")

    def read(self, reply: Reply) -> str:
        """Return `Disabled`, `Enabled` or `Scheduled`. Raises `FaultError`."""
        answer = soap.answered(reply, NAME)
        message = soap.find(answer, "ResponseMessage")
        if message is None:
            raise soap.missing("ResponseMessage", NAME)
        soap.check(message, NAME, reply.headers)
        state = soap.require(answer, NAME, "OofSettings", "OofState")
        if state not in STATES:
            raise FaultError(status.MALFORMED, {"operation": NAME, "element": "OofState"})
        return state
