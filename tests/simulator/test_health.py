"""The health pages of servers of one's own."""

import pytest

from prober.simulator.health import Health
from prober.simulator.http.message import Request
from prober.simulator.service import Premises
from prober.simulator.tenant import ONLINE, SERVER
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host
from tests.simulator.doorway import tenant_of_one


def _health(environment: str) -> Health:
    tenant = tenant_of_one(environment)
    return Health(Premises(tenant, Doorkeeper(tenant), ()))


def _asking(path: str, method: str = "GET", number: int = 4) -> Request:
    host = Host("mail.ams1.contoso.example", "127.0.0.1", 443, site="ams1")
    return Request(method, path, (), b"", Connection(number, host, "127.0.0.1", 0.0, Attempt("x", 1)), path=path)


@pytest.mark.parametrize("directory", ["owa", "EWS", "Microsoft-Server-ActiveSync", "autodiscover", "mapi"])
async def test_a_server_says_that_it_is_well_and_who_it_is(directory: str) -> None:
    """`200 OK` and the name of the front end that answers this connection."""
    reply = await _health(SERVER).answer(_asking(f"/{directory}/healthcheck.htm"), None)
    assert (reply.status, reply.body) == (200, b"200 OK<br/>AM1PAMSCA0001.contoso.example")


@pytest.mark.parametrize(
    ("environment", "path", "method", "status"),
    [
        (ONLINE, "/owa/healthcheck.htm", "GET", 404),
        (SERVER, "/nothing/healthcheck.htm", "GET", 404),
        (SERVER, "/owa/x/healthcheck.htm", "GET", 404),
        (SERVER, "/healthcheck.htm", "GET", 404),
        (SERVER, "/owa/healthcheck.htm", "POST", 405),
        (SERVER, "/owa/healthcheck.htm", "HEAD", 200),
    ],
)
async def test_nothing_else_has_a_page(environment: str, path: str, method: str, status: int) -> None:
    """The cloud has none, nor has a directory there is not."""
    assert (await _health(environment).answer(_asking(path, method), None)).status == status


def test_it_is_a_step_and_can_be_busy() -> None:
    """`health_page`; 503 unless told otherwise."""
    health = _health(SERVER)
    assert health.errand(_asking("/owa/healthcheck.htm")).steps == {"health_page"}
    assert health.throttled(_asking("/owa/healthcheck.htm"), 0, 30).status == 503
