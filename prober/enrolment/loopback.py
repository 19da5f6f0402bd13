"""The other end of a browser's redirect (RFC 8252 section 7.3): one page on 127.0.0.1, for as long as consent takes.

Rule of this file: whoever comes without the state that was handed out gets nothing, ends nothing, and is not believed.
"""

import asyncio
import hmac
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from prober.faults.taxonomy import FaultError
from prober.protocols.oauth.consent import CONSENT_REFUSED
from prober.secret import Secret

HOST = "127.0.0.1"
LONGEST = 16_384
"""Bytes of a request's head."""
READING = 10.0
PAGE = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n"
    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{body}"
)
BODY = "<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>{text}</p></html>"
DONE = ("200 OK", "You are signed in", "The prober has what it needs. This window can be closed.")
REFUSED = ("200 OK", "Not signed in", "The sign-in was refused. The terminal says more. This window can be closed.")
STRANGER = ("400 Bad Request", "Nothing to see here", "This page waits for a sign-in that was begun elsewhere.")


class Loopback:
    """Listens while entered. `state` is what the redirect has to bring back."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._server: asyncio.Server | None = None
        self._answer: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()

    @property
    def redirect_uri(self) -> str:
        """Where the browser is to be sent: by the name that token services know the loopback by, on a free port."""
        if self._server is None:
            raise RuntimeError("enter it first")
        return f"http://localhost:{self._server.sockets[0].getsockname()[1]}/"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=LONGEST)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._answer.cancel()

    async def code(self, within: float) -> Secret:
        """Return the authorization code. Raises `FaultError` for a refusal, `TimeoutError` after `within` seconds."""
        async with asyncio.timeout(within):
            return await asyncio.shield(self._answer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(READING):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_page(*self._decide(head)))
                await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    def _decide(self, head: bytes) -> tuple[str, str, str]:
        """Take a redirect for what it is, and return the page it gets."""
        method, _, rest = head.decode("latin-1").partition(" ")
        query = parse_qs(urlsplit(rest.partition(" ")[0]).query)
        state, code = query.get("state", [""])[0], query.get("code", [""])[0]
        if method != "GET" or not hmac.compare_digest(state.encode(), self._state.encode()) or self._answer.done():
            return STRANGER
        if code:
            self._answer.set_result(Secret(code))
            return DONE
        error = query.get("error", ["none"])[0]
        named = error if error.isascii() and error.replace("_", "").isalpha() and len(error) < 40 else "other"
        self._answer.set_exception(FaultError(CONSENT_REFUSED, {"error": named}))
        return REFUSED


def _page(status: str, title: str, text: str) -> bytes:
    body = BODY.format(title=title, text=text)
    return PAGE.format(status=status, length=len(body.encode()), body=body).encode()
