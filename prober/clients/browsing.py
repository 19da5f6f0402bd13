"""What a browser does that nobody has signed in with: follow redirects to where they end, and look at that page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import portal
from prober.protocols.http.walk import Hop, Walk
from prober.protocols.oidc import signin_page
from prober.transaction import Transaction

Look = Callable[[str, Reply], None]
"""Is shown every reply on the way with its address."""


@dataclass(frozen=True, slots=True)
class Landed:
    """Where a walk ended: the address, what was there, and how many redirects led to it."""

    url: str
    reply: Reply
    hops: int


def look_away(url: str, reply: Reply) -> None:
    """Take no notice of what lies on the way."""


async def browse(tx: Transaction, url: str, look: Look = look_away) -> Landed:
    """Ask for `url` and for whatever it sends us to, ten hops at most. Raises `FaultError`."""
    walk = Walk(url)
    while True:
        reply = await tx.ask(Hop(walk.url))
        look(walk.url, reply)
        onward = walk.onward(reply)
        if onward is None:
            return Landed(walk.url, reply, walk.hops)
        walk = onward


async def visit(tx: Transaction, url: str, unwanted: Iterable[str]) -> None:
    """Open the portal at `url`: its page or the sign-in page has to come, and neither may show an error."""
    landed = await browse(tx, url)
    at_signin = signin_page.asks_to_sign_in(landed.url)
    tx.note(hops=landed.hops, ended="sign-in" if at_signin else "page")
    if at_signin:
        signin_page.check(landed.reply)
    else:
        portal.check(landed.reply, unwanted)


def told(error: FaultError, **more: str) -> FaultError:
    """Return the same fault with more evidence."""
    fault = error.fault
    evidence = {**fault.evidence, **more}
    return FaultError(fault.kind, evidence, phase=fault.phase, retry_after=fault.retry_after)
