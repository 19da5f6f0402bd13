"""The pages, as browsers, Prometheus and Kubernetes ask for them."""

import gzip
import re
from dataclasses import replace

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from prober.faults import taxonomy as kinds
from prober.observe.metrics import Metrics
from prober.observe.status import StatusBoard
from prober.observe.web import About, application
from tests.observe.made import ASSIGNMENT, CATALOGUE, TARGET, judged


class Pages:
    """The application with its parts."""

    def __init__(self) -> None:
        self.ready = True
        self.metrics = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1")
        self.board = StatusBoard([ASSIGNMENT], CATALOGUE)
        app = application(self.metrics, self.board, lambda: self.ready)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")


@pytest.fixture
def pages() -> Pages:
    return Pages()


async def test_ready_is_the_schedules_answer_and_healthy_the_processes(pages: Pages) -> None:
    assert (await pages.client.get("/-/ready")).status_code == 200
    pages.ready = False
    assert (await pages.client.get("/-/ready")).status_code == 503
    assert (await pages.client.get("/-/healthy")).status_code == 200


async def test_metrics_come_in_the_format_that_was_asked_for(pages: Pages) -> None:
    pages.metrics(ASSIGNMENT, *judged())
    plain = await pages.client.get("/metrics", headers={"Accept": "*/*", "Accept-Encoding": "identity"})
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'clientaccess_attempts_total{client="toy",target="hq"} 1.0' in plain.content
    request = pages.client.build_request(
        "GET", "/metrics", headers={"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    )
    packed = await pages.client.send(request, stream=True)
    raw = b"".join([piece async for piece in packed.aiter_raw()])
    assert packed.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert gzip.decompress(raw).endswith(b"# EOF\n")


async def test_the_landing_page_shows_what_failed_and_brings_nothing_from_elsewhere(pages: Pages) -> None:
    pages.board(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    answer = await pages.client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    for part in ("hq", "toy", "failed", "read_timeout", "no_answer", "at take", "frontend", 'href="metrics"'):
        assert part in answer.text
    assert "canary" not in answer.text
    assert "http://" not in answer.text
    assert "style=" not in answer.text


async def test_the_page_may_run_its_own_script_and_style_alone(pages: Pages) -> None:
    """Files, never text within the page; other answers may run nothing."""
    answer = await pages.client.get("/")
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'"):
        assert part in policy
    assert "unsafe" not in policy
    assert "script-src" not in (await pages.client.get("/api/v1/status")).headers["content-security-policy"]
    for address in re.findall(r'(?:src|href)="(static/[^"]+)"', answer.text):
        assert (await pages.client.get(f"/{address}")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/status"])
async def test_who_has_seen_it_gets_the_mark_alone(pages: Pages, path: str) -> None:
    """Until something has changed."""
    tag = (await pages.client.get(path)).headers["etag"]
    again = await pages.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    pages.board(ASSIGNMENT, *judged())
    changed = await pages.client.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_names_cannot_break_out_of_the_page() -> None:
    nasty = replace(ASSIGNMENT, target=replace(TARGET, name="<script>alert(1)</script>"))
    app = application(Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1"), StatusBoard([nasty], CATALOGUE), bool)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")
    assert "<script>" not in (await client.get("/")).text


async def test_other_pages_and_methods_are_refused(pages: Pages) -> None:
    missing, wrong = await pages.client.get("/nothing"), await pages.client.post("/metrics")
    assert (missing.status_code, missing.text) == (404, "there is no such page\n")
    assert (wrong.status_code, wrong.text) == (405, "this page is not asked for in this way\n")
    assert "GET" in wrong.headers["allow"]
    assert (await pages.client.head("/-/healthy")).status_code == 200


async def test_the_status_data_say_what_the_page_shows(pages: Pages) -> None:
    """One entry per assignment, with verdict, reason, step and time."""
    pages.board(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    data = (await pages.client.get("/api/v1/status")).json()
    (row,) = data["assignments"]
    assert (row["client"], row["target"], row["verdict"], row["reason"]) == ("toy", "hq", "failed", "read_timeout")
    assert row["step"] == "take"
    assert (row["attempts"], row["counted"], row["failed"], row["ok"]) == (1, 1, 1, 0)


async def test_the_status_data_say_what_is_running_and_how_clients_are() -> None:
    """Vantage and build in data and page; the state of each client on the page."""
    app = application(
        Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1"),
        StatusBoard([ASSIGNMENT], CATALOGUE),
        bool,
        states=lambda: {"toy": "suspect"},
        about=About("fra1", "abc123", "3.11.7"),
    )
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")
    data, page = (await client.get("/api/v1/status")).json(), (await client.get("/")).text
    assert (data["vantage"], data["build"]) == ("fra1", {"revision": "abc123", "python": "3.11.7"})
    for part in ("from fra1", "revision abc123, Python 3.11.7", '<span class="v suspect">'):
        assert part in page


class Lever:
    """A panel with one thing to do."""

    name = "lever"
    place = "below"

    def __init__(self) -> None:
        self.pulled = 0
        self.routes = (Route("/lever", self.pull, methods=["POST"]),)

    async def pull(self, request: Request) -> Response:
        self.pulled += 1
        return PlainTextResponse("pulled")

    def page(self) -> str:
        return "<form method=post action=lever></form>"

    def data(self) -> dict[str, int]:
        return {"pulled": self.pulled}


async def test_a_panel_adds_to_page_data_and_routes() -> None:
    """And only with one may the page send forms, to itself alone."""
    lever = Lever()
    app = application(Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1"), StatusBoard([], CATALOGUE), bool, [lever])
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")
    assert (await client.post("/lever")).text == "pulled"
    page = await client.get("/")
    assert "action=lever" in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert (await client.get("/api/v1/status")).json()["lever"] == {"pulled": 1}


async def test_without_panels_no_form_may_be_sent(pages: Pages) -> None:
    """There is nothing to do on the page."""
    assert "form-action 'none'" in (await pages.client.get("/")).headers["content-security-policy"]
