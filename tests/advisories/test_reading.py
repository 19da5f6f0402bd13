"""One reading of the feed, page by page, and every way in which it can come to nothing."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from prober.advisories import reading
from prober.advisories.reading import PAGES, Feed, FeedError, Reading, Result
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from tests.advisories.feeds import PUBLISHED, at, ex1215307, ex1256020, page

URL = "https://graph.example/v1.0"
NEXT = f"{URL}/admin/serviceAnnouncement/issues?$skip="
NOW = at("2026-03-20T10:00Z")
Answer = Callable[[httpx.Request], httpx.Response]


class Graph:
    """Answers by `answer`, and remembers what it was asked."""

    def __init__(self, answer: Answer, token: Exception | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self.fresh: list[bool] = []
        self._answer = answer
        self._token = token
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        self.feed = Feed(client, self._give, URL, ("Exchange Online", "Bob's service"))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)

    async def _give(self, fresh: bool) -> str:
        self.fresh.append(fresh)
        if self._token is not None:
            raise self._token
        return "t0ken"

    async def read(self) -> Reading:
        return await self.feed.read(NOW)

    async def refusal(self) -> FeedError:
        with pytest.raises(FeedError) as refused:
            await self.read()
        return refused.value


def always(status: int, body: Any = None, **headers: str) -> Answer:
    """Answer with a status, and with a body as JSON or as bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, content=content, headers=fields)


async def test_a_page_of_notices_is_read_and_bad_records_are_counted() -> None:
    graph = Graph(always(200, page(ex1256020(), {"id": 3}, dict(PUBLISHED))))
    found = await graph.read()
    assert [one.id for one in found.issues] == ["EX1256020", "EX226792"]
    assert found.bad == 1


async def test_what_is_asked_for_is_what_is_open_or_changed_within_a_day() -> None:
    """In one request, with the token, and with quotes doubled (OData 4.01 URL conventions, 5.1.1.14.1)."""
    graph = Graph(always(200, page()))
    await graph.read()
    (request,) = graph.asked
    query = parse_qs(request.url.query.decode())
    assert request.url.path == "/v1.0/admin/serviceAnnouncement/issues"
    assert query["$top"] == ["1000"]
    services, state = query["$filter"][0].split(" and ")
    assert services == "(service eq 'Exchange Online' or service eq 'Bob''s service')"
    assert state == "(isResolved eq false or lastModifiedDateTime ge 2026-03-19T10:00:00Z)"
    assert b"+" not in request.url.query
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert graph.fresh == [False]


async def test_a_filter_that_is_not_understood_is_put_more_plainly() -> None:
    """Better all that is open, of every service, than nothing."""

    def answer(request: httpx.Request) -> httpx.Response:
        plain = parse_qs(request.url.query.decode())["$filter"] == ["isResolved eq false"]
        return always(200, page(ex1256020()))(request) if plain else always(400, {"error": {}})(request)

    graph = Graph(answer)
    assert len((await graph.read()).issues) == 1
    assert len(graph.asked) == 2


async def test_a_request_that_is_refused_however_it_is_put_is_a_bad_reply() -> None:
    assert (await Graph(always(400, {"error": {}})).refusal()).result is Result.BAD_REPLY


async def test_further_pages_are_followed_with_the_token() -> None:
    pages = {b"": page(ex1256020(), following=NEXT + "1"), b"$skip=1": page(ex1215307())}

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.query if request.url.query.startswith(b"$skip") else b""
        return always(200, pages[query])(request)

    graph = Graph(answer)
    assert [one.id for one in (await graph.read()).issues] == ["EX1256020", "EX1215307"]
    assert graph.asked[1].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.example.evil.example/v1.0/issues",
        "http://graph.example/v1.0/issues",
        "https://graph.example:8443/v1.0/issues",
        "https://graph.example@evil.example/v1.0/issues",
        "https://evil.example\\@graph.example/v1.0/issues",
        "//evil.example/v1.0",
        "/v1.0/admin/serviceAnnouncement/issues",
        "https://[::1/",
        "https://graph.example:x/",
        "",
        7,
        {"href": NEXT},
    ],
)
async def test_no_link_leads_the_token_elsewhere(link: Any) -> None:
    """Only to the same scheme, host and port; anything else ends the reading, and nobody else is asked."""
    graph = Graph(always(200, page(ex1256020(), following=link)))
    assert (await graph.refusal()).result is Result.BAD_REPLY
    assert len(graph.asked) == 1


