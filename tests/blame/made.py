"""Records by hand."""

from prober.blame.evidence import Colour, Record
from prober.vocabulary import Depth, Domain, Environment

ONLINE = Environment.EXCHANGE_ONLINE


def record(
    client: str,
    domain: Domain | None = None,
    *,
    colour: Colour | None = None,
    target: str = "one",
    at: float = 0.0,
    asked_token: bool = False,
    depth: Depth = Depth.MAILBOX,
) -> Record:
    """Return an attempt that broke in `domain`, or was well."""
    shown = colour or (Colour.RED if domain else Colour.GREEN)
    return Record(f"{client}/{target}", client, target, ONLINE, at, shown, domain, asked_token, depth)


def story(**clients: Domain | None) -> list[Record]:
    """Return four attempts of each client, all of them as told."""
    return [record(client, domain) for client, domain in clients.items() for _ in range(4)]
