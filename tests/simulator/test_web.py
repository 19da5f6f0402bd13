"""Outlook on the web for those who have not signed in."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from prober.simulator.http.message import Fields, Reply, Request, split_target
from prober.simulator.service import Premises
from prober.simulator.tenant import ONLINE, SERVER
from prober.simulator.tokens import EXCHANGE, Doorkeeper
from prober.simulator.web import Web
from prober.simulator.wire import Attempt, Connection, Host
from tests.simulator.doorway import ALICE, APP, doorway, tenant_of_one

LOGIN = Host("login.contoso.example", "127.8.0.1", 8443)
HOST = Host("owa.ams1.contoso.example", "127.0.0.1", 8443, site="ams1")
CALL = "/owa/service.svc?action=GetOwaUserConfiguration"


def _premises(environment: str) -> Premises:
    tenant = tenant_of_one(environment)
    return Premises(tenant, Doorkeeper(tenant), (LOGIN, HOST))


def _asking(target: str, method: str = "GET", headers: Fields = ()) -> Request:
    path, query = split_target(target)
    connection = Connection(1, HOST, "127.0.0.1", 0.0, Attempt("x", 1))
    return Request(method, target, headers, b"", connection, path=path, query=query)


async def _answer(environment: str, target: str, method: str = "GET", headers: Fields = ()) -> Reply:
    return await Web(_premises(environment)).answer(_asking(target, method, headers), None)


@pytest.mark.parametrize("path", ["/owa/", "/mail/", "/owa", "/ecp/"])
async def test_the_cloud_sends_people_to_sign_in(path: str) -> None:
    """To the authorisation page, and back to where they came from."""
    reply = await _answer(ONLINE, path)
    there = urlsplit(dict(reply.headers)["Location"])
    assert (reply.status, there.netloc, there.path) == (302, LOGIN.authority, "/common/oauth2/authorize")
    query = parse_qs(there.query)
    assert query["redirect_uri"] == [f"https://{HOST.authority}{path.rstrip('/')}/"]
    assert query["client_id"] == ["00000002-0000-0ff1-ce00-000000000000"]
    assert "Set-Cookie" in dict(reply.headers)


@pytest.mark.parametrize("call", ["/owa/service.svc?action=FindFolder", "/OWA/Service.svc"])
async def test_the_service_is_closed_to_strangers(call: str) -> None:
    """401 with a challenge in the cloud; 440 where sign-in is by form. Both say their build."""
    cloud = await _answer(ONLINE, call, "POST")
    assert cloud.status == 401
    assert dict(cloud.headers)["WWW-Authenticate"].startswith("Bearer client_id=")
    assert dict(cloud.headers)["X-OWA-Version"].startswith("15.20.")
    own = await _answer(SERVER, call, "POST")
    assert own.status == 440
    assert dict(own.headers)["X-OWA-Version"].startswith("15.2.")
    assert (await _answer(ONLINE, call)).status == 405


async def test_a_token_is_looked_at() -> None:
    """A broken one is told why; a good one, that this interface is a private one."""
    broken = await _answer(ONLINE, CALL, "POST", (("authorization", "Bearer x"),))
    assert "2000001" in dict(broken.headers)["x-ms-diagnostics"]
    premises = _premises(ONLINE)
    token = premises.doorkeeper.issue(APP, EXCHANGE, ALICE)
    good = await Web(premises).answer(_asking(CALL, "POST", (("authorization", f"Bearer {token}"),)), None)
    assert (good.status, "X-OWA-Error" in dict(good.headers)) == (400, True)


def test_a_browser_follows_to_the_form_and_loads_its_script(tmp_path: Path) -> None:
    """On servers of one's own: an independent client ends at the form, whose script is there."""
    with doorway(tmp_path, Web, tenant_of_one(SERVER)) as way, requests.Session() as browser:
        browser.verify = str(way.ca_file)
        page = browser.get(f"{way.url}/owa/", timeout=10)
        assert [hop.status_code for hop in (*page.history, page)] == [302, 200]
        assert urlsplit(page.url).path == "/owa/auth/logon.aspx"
        assert page.headers["X-FEServer"]
        named = re.search(r'<script src="([^"]+)"', page.text)
        assert named is not None
        script = browser.get(f"{way.url}{named.group(1)}", timeout=10)
        assert (script.status_code, len(script.content) > 0) == (200, True)
        assert "javascript" in script.headers["Content-Type"]
        refused = browser.post(f"{way.url}{CALL}", timeout=10)
        assert (refused.status_code, refused.content) == (440, b"")


async def test_the_cloud_names_a_script_as_well() -> None:
    """In the page that sends people on."""
    body = (await _answer(ONLINE, "/mail/")).body
    assert isinstance(body, bytes)
    named = re.search(r'as="script" href="([^"]+)"', body.decode())
    assert named is not None
    assert (await _answer(ONLINE, named.group(1))).status == 200
    assert (await _answer(SERVER, named.group(1))).status == 404


async def test_what_comes_from_outside_is_escaped() -> None:
    """In the form and on the error page."""
    form = await _answer(SERVER, "/owa/auth/logon.aspx?url=%22%3E%3Cscript%3Ex")
    error = await _answer(ONLINE, "/owa/auth/errorFE.aspx?httpCode=%3Cscript%3E")
    assert isinstance(form.body, bytes)
    assert isinstance(error.body, bytes)
    assert b"<script>x" not in form.body
    assert b"<script>" not in error.body
    assert b"Something went wrong" in error.body


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/owa/nothing", "GET", 404),
        ("/owa/auth/logon.aspx", "GET", 404),
        ("/owa/", "PUT", 405),
        ("/mail/", "HEAD", 302),
    ],
)
async def test_the_rest_is_not_there(target: str, method: str, status: int) -> None:
    """The cloud has no form of its own either."""
    assert (await _answer(ONLINE, target, method)).status == status


def test_requests_are_steps_of_a_browser() -> None:
    """Landing, service, script; the admin pages are none."""
    web = Web(_premises(ONLINE))
    steps = {
        target: set(web.errand(_asking(target)).steps)
        for target in ("/owa/", "/mail/", CALL, "/owa/prem/1/scripts/boot.js", "/ecp/", "/owa/nothing")
    }
    assert steps == {
        "/owa/": {"landing_redirect"},
        "/mail/": {"landing_redirect"},
        CALL: {"owa_service_unauth"},
        "/owa/prem/1/scripts/boot.js": {"static_asset"},
        "/ecp/": set(),
        "/owa/nothing": set(),
    }
    assert web.throttled(_asking("/owa/"), 0, 30).status == 503
