"""A session that tells of every request, so that what is asked of a server can be held against a budget.

Rule of this file: it counts and changes nothing.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from prober.exchange import Call, Flow, Reply, Session, Wire


class Metered:
    """Does as `session` does. `asked` is told the host of each request, before it is sent."""

    def __init__(self, session: Session, asked: Callable[[str], None]) -> None:
        self._session = session
        self._asked = asked

    async def exchange(self, call: Call) -> Reply:
        """Send one request and return its response. Raises `FaultError`."""
        self._asked(urlsplit(call.url).hostname or "")
        return await self._session.exchange(call)

    @property
    def opened(self) -> int:
        """How many connections have been opened so far."""
        return self._session.opened

    async def open(self, call: Call) -> Flow:
        """Send one request and return its response as soon as the head is there. Raises `FaultError`."""
        self._asked(urlsplit(call.url).hostname or "")
        return await self._session.open(call)

    async def dial(self, url: str) -> Wire:
        """Open a wire. Raises `FaultError`."""
        return await self._session.dial(url)

    def channel_binding(self, url: str) -> bytes | None:
        """Return the peer's certificate (DER) of the open connection to this URL's origin."""
        return self._session.channel_binding(url)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
