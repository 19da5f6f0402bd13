"""What the pages tell of the past: strips of cells for everybody, evidence for whom it may be shown to.

Rule of this file: it does not know who asks; `/api/v1/failures` is among the paths that the guard keeps.
"""

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from prober.history.bundle import Origin
from prober.history.casefile import text
from prober.history.history import History

LOG = logging.getLogger(__name__)
MOST_HOURS, MOST_FAILURES = 768, 500
Page = Callable[[Request], Awaitable[Response]]


class BadRequestError(Exception):
    """What was asked for makes no sense; the text is one line."""


def routes(history: History, configured: Callable[[], Iterable[tuple[str, str]]]) -> tuple[Route, ...]:
    """Return the pages. `configured` gives client and target of each assignment there is now."""

    async def strips(request: Request) -> Response:
        _known(request, {"hours"})
        told = await history.strips(_number(request, "hours", 24, MOST_HOURS), configured())
        return Response(told, media_type="application/json")

    async def failures(request: Request) -> Response:
        _known(request, {"client", "target", "origin", "limit", "before"})
        names = ("client", "target", "origin", "before")
        wanted: dict[str, Any] = {name: request.query_params.get(name) for name in names}
        if wanted["origin"] not in (None, *Origin):
            raise BadRequestError(f"origin is one of {', '.join(Origin)}")
        limit = _number(request, "limit", 50, MOST_FAILURES)
        return JSONResponse({"failures": await history.failures(**wanted, limit=limit)})

    async def failure(request: Request) -> Response:
        _known(request, {"format"})
        style = request.query_params.get("format") or _preferred(request.headers.get("accept", ""))
        if style not in ("json", "text"):
            raise BadRequestError("format is json or text")
        found = await history.bundle(request.path_params["id"])
        if found is None:
            return PlainTextResponse("there is no such failure, or it was so long ago that it is not kept\n", 404)
        return PlainTextResponse(text(found)) if style == "text" else JSONResponse(found)

    return (
        Route("/api/v1/history", _answered(strips)),
        Route("/api/v1/failures", _answered(failures)),
        Route("/api/v1/failures/{id}", _answered(failure)),
    )


def _answered(page: Page) -> Page:
    """Answer what makes no sense with 400, and what cannot be read now with 503: one line each."""

    async def answer(request: Request) -> Response:
        try:
            return await page(request)
        except BadRequestError as exc:
            return PlainTextResponse(f"{exc}\n", status_code=400)
        except sqlite3.Error as exc:
            LOG.warning("history cannot be read: %s", type(exc).__name__)
            return PlainTextResponse("the history cannot be read\n", status_code=503)

    return answer


def _known(request: Request, names: set[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    if not names.issuperset(given) or len(given) > len(set(given)):
        raise BadRequestError(f"can be asked by {', '.join(sorted(names))}, each of them once")


def _number(request: Request, name: str, default: int, most: int) -> int:
    given = request.query_params.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) < 6 and 1 <= int(given) <= most):
        raise BadRequestError(f"{name} is a number from 1 to {most}")
    return int(given)


def _preferred(accept: str) -> str:
    """Return `text` for who asks for plain text before JSON, else `json`."""
    offered = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
    plain, structured = ("text/plain" in offered, "application/json" in offered)
    return "text" if plain and not structured else "json"
