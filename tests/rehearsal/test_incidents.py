"""The panel of the rehearsal: buttons, states, and who may press."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from prober.rehearsal.bulletins import Bulletins
from prober.rehearsal.groups import Groups
from prober.rehearsal.incidents import Incidents, concerns
from prober.simulator.faults.fault import Fault
from prober.simulator.faults.read import Incident
from prober.simulator.faults.weather import Weather
from prober.simulator.graph.announcements import Announcements
from prober.simulator.tenant import Site, Tenant

MAIL = Incident("M1", "mail <b>is</b> slow", (Fault("delay", frozenset({"imap4"}), arguments={"seconds": 5}),))
WEB = Incident("W1", "the web is down", (Fault("http", frozenset({"owa"}), arguments={"status": 503}),))


class Scene:
    """A panel behind its routes."""

    def __init__(self) -> None:
        self.weather = Weather(Tenant("x.test", [Site("s", "eu", "AMS")]))
        self.board = Announcements()
        bulletins = Bulletins(self.board, {"imap4": "IMAP4"}, 0.0, lambda: 0.0)
        self.panel = Incidents(self.weather, [MAIL, WEB], Groups(lambda: 0.0), ["imap4"], scale=60, bulletins=bulletins)
        self.peer = "127.0.0.1"

    async def press(self, path: str, **headers: str) -> int:
        app = Starlette(routes=list(self.panel.routes))
        transport = httpx.ASGITransport(app, client=(self.peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://prober") as client:
            return (await client.post(f"/rehearsal/incidents/{path}", headers=headers)).status_code


async def test_a_button_starts_an_incident_and_then_ends_it() -> None:
    """At the speed of the rehearsal; pressed twice it is still one."""
    scene = Scene()
    assert [await scene.press("M1/begin"), await scene.press("M1/begin")] == [303, 303]
    (running,) = scene.weather.running
    assert (running.incident.id, running.scale) == ("M1", 60)
    assert "End" in scene.panel.page()
    await asyncio.sleep(0.01)
    assert [one["isResolved"] for one in scene.board.issues] == [False]
    assert await scene.press("M1/end") == 303
    assert [one["isResolved"] for one in scene.board.issues] == [True]
    assert scene.weather.running == ()


def test_only_what_somebody_here_would_feel_is_in_the_menu() -> None:
    """An incident of clients that nobody probes with is left out."""
    assert list(Scene().panel.known) == ["M1"]
    assert concerns(Incident("A", faults=(Fault("stall"),)), ["owa"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": "http://prober"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "http://elsewhere.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_another_sites_page_may_not_press(headers: dict[str, str], status: int) -> None:
    """Whichever way a browser tells where the request comes from."""
    assert await Scene().press("M1/begin", **headers) == status


async def test_somebody_elsewhere_may_not_press() -> None:
    """The page is for everybody, the buttons for this machine."""
    scene = Scene()
    scene.peer = "192.0.2.1"
    assert await scene.press("M1/begin") == 403


@pytest.mark.parametrize("path", ["NONE/begin", "M1/end", "M1/what"])
async def test_what_cannot_be_done_is_not_found(path: str) -> None:
    """No such incident, none that is on, no such thing to do."""
    assert await Scene().press(path) == 404


def test_page_and_data_say_the_same() -> None:
    """And a title cannot break out of the page."""
    scene = Scene()
    data: dict[str, Any] = scene.panel.data()
    assert data["incidents"] == [{"id": "M1", "title": "mail <b>is</b> slow", "running": False}]
    assert "mail &lt;b&gt;is&lt;/b&gt; slow" in scene.panel.page()
    assert data["groups"] == []
