"""The pages: landing page, metrics, status data, healthy, ready. All answered on the prober's own loop."""

import asyncio
import html
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prober import __version__
from prober.observe import exposition
from prober.observe.metrics import Metrics
from prober.observe.status import Row, StatusBoard

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"


class Panel(Protocol):
    """What somebody adds to the status page: a part of the page, its data, and routes for what can be done there."""

    @property
    def name(self) -> str:
        """Under which the data appear."""

    @property
    def routes(self) -> Sequence[Route]:
        """What answers besides the page."""

    def page(self) -> str:
        """Return the part of the page, as HTML that is safe to show."""

    def data(self) -> Any:
        """Return the same for programs, fit for JSON."""


def security(*, forms: bool) -> tuple[tuple[bytes, bytes], ...]:
    """Return the fields that keep a page from being more than a page; forms only where something can be done."""
    return (
        (b"content-security-policy", POLICY.format(forms="'self'" if forms else "'none'").encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    )


def application(
    metrics: Metrics,
    board: StatusBoard,
    ready: Callable[[], bool],
    panels: Sequence[Panel] = (),
    routes: Sequence[Route] = (),
) -> Starlette:
    """Return the pages, `routes` among them.

    `ready` says whether the prober schedules attempts; before and while draining it does not.
    """

    async def show_metrics(request: Request) -> Response:
        chosen = exposition.negotiate(
            ",".join(request.headers.getlist("accept")), ",".join(request.headers.getlist("accept-encoding"))
        )
        return StreamingResponse(_between_probes(metrics, chosen), headers=exposition.headers(chosen))

    async def show_landing(request: Request) -> Response:
        return HTMLResponse(landing(board.rows, [panel.page() for panel in panels]))

    async def show_status(request: Request) -> Response:
        return JSONResponse(status_data(board.rows) | {panel.name: panel.data() for panel in panels})

    async def show_healthy(request: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def show_ready(request: Request) -> Response:
        return PlainTextResponse("ready\n") if ready() else PlainTextResponse("not ready\n", status_code=503)

    return Starlette(
        routes=[
            Route("/", show_landing),
            Route("/metrics", show_metrics),
            Route("/api/v1/status", show_status),
            Route("/-/healthy", show_healthy),
            Route("/-/ready", show_ready),
            *routes,
            *(route for panel in panels for route in panel.routes),
        ],
        exception_handlers={HTTPException: refused},
        middleware=[Middleware(Secured, fields=security(forms=any(panel.routes for panel in panels)))],
    )


async def refused(request: Request, exc: Exception) -> Response:
    """Answer what no page answers (404, 405) with one line."""
    status, fields = (exc.status_code, exc.headers) if isinstance(exc, HTTPException) else (500, None)
    words = {404: "there is no such page", 405: "this page is not asked for in this way"}
    return PlainTextResponse(f"{words.get(status, 'refused')}\n", status_code=status, headers=fields)


async def _between_probes(metrics: Metrics, chosen: exposition.Format) -> AsyncIterator[bytes]:
    for piece in exposition.slices(metrics.registry, chosen):
        if piece:
            yield piece
        await asyncio.sleep(0)


class Secured:
    """Adds the headers that keep a page from being more than a page."""

    def __init__(self, app: ASGIApp, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._app = app
        self._fields = fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._fields]
            await send(message)

        await self._app(scope, receive, sending)


def landing(rows: tuple[Row, ...], parts: Iterable[str] = ()) -> str:
    """Return the landing page: what is probed, how it went last, where the metrics are; and what others add."""
    body = "".join(map(_row, rows)) or "<tr><td colspan=7>Nothing is probed.</td></tr>"
    return PAGE.format(version=html.escape(__version__), rows=body, parts="".join(parts))


def status_data(rows: tuple[Row, ...]) -> dict[str, Any]:
    """Return what the landing page shows, for programs."""
    return {"version": __version__, "assignments": [asdict(row) for row in rows]}


def _row(row: Row) -> str:
    why = " · ".join(part for part in (row.reason, row.code, row.step and f"at {row.step}") if part)
    took = "" if row.duration is None else f"{row.duration:.3f} s"
    cells = (row.target, row.client, row.depth, why, row.blame, row.ended_at, took)
    target, client, depth, *rest = (html.escape(cell) for cell in cells)
    verdict = html.escape(row.verdict)
    title = html.escape(row.because, quote=True)
    inner = "".join(f"<td>{cell}</td>" for cell in (client, depth))
    after = "".join(f"<td>{cell}</td>" for cell in rest)
    return f'<tr><th scope=row>{target}</th>{inner}<td class="v {verdict}" title="{title}">{verdict}</td>{after}</tr>\n'


PAGE = """<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<title>Client-access prober</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8885; }}
.v {{ font-weight: 600; }}
.ok {{ color: light-dark(#126b2e, #5fd38a); }}
.slow, .throttled, .inconclusive {{ color: light-dark(#7a4b00, #f0b429); }}
.failed {{ color: light-dark(#a3141f, #ff8a8a); }}
</style>
<h1>Client-access prober</h1>
<p>Version {version} · <a href="metrics">metrics</a> ·
<a href="api/v1/status">status data</a> · <a href="-/healthy">healthy</a> · <a href="-/ready">ready</a></p>
<table>
<caption>Last attempt of each client on each target</caption>
<thead><tr><th scope=col>target<th scope=col>client<th scope=col>depth<th scope=col>verdict<th scope=col>why
<th scope=col>blame<th scope=col>started<th scope=col>took</tr></thead>
<tbody>
{rows}</tbody>
</table>
{parts}</html>
"""
