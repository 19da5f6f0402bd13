"""Answers of Graph as plain objects, bounded and checked: what every question of this folder begins with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.graph import status
from prober.protocols.http import diagnostics
from prober.protocols.http import status as http

PORTS: Mapping[str, int] = MappingProxyType({"https": 443, "http": 80})
LONGEST = 4 << 20
"""Bytes of one answer."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection: its items, and where the next page or the next round is; empty where there is none."""

    items: tuple[Mapping[str, Any], ...]
    next_link: str = ""
    delta_link: str = ""

    def __repr__(self) -> str:
        return f"Page({len(self.items)} items)"


def document(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object of a success. Raises `FaultError` for everything else."""
    if reply.status in (200, 201):
        http.refuse_html(reply)
        found = _object(reply.body)
        if found is None:
            raise FaultError(status.NOT_JSON, diagnostics.evidence(reply.headers))
        return found
    error = (_object(reply.body) or {}).get("error")
    code = error.get("code") if isinstance(error, dict) else ""
    raise status.fault(reply, code if isinstance(code, str) else "")


def page(reply: Reply, asked: str) -> Page:
    """Return a page of a collection; `asked` is the URL that was asked, whose host its links must not leave.

    Raises `FaultError`: a link to another host would carry our token there.
    """
    found = document(reply)
    items = found.get("value")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise wrong(reply, "value")
    links = [_link(reply, found.get(name), asked) for name in ("@odata.nextLink", "@odata.deltaLink")]
    return Page(tuple(items), *links)


def wrong(reply: Reply, missing: str) -> FaultError:
    """Return what it means that an element is missing or of another form than it must be."""
    return FaultError(status.WRONG_SHAPE, {"missing": missing, **diagnostics.evidence(reply.headers)})


def moment(text: object) -> float | None:
    """Return a `DateTimeOffset` as epoch seconds, `None` for what is none."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text[:40])
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def utc(at: float) -> str:
    """Return epoch seconds as Graph writes times."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body[:LONGEST])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _link(reply: Reply, link: object, asked: str) -> str:
    if link is None:
        return ""
    if not isinstance(link, str) or not usable(link, asked):
        raise FaultError(status.FOREIGN_LINK, diagnostics.evidence(reply.headers))
    return link


def usable(link: str, asked: str) -> bool:
    """Whether a link may be asked with our token: printable ASCII, at the origin of `asked` (RFC 6454 section 4)."""
    if not link.isascii() or not link.isprintable() or " " in link:
        return False
    try:
        there, here = (
            (one.scheme, one.hostname, one.port or PORTS.get(one.scheme)) for one in (urlsplit(link), urlsplit(asked))
        )
    except ValueError:
        return False
    return there == here
