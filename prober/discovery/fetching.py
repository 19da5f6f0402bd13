"""One fetch of one list.

Rule of this file: any answer but a whole one with status 200 from the URL itself is no list, and no message repeats
what came.
"""

import asyncio
import base64
from collections.abc import Callable

import httpx

from prober.net.network import Network
from prober.net.route import Route
from prober.net.transport import HttpTransport, TransportFaultError
from prober.secret import SecretSource, SecretUnreadableError
from prober.settings.settings import HttpList
from prober.settings.source import LARGEST_FILE

AGENT = "discovery"
"""Who fetches, in the User-Agent: no client."""
ACCEPT = "application/json, application/yaml;q=0.9, */*;q=0.1"


class FetchError(Exception):
    """A fetch that came to nothing. The text is one line of ours."""


class Fetching:
    """Fetches lists along the networks that `along` gives; `user_agent` as configured."""

    def __init__(self, along: Callable[[Route], Network], user_agent: str) -> None:
        self._along = along
        self._user_agent = user_agent.replace("{client}", AGENT)

    async def __call__(self, one: HttpList) -> bytes:
        """Return what the server hands out. Raises `FetchError`."""
        try:
            async with asyncio.timeout(one.timeout):
                reply = await self._answer(one)
        except TimeoutError:
            raise FetchError("no whole answer in time") from None
        except TransportFaultError as error:
            raise FetchError(f"cannot be fetched ({error.fault.kind.code})") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"cannot be fetched ({type(error).__name__})") from None
        return _usable(reply)

    async def _answer(self, one: HttpList) -> httpx.Response:
        """Ask once, without following a redirect: what stands elsewhere is not what was configured."""
        headers = {"Accept": ACCEPT, "User-Agent": self._user_agent, **_proof(one)}
        request = httpx.Request("GET", one.url, headers=headers)
        return await HttpTransport(self._along(one.route)).handle_async_request(request)


def _proof(one: HttpList) -> dict[str, str]:
    """Return the header field with which we say who we are, if we do. Raises `FetchError`."""
    if one.token is not None:
        return {"Authorization": f"Bearer {_revealed(one.token)}"}
    if one.password is not None:
        both = f"{one.username}:{_revealed(one.password)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}  # RFC 7617
    return {}


def _revealed(source: SecretSource) -> str:
    try:
        text = source.read().reveal().strip()
    except SecretUnreadableError as error:
        raise FetchError(str(error)) from None
    if not text.isprintable() or not text:
        raise FetchError("its secret is empty, or not one line of text")
    return text


def _usable(reply: httpx.Response) -> bytes:
    """Return the body of an answer that is one. Raises `FetchError`."""
    if reply.status_code != httpx.codes.OK:
        raise FetchError(f"was answered with status {reply.status_code}")
    if len(reply.content) > LARGEST_FILE:
        raise FetchError(f"is larger than {LARGEST_FILE >> 20} MiB")
    return reply.content
