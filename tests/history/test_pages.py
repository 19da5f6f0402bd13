"""What is asked of the past over HTTP."""

import sqlite3

import httpx
import pytest
from starlette.applications import Starlette

from prober.faults import taxonomy as kinds
from prober.history.pages import routes
from tests.history.test_history import Watched
from tests.observe.made import ASSIGNMENT, judged


class Asked(Watched):
    """A history with two failures, and the pages before it."""

    def __init__(self) -> None:
        super().__init__()
        app = Starlette(routes=list(routes(self.history, lambda: [("toy", "hq"), ("toy", "new")])))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")
        self.fails(kinds.NO_ANSWER)
        self.fails(kinds.PEER_RESET, target="gone")
        self.history(ASSIGNMENT, *judged())


async def test_the_strips_are_a_day_long_unless_somebody_wants_more() -> None:
    asked = Asked()
    day = (await asked.client.get("/api/v1/history")).json()
    assert [(one["target"], len(one["cells"])) for one in day["assignments"]] == [("hq", 96), ("new", 96), ("gone", 96)]
    assert [one["cells"][-1] for one in day["assignments"]] == [[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert (day["to"] - day["from"], day["seconds_per_cell"]) == (86_400, 900)
    week = (await asked.client.get("/api/v1/history?hours=168")).json()
    assert len(week["assignments"][0]["cells"]) == 7 * 96
    await asked.history.close()


async def test_failures_are_listed_with_the_newest_first() -> None:
    """By client and target, and page by page."""
    asked = Asked()
    newest, oldest = (await asked.client.get("/api/v1/failures")).json()["failures"]
    assert [newest["code"], oldest["code"]] == ["peer_reset", "no_answer"]
    assert set(newest) == {
        *(
            "id",
            "client",
            "target",
            "origin",
            "started_at",
            "verdict",
            "reason",
            "code",
            "blame",
            "step",
            "duration_seconds",
        ),
        "counted",
    }
    for query, found in (
        ("client=toy&target=hq", [oldest]),
        ("target=nowhere", []),
        ("origin=schedule", [newest, oldest]),
        ("origin=push&target=hq", []),
        ("limit=1", [newest]),
        (f"before={newest['id']}", [oldest]),
    ):
        assert (await asked.client.get(f"/api/v1/failures?{query}")).json() == {"failures": found}
    await asked.history.close()


async def test_the_evidence_of_one_is_json_or_text() -> None:
    """JSON unless plain text is what is wanted."""
    asked = Asked()
    id_ = (await asked.client.get("/api/v1/failures")).json()["failures"][0]["id"]
    page = f"/api/v1/failures/{id_}"
    made = (await asked.client.get(page)).json()
    assert (made["id"], made["code"], made["evidence"]["transcript"]) == (id_, "peer_reset", ["  1.0 > A1 LOGIN ***"])
    for query, accept, kind in (
        ("?format=text", "application/json", "text/plain; charset=utf-8"),
        ("", "text/plain", "text/plain; charset=utf-8"),
        ("", "text/html, text/plain;q=0.5", "text/plain; charset=utf-8"),
        ("?format=json", "text/plain", "application/json"),
        ("", "application/json, text/plain", "application/json"),
        ("", "*/*", "application/json"),
    ):
        answer = await asked.client.get(page + query, headers={"Accept": accept})
        assert answer.headers["content-type"] == kind, (query, accept)
    assert (await asked.client.get(f"{page}?format=text")).text.startswith(f"Failed client access, evidence {id_}\n")
    await asked.history.close()


async def test_one_that_is_not_there_is_a_404_of_one_line() -> None:
    asked = Asked()
    answer = await asked.client.get("/api/v1/failures/0000")
    assert (answer.status_code, answer.text.count("\n")) == (404, 1)
    await asked.history.close()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/history?hours=0",
        "/api/v1/history?hours=769",
        "/api/v1/history?hours=-1",
        "/api/v1/history?hours=%D9%A1",
        "/api/v1/history?hours=1&hours=2",
        "/api/v1/history?days=1",
        "/api/v1/failures?limit=501",
        "/api/v1/failures?limit=many",
        "/api/v1/failures?id=1",
        "/api/v1/failures?origin=elsewhere",
        "/api/v1/failures/1?format=html",
    ],
)
async def test_what_makes_no_sense_is_a_400_of_one_line(path: str) -> None:
    """Which repeats nothing of what was asked."""
    asked = Asked()
    answer = await asked.client.get(path)
    assert (answer.status_code, answer.text.count("\n")) == (400, 1)
    assert answer.headers["content-type"].startswith("text/plain")
    await asked.history.close()


async def test_what_cannot_be_read_is_a_503_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error in /var/lib/prober")

    monkeypatch.setattr(asked.history._database, "cells", broken)
    answer = await asked.client.get("/api/v1/history")
    assert (answer.status_code, answer.text) == (503, "the history cannot be read\n")
    await asked.history.close()
