"""The service as a whole, with exchangelib's SOAP client and with requests of the other dialects over TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from exchangelib import Configuration, Credentials
from exchangelib.autodiscover.protocol import AutodiscoverProtocol

from prober.simulator.autodiscover.service import Autodiscover
from prober.simulator.http.message import Reply
from prober.simulator.service import Errand
from prober.simulator.tenant import SERVER
from prober.simulator.tokens import EXCHANGE
from tests.simulator import doorway as door
from tests.simulator.autodiscover.desk import ALICE, BOB, HOME, ask, basic, premises, token
from tests.simulator.autodiscover.test_pox import OUTLOOK, PHONE
from tests.simulator.autodiscover.test_soap import REQUEST
from tests.simulator.doorway import APP, PASSWORD, Doorway, doorway, tenant_of_one

POX, SOAP = "/Autodiscover/Autodiscover.xml", "/autodiscover/autodiscover.svc"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Doorway]:
    with doorway(tmp_path, Autodiscover, tenant_of_one(SERVER)) as opened:
        yield opened


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Doorway]:
    with doorway(tmp_path, Autodiscover, tenant_of_one()) as opened:
        yield opened


async def posted(body: str, *, path: str = POX, site: str = "ams1", **headers: str) -> Reply:
    service = Autodiscover(premises())
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.answer(ask(path, site=site, method="POST", body=body.encode(), headers=fields), None)


# -- clients of others ---------------------------------------------------------------------------------------------


def test_exchangelib_reads_the_settings_of_its_user(own: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for all sixty settings, most of which nobody has, and finds the URL and the versions it needs."""

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own.ca_file))
    configuration = Configuration(
        service_endpoint=f"{own.url}/autodiscover/autodiscover.svc", credentials=Credentials(door.ALICE, PASSWORD)
    )
    protocol = AutodiscoverProtocol(config=configuration)
    try:
        found = protocol.get_user_settings(door.ALICE)
        nobody = protocol.get_user_settings("no-one@contoso.example")
    finally:
        protocol.close()
    assert found.autodiscover_smtp_address == door.ALICE
    assert found.ews_url == f"{own.url}/EWS/Exchange.asmx"
    assert found.version is not None
    found.raise_errors()
    assert nobody.error_code == "InvalidUser"


def test_json_over_tls_carries_the_routing_of_the_backend(cloud: Doorway) -> None:
    asked = f"{cloud.url}/autodiscover/autodiscover.json?Email={door.ALICE}&Protocol=Nonsense"
    reply = requests.get(asked, verify=str(cloud.ca_file), timeout=10)
    assert reply.status_code == 400
    assert reply.headers["X-CalculatedBETarget"]
    assert reply.json()["ErrorCode"] == "ProtocolNotSupported"


def test_pox_over_tls_wants_to_know_who_asks(cloud: Doorway) -> None:
    body = OUTLOOK.format(who=door.ALICE)
    refused = requests.post(f"{cloud.url}{POX}", data=body, verify=str(cloud.ca_file), timeout=10)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer client_id=")
    bearer = f"Bearer {cloud.premises.doorkeeper.issue(APP, EXCHANGE)}"
    fields = {"Authorization": bearer, "Content-Type": "text/xml"}
    let_in = requests.post(f"{cloud.url}{POX}", data=body, headers=fields, verify=str(cloud.ca_file), timeout=10)
    assert let_in.status_code == 200
    assert f"<EwsUrl>{cloud.url}/EWS/Exchange.asmx</EwsUrl>" in let_in.text


# -- who may ask for what ------------------------------------------------------------------------------------------


async def test_a_user_is_told_of_nobody_but_himself() -> None:
    """A stranger's mailbox is as unknown as one that does not exist; an application is told of those shared with it."""
    here = premises()
    service = Autodiscover(here)

    async def code(who: str, bearer: str) -> bool:
        body = OUTLOOK.format(who=who).encode()
        reply = await service.answer(
            ask(POX, site="ams1", method="POST", body=body, headers={"Authorization": bearer}), None
        )
        assert isinstance(reply.body, bytes)
        return b"<ErrorCode>500</ErrorCode>" in reply.body

    assert await code(BOB, token(here, ALICE))
    assert await code("no-one@contoso.example", token(here))
    assert not await code(ALICE, token(here, ALICE))
    assert not await code(BOB, token(here))


