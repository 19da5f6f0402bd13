"""One reading of the feed: Graph's service communications, asked page by page.

Rule of this file: a reading is whole or it is none. What was read before a page failed is not used: a notice that is
missing would look as if it were closed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import httpx

from prober.advisories.issue import Issue, read_issues
from prober.exchange import Headers
from prober.faults.taxonomy import FaultError
from prober.protocols.http.status import retry_after

ISSUES = "/admin/serviceAnnouncement/issues"
TOP = 1000
"""Records of a page: the most that Graph gives (Learn, "List issues")."""
PAGES = 20
LIMIT = 120.0
"""Seconds after which a reading that has not ended is given up."""
BACK = 24 * 3600.0
"""Seconds for which closed notices are asked for as well."""

GiveToken = Callable[[bool], Awaitable[str]]
"""Gives a bearer token for Graph; told `True`, one that has not been used. Raises `FaultError`."""


class Result(StrEnum):
    """What came of a reading: the `result` label."""

    OK = "ok"
    NO_TOKEN = "no_token"  # noqa: S105 - a word, not a secret
    UNREACHABLE = "unreachable"
    UNAUTHORISED = "unauthorised"
    PERMISSION_MISSING = "permission_missing"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    BAD_REPLY = "bad_reply"
    PROBER_BUG = "prober_bug"


class FeedError(Exception):
    """A reading that came to nothing. `why` is a short text of ours; `pause`: seconds the server wants to be left."""

    def __init__(self, result: Result, why: str, pause: float | None = None) -> None:
        super().__init__(f"{result}: {why}")
        self.result = result
        self.why = why
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Reading:
    """All notices of the services that are open or were changed within a day, and how many records were none."""

    issues: tuple[Issue, ...]
    bad: int = 0


class Feed:
    """The feed below `url`, such as `https://graph.microsoft.com/v1.0`. `client` follows no redirects by itself."""

    def __init__(self, client: httpx.AsyncClient, token: GiveToken, url: str, services: Sequence[str]) -> None:
        self._client = client
        self._token = token
        self._url = url.rstrip("/")
        self._services = tuple(services)
        self._refused = False

    async def read(self, now: float) -> Reading:
        """Read everything as of `now` (seconds since the epoch). Raises `FeedError`."""
        try:
            async with asyncio.timeout(LIMIT):
                return await self._read(now)
        except TimeoutError:
            raise FeedError(Result.UNREACHABLE, "no whole answer in time") from None

    async def _read(self, now: float) -> Reading:
        token = await self._bearer()
        document = _document(await self._first(token, now))
        records = document["value"]
        for _ in range(1, PAGES):
            following = self._following(document)
            if following is None:
                break
            document = _document(_usable(await self._get(following, token)))
            records += document["value"]
        if self._following(document) is not None:
            raise FeedError(Result.BAD_REPLY, f"more than {PAGES} pages")
        issues, bad = read_issues(records)
        return Reading(issues, bad)

    async def _bearer(self) -> str:
        """Return a token; after one was refused, a new one."""
        try:
            return await self._token(self._refused)
        except FaultError as error:
            raise FeedError(Result.NO_TOKEN, error.fault.kind.code, error.fault.retry_after) from None

    async def _first(self, token: str, now: float) -> httpx.Response:
        """Ask for the first page, more plainly where the filter is not understood."""
        for asked in _filters(self._services, now):
            reply = await self._get(f"{self._url}{ISSUES}?$filter={quote(asked)}&$top={TOP}", token)
            if reply.status_code != httpx.codes.BAD_REQUEST:
                break
        self._refused = reply.status_code == httpx.codes.UNAUTHORIZED
        return _usable(reply)

    async def _get(self, url: str, token: str) -> httpx.Response:
        try:
            return await self._client.get(url, headers={"Authorization": f"Bearer {token}"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FeedError(Result.UNREACHABLE, _name(error)) from None

    def _following(self, document: dict[str, Any]) -> str | None:
        """Return the link to the next page. Raises `FeedError` for one that leads elsewhere: it would get the token."""
        link = document.get("@odata.nextLink")
        if link is None:
            return None
        if not isinstance(link, str) or _origin(link) is None or _origin(link) != _origin(self._url):
            raise FeedError(Result.BAD_REPLY, "the next page is said to be elsewhere")
        return link


def _filters(services: Sequence[str], now: float) -> Iterator[str]:
    """Give the filter that asks for what is needed and nothing else, then one that asks for more and less."""
    since = datetime.fromtimestamp(now - BACK, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ours = " or ".join("service eq '{}'".format(service.replace("'", "''")) for service in services)
    yield f"({ours}) and (isResolved eq false or lastModifiedDateTime ge {since})"
    yield "isResolved eq false"


def _usable(reply: httpx.Response) -> httpx.Response:
    """Return a reply that is one. Raises `FeedError`."""
    status = reply.status_code
    pause = retry_after(Headers(reply.headers.multi_items()))
    if status == httpx.codes.UNAUTHORIZED:
        raise FeedError(Result.UNAUTHORISED, "the token was refused")
    if status == httpx.codes.FORBIDDEN:
        raise FeedError(Result.PERMISSION_MISSING, "the credential lacks ServiceHealth.Read.All, or consent to it")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise FeedError(Result.THROTTLED, "asked to slow down", pause)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise FeedError(Result.SERVER_ERROR, f"status {status}", pause)
    if status != httpx.codes.OK:
        raise FeedError(Result.BAD_REPLY, f"status {status}")
    return reply


def _document(reply: httpx.Response) -> dict[str, Any]:
    """Return the page. Raises `FeedError` for what is none."""
    try:
        found = json.loads(reply.content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("value"), list):
        raise FeedError(Result.BAD_REPLY, "not a page of records")
    return found


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a URL without user name, `None` for anything else."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc or "\\" in parts.netloc:
        return None
    return parts.scheme, parts.hostname.lower(), port


def _name(error: Exception) -> str:
    """Return what went wrong, as our own transport calls it where it was ours."""
    fault = getattr(error, "fault", None)
    return fault.kind.code if fault is not None else type(error).__name__
