"""What a transaction says of permissions: that a mailbox was reached, that it was refused, or nothing at all.

Rule of this file: only a refusal of the mailbox is a refusal. A fault on the way there proves neither, and a credential
that does not even reach its own mailbox proves nothing by not reaching another.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prober.faults.taxonomy import Reason
from prober.model import Outcome
from prober.transaction import Client
from prober.vocabulary import Depth

REFUSALS = frozenset({Reason.ACCESS_POLICY, Reason.AUTH_REJECTED, Reason.MAILBOX_UNAVAILABLE, Reason.CLIENT_MISCONFIG})
"""What services say to whom a mailbox is closed: forbidden, not signed in for it, not connected to it, no such one."""


class Access(StrEnum):
    """Whether a mailbox was reached."""

    REACHED = "reached"
    DENIED = "denied"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Check:
    """One credential through one client at one mailbox: what was wanted, and what came of it.

    `mailbox` is the name of the target for its own, and the place in the list for one that must be denied.
    """

    credential: str
    client: str
    mailbox: str
    wanted: Access
    found: Access
    said: str = ""

    @property
    def holds(self) -> bool:
        """Whether it came as it was wanted."""
        return self.found is self.wanted


NO_MAILBOX_YET = frozenset({"options", "provision_fetch", "provision_ack", "authenticate", "capability_auth", "ping"})
"""Steps whose success shows that somebody may sign in, and nothing of the mailbox itself."""
ABOUT_IT = frozenset({"autodiscover_pox", "autodiscover_soap"})
"""Steps before the mailbox at which a server already says that it is closed."""
ANOTHER = frozenset({"eas_address_not_listed"})
"""Kinds that say that the server opened the credential's own mailbox in place of the one asked for."""


def access(outcome: Outcome, client: Client[Any]) -> Access:
    """Return what an outcome says of the permission to the mailbox."""
    inside = {step.name for step in client.steps if step.depth is Depth.MAILBOX}
    fault, failure = outcome.fault, outcome.failure
    if fault is not None and fault.kind.code in ANOTHER:
        return Access.DENIED
    if any(one.step in inside - NO_MAILBOX_YET and one.fault is None for one in outcome.results):
        return Access.REACHED
    if fault is None or failure is None:
        return Access.UNCLEAR
    refused = failure.step in inside | ABOUT_IT and fault.reason in REFUSALS
    return Access.DENIED if refused else Access.UNCLEAR


def exit_code(checks: list[Check]) -> int:
    """Return 1 if a permission is other than wanted, else 3 if one is unclear, else 0."""
    if any(not check.holds and check.found is not Access.UNCLEAR for check in checks):
        return 1
    return 3 if any(check.found is Access.UNCLEAR for check in checks) else 0
