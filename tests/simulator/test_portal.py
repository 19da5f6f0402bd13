"""The portals."""

from urllib.parse import parse_qs, urlsplit

import pytest

from prober.simulator.http.message import Request
from prober.simulator.portal import Portal
from prober.simulator.service import Premises
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host
from tests.simulator.doorway import tenant_of_one

LOGIN = Host("login.contoso.example", "127.8.0.1", 8443)


@pytest.fixture
def portal() -> Portal:
    tenant = tenant_of_one()
    return Portal(Premises(tenant, Doorkeeper(tenant), (LOGIN,)))


def _asking(name: str, path: str = "/", method: str = "GET") -> Request:
    host = Host(f"{name}.contoso.example", "127.8.0.4", 8443)
    return Request(method, path, (), b"", Connection(1, host, "127.0.0.1", 0.0, Attempt("x", 1)), path=path)


@pytest.mark.parametrize(
    ("name", "path", "step"),
    [
        ("office", "/", "office_home"),
        ("m365", "/", "m365_home"),
        ("copilot", "/", "copilot_home"),
        ("m365", "/chat", "copilot_home"),
        ("office", "/chat/", "copilot_home"),
        ("copilot", "/chat", "copilot_home"),
    ],
)
async def test_each_landing_page_is_a_step(portal: Portal, name: str, path: str, step: str) -> None:
    """By host and path; the page says nothing of anything having gone wrong."""
    assert portal.errand(_asking(name, path)).steps == {step}
    reply = await portal.answer(_asking(name, path), None)
    assert isinstance(reply.body, bytes)
    assert (reply.status, b"</html>" in reply.body, b"went wrong" in reply.body) == (200, True, False)


async def test_signing_in_leads_to_the_token_service(portal: Portal) -> None:
    """To its authorisation page, with a client and a way back."""
    reply = await portal.answer(_asking("office", "/login"), None)
    there = urlsplit(dict(reply.headers)["Location"])
    query = parse_qs(there.query)
    assert (reply.status, there.netloc, there.path) == (302, LOGIN.authority, "/common/oauth2/v2.0/authorize")
    assert query["redirect_uri"] == ["https://office.contoso.example:8443/landingv2"]
    assert query["client_id"]


@pytest.mark.parametrize(
    ("name", "path", "method", "status"),
    [("office", "/else", "GET", 404), ("www", "/", "GET", 404), ("office", "/", "POST", 405)],
)
async def test_nothing_else_is_there(portal: Portal, name: str, path: str, method: str, status: int) -> None:
    """Other paths, other hosts, other methods."""
    assert (await portal.answer(_asking(name, path, method), None)).status == status


def test_it_can_be_busy(portal: Portal) -> None:
    """503 unless told otherwise, with when to come back."""
    reply = portal.throttled(_asking("office"), 0, 12.4)
    assert (reply.status, reply.headers) == (503, (("Retry-After", "13"),))
