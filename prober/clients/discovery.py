"""What several clients do before anybody signs in: ask Autodiscover where a protocol is, and provoke the challenge."""

from urllib.parse import urlsplit

from prober.faults.taxonomy import FaultError
from prober.protocols.autodiscover.json import REFUSED, Discover, Found
from prober.transaction import SkipStep, Transaction

ENDPOINT = "autodiscover"
NOT_SUPPORTED = "ProtocolNotSupported"


async def discover(tx: Transaction, protocol: str) -> Found:
    """Return where `protocol` is for this target's mailbox. Raises `SkipStep` where there is nobody to ask about."""
    if ENDPOINT not in tx.target.endpoints or not tx.target.mailbox:
        raise SkipStep
    found = await tx.ask(Discover(tx.endpoint(ENDPOINT), protocol, tx.target.mailbox))
    here = urlsplit(tx.endpoint(ENDPOINT)).hostname
    tx.note(redirect="hybrid" if found.hybrid else "none", same_host=urlsplit(found.url).hostname == here)
    return found


def not_supported(error: FaultError) -> bool:
    """Whether Autodiscover said that it does not know the protocol asked for."""
    return error.fault.kind is REFUSED and error.fault.evidence.get("error") == NOT_SUPPORTED
