"""JSON objects and addresses as the documents of a sign-in service hold them."""

import json
from typing import Any
from urllib.parse import urlsplit

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind
from prober.protocols.oidc import status

JSON = (("Accept", "application/json"),)


def ask(url: str) -> Call:
    """Return the request for a document that anybody may read."""
    return Call("GET", url, JSON)


def read(reply: Reply, broken: Kind) -> dict[str, Any]:
    """Return the object that a reply holds. Raises `FaultError`: `broken`, or what the service says of itself."""
    if reply.status != 200:
        raise status.refused(reply, broken)
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise FaultError(broken, status.evidence(reply) | {"document": "not JSON"}) from None
    if not isinstance(found, dict):
        raise FaultError(broken, status.evidence(reply) | {"document": "not an object"})
    return found


def is_https(value: object) -> bool:
    """Whether `value` is the address of something that is reached over TLS."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