async def test_a_link_that_cannot_be_asked_for_is_a_failure_and_no_crash() -> None:
    """It begins as it should, and goes on with what no URL may hold."""
    graph = Graph(always(200, page(following="https://graph.example/\x00")))
    assert (await graph.refusal()).result in (Result.UNREACHABLE, Result.BAD_REPLY)


async def test_pages_without_end_are_given_up() -> None:
    graph = Graph(always(200, page(ex1256020(), following=NEXT + "1")))
    assert (await graph.refusal()).result is Result.BAD_REPLY
    assert len(graph.asked) == PAGES


async def test_a_page_that_fails_makes_the_whole_reading_fail() -> None:
    """Half of the notices would look as if the others were closed."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.query.startswith(b"$skip"):
            return httpx.Response(500)
        return always(200, page(ex1256020(), following=NEXT + "1"))(request)

    assert (await Graph(answer).refusal()).result is Result.SERVER_ERROR


@pytest.mark.parametrize(
    ("answer", "result", "pause"),
    [
        (always(401), Result.UNAUTHORISED, None),
        (always(403, {"error": {"code": "Forbidden"}}), Result.PERMISSION_MISSING, None),
        (always(429, b"", Retry_After="900"), Result.THROTTLED, 900.0),
        (always(429), Result.THROTTLED, None),
        (always(429, b"", Retry_After="soon"), Result.THROTTLED, None),
        (always(503, b"", Retry_After="120"), Result.SERVER_ERROR, 120.0),
        (always(500), Result.SERVER_ERROR, None),
        (always(302, b"", Location="https://evil.example/"), Result.BAD_REPLY, None),
        (always(204, b""), Result.BAD_REPLY, None),
        (always(200, b""), Result.BAD_REPLY, None),
        (always(200, b"<html>"), Result.BAD_REPLY, None),
        (always(200, b"[" * 200_000), Result.BAD_REPLY, None),
        (always(200, b"\xff\xfe{"), Result.BAD_REPLY, None),
        (always(200, []), Result.BAD_REPLY, None),
        (always(200, {"value": {}}), Result.BAD_REPLY, None),
        (always(200, {"error": {}}), Result.BAD_REPLY, None),
    ],
)
async def test_what_is_no_reading_says_why(answer: Answer, result: Result, pause: float | None) -> None:
    """And how long the server wants to be left alone."""
    refused = await Graph(answer).refusal()
    assert (refused.result, refused.pause) == (result, pause)


async def test_a_missing_permission_is_called_by_its_name() -> None:
    """It is the one thing that somebody has to do."""
    assert "ServiceHealth.Read.All" in (await Graph(always(403)).refusal()).why


async def test_after_a_refused_token_another_one_is_asked_for() -> None:
    """Once: the next one is taken from the cache again."""
    statuses = iter([401, 200, 200])
    graph = Graph(lambda request: always(next(statuses), page())(request))
    await graph.refusal()
    await graph.read()
    await graph.read()
    assert graph.fresh == [False, True, False]


async def test_no_token_means_no_request() -> None:
    graph = Graph(always(200, page()), FaultError(kinds.SECRET_UNREADABLE, retry_after=7.0))
    refused = await graph.refusal()
    assert (refused.result, refused.why, refused.pause) == (Result.NO_TOKEN, "secret_unreadable", 7.0)
    assert graph.asked == []


async def test_a_server_that_cannot_be_reached_is_a_failure() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused by tester@contoso.example", request=request)

    refused = await Graph(answer).refusal()
    assert refused.result is Result.UNREACHABLE
    assert "contoso" not in str(refused)


async def test_a_reading_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT", 0.01)

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def token(fresh: bool) -> str:
        return "t"

    feed = Feed(httpx.AsyncClient(transport=httpx.MockTransport(never)), token, URL, ("Exchange Online",))
    with pytest.raises(FeedError) as refused:
        await feed.read(NOW)
    assert refused.value.result is Result.UNREACHABLE