async def test_a_password_works_at_a_server_of_ones_own_only() -> None:
    body = OUTLOOK.format(who=HOME)
    assert (await posted(body, site="hq", Authorization=basic(HOME))).status == 200
    assert (await posted(body, site="hq", Authorization=basic(HOME, "wrong"))).status == 401
    assert (await posted(body, site="ams1", Authorization=basic(HOME))).status == 401


async def test_an_invalid_token_is_refused_with_the_reason() -> None:
    reply = await posted(OUTLOOK, Authorization="Bearer nonsense")
    assert reply.status == 401
    assert dict(reply.headers)["x-ms-diagnostics"].startswith("2000001;")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("not XML", 600),
        ("", 600),
        (OUTLOOK.replace("{who}", ""), 600),
        (OUTLOOK.replace("responseschema/2006a", "responseschema/1999"), 601),
        (OUTLOOK.replace("{who}", "no-one@contoso.example"), 500),
    ],
)
async def test_what_is_wrong_with_a_pox_request_is_said_in_a_200(body: str, code: int) -> None:
    reply = await posted(body, site="hq", Authorization=basic(HOME))
    assert reply.status == 200
    assert f"<ErrorCode>{code}</ErrorCode>".encode() in bytes(reply.body)  # type: ignore[arg-type]  # no stream


async def test_a_mailbox_can_be_named_by_its_dn() -> None:
    dn = premises().tenant.mailboxes[HOME].legacy_dn
    body = OUTLOOK.replace("EMailAddress", "LegacyDN").format(who=dn.upper())
    assert b"EwsUrl" in bytes((await posted(body, site="hq", Authorization=basic(HOME))).body)  # type: ignore[arg-type]  # no stream


@pytest.mark.parametrize(("body", "reason"), [("<", b"not valid XML"), (REQUEST.replace("GetUser", "X"), b"supported")])
async def test_soap_that_is_not_understood_is_a_fault(body: str, reason: bytes) -> None:
    reply = await posted(body, path=SOAP, site="hq", Authorization=basic(HOME))
    assert reply.status == 500
    assert reason in bytes(reply.body)  # type: ignore[arg-type]  # no stream


# -- what the front door is told -----------------------------------------------------------------------------------


def test_errands_name_the_step_and_the_mailbox() -> None:
    service = Autodiscover(premises())
    asked = service.errand(ask(f"/autodiscover/autodiscover.json/v1.0/{BOB}?Protocol=ActiveSync"))
    assert (asked.steps, asked.mailbox) == (frozenset({"discover_eas"}), BOB)
    assert service.errand(ask("/autodiscover/autodiscover.json?Email=a@b&Protocol=X")) == Errand(mailbox="a@b")
    for body in (OUTLOOK.format(who=ALICE), PHONE.format(who=ALICE), REQUEST):
        posted_one = service.errand(ask(POX, method="POST", body=body.encode()))
        assert (posted_one.steps, posted_one.mailbox) == (frozenset({"autodiscover_pox"}), ALICE)
    bare = ask(POX, method="POST", headers={"X-AnchorMailbox": BOB, "Authorization": token(premises())})
    assert service.errand(bare).mailbox == BOB
    assert service.errand(ask("/autodiscover/other")) == Errand()


async def test_other_paths_are_nowhere() -> None:
    assert (await Autodiscover(premises()).answer(ask("/autodiscover/other"), None)).status == 404


def test_a_token_says_when_it_runs_out() -> None:
    here = premises()
    headers = {"Authorization": token(here, ALICE)}
    assert Autodiscover(here).errand(ask(POX, method="POST", headers=headers)).token_expires > here.tenant.clocks.wall()


def test_each_dialect_slows_down_in_its_own_way() -> None:
    service = Autodiscover(premises())
    assert service.throttled(ask("/autodiscover/autodiscover.json"), 0, 12.2).status == 429
    reply = service.throttled(ask(POX), 0, 12.2)
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (503, "13")
    assert service.throttled(ask(POX), 429, 1).status == 429
