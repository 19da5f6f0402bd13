"""How many requests and tokens a configuration asks for in a day.

Rule of this file: what an attempt asks for is counted at the simulated tenant by a test, nothing optional switched on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.model import Assignment

DAY = 86_400.0
PER_ATTEMPT: Mapping[str, int] = MappingProxyType(
    {
        "imap4": 13,
        "activesync": 9,
        "outlook_mobile": 16,
        "outlook_mac": 16,
        "outlook_mac_legacy": 11,
        "owa": 9,
        "outlook_desktop": 6,
        "m365_signin": 9,
        "control": 1,
    }
)
"""Requests (for IMAP: commands) of one attempt at full depth, with everything at hand that the last one left."""
UNKNOWN = 10
"""What is assumed of a client that is not in the table."""
PASSWORDS = frozenset({"", "basic", "ntlm", "negotiate"})
"""Kinds of credentials for which no token is asked."""
EVERY_ATTEMPT = "m365_signin"
"""The client whose business it is to sign in: it takes no token from the cache."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one assignment asks for in a day."""

    assignment: Assignment
    attempts: float
    requests: float


def cost(one: Assignment) -> Cost:
    """Return what the schedule of an assignment comes to in a day, second looks and channels aside."""
    attempts = DAY / one.interval
    return Cost(one, attempts, attempts * PER_ATTEMPT.get(one.client, UNKNOWN))


def tokens(assignments: Iterable[Assignment], resources: Mapping[str, str]) -> dict[str, float]:
    """Return the tokens a day by credential: one an hour and resource, and one for every attempt to sign in.

    `resources` gives what each client asks a token for, the empty text where it asks for none.
    """
    found: dict[str, float] = {}
    held: set[tuple[str, str, str]] = set()
    for one in assignments:
        resource = resources.get(one.client, "")
        if one.credential is None or one.credential_kind in PASSWORDS or not resource:
            continue
        if one.client == EVERY_ATTEMPT:
            found[one.credential] = found.get(one.credential, 0.0) + DAY / one.interval
        elif (one.credential, resource, _owner(one)) not in held:
            held.add((one.credential, resource, _owner(one)))
            found[one.credential] = found.get(one.credential, 0.0) + 24.0
    return found


def _owner(one: Assignment) -> str:
    """Return whose token it is: an application's is everybody's, a user's own is not."""
    return "" if one.credential_kind == "client_credentials" else (one.target.mailbox or one.target.name).lower()
