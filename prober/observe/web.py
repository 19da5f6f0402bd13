"""The pages: landing page, metrics, status data, healthy, ready. All answered on the prober's own loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from prober.observe.assets import Assets, mark
from prober.observe.metrics import Metrics
from prober.observe.page import Page, Part, described, render
from prober.observe.status import Row, StatusBoard

POLICY = "default-src 'none'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
OF_THE_PAGE = (
    "; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
    "; require-trusted-types-for 'script'; trusted-types page"
)
"""What the page itself may do besides: its own files, and ask its own host again."""


class Panel(Protocol):
    """What somebody adds to the status page: a part of the page, its data, and routes for what can be done there."""

    @property
    def name(self) -> str:
        """Under which the data appear."""

    @property
    def place(self) -> str:
        """Where it stands: at the `head` of the page, `above` or `below` the table."""

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
        (b"content-security-policy", POLICY.format(forms=_forms(forms=forms)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    )


def _forms(*, forms: bool) -> str:
    return "'self'" if forms else "'none'"


@dataclass(frozen=True, slots=True)
class About:
    """What is running, and from where it looks."""

    vantage: str = ""
    revision: str = ""
    python: str = ""

    @property
    def words(self) -> str:
        """The same in words."""
        return described((("revision", self.revision), ("Python", self.python)))


NOBODY = About()


def application(
    metrics: Metrics,
    board: StatusBoard,
    ready: Callable[[], bool],
    panels: Sequence[Panel] = (),
    routes: Sequence[Route] = (),
    *,
    states: Callable[[], Mapping[str, str]] = dict,
    about: About = NOBODY,
) -> Starlette:
    """Return the pages, `routes` among them.

    `ready` says whether the prober schedules attempts; before and while draining it does not. `states` says how the
    detector finds each client, `about` what is running and from where.
    """
    assets = Assets()
    forms = any(panel.routes for panel in panels)
    policy = POLICY.format(forms=_forms(forms=forms)) + OF_THE_PAGE

    async def show_metrics(request: Request) -> Response:
        chosen = exposition.negotiate(
            ",".join(request.headers.getlist("accept")), ",".join(request.headers.getlist("accept-encoding"))
        )
        return StreamingResponse(_between_probes(metrics, chosen), headers=exposition.headers(chosen))

    async def show_landing(request: Request) -> Response:
        parts = [Part(panel.name, panel.page(), panel.place) for panel in panels]
        page = Page(board.rows, parts, states(), about.vantage, about.words)
        answer = HTMLResponse(render(page, assets), headers={"content-security-policy": policy})
        return unless_known(request, answer)

    async def show_status(request: Request) -> Response:
        known = {"vantage": about.vantage, "build": {"revision": about.revision, "python": about.python}}
        data = status_data(board.rows) | known | {panel.name: panel.data() for panel in panels}
        return unless_known(request, JSONResponse(data))

    async def show_healthy(request: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def show_ready(request: Request) -> Response:
        return PlainTextResponse("ready\n") if ready() else PlainTextResponse("not ready\n", status_code=503)

    return Starlette(
        routes=[
            Route("/", show_landing),
            *assets.routes,
            Route("/metrics", show_metrics),
            Route("/api/v1/status", show_status),
            Route("/-/healthy", show_healthy),
            Route("/-/ready", show_ready),
            *routes,
            *(route for panel in panels for route in panel.routes),
        ],
        exception_handlers={HTTPException: refused},
        middleware=[Middleware(Secured, fields=security(forms=forms))],
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
    """Adds the headers that keep a page from being more than a page, where it brings none of its own."""

    def __init__(self, app: ASGIApp, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._app = app
        self._fields = fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                always = [field for field in self._fields if field[0] not in given]
                message["headers"] = [*message["headers"], *always]
            await send(message)

        await self._app(scope, receive, sending)


def status_data(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the table of the page shows, for programs."""
    return {"version": __version__, "assignments": [asdict(row) | {"counted": row.counted} for row in rows]}


def unless_known(request: Request, answer: Response) -> Response:
    """Return an answer marked by its content, and nothing but the mark to who has seen it."""
    tag = f'"{mark(bytes(answer.body))}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    answer.headers["etag"] = tag
    return answer
