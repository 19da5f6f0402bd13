"""Who wants in, and what comes of it."""

import base64
import json

import pytest

from prober.simulator.imap import sasl
from prober.simulator.service import Premises
from prober.simulator.tenant import Application
from prober.simulator.tokens import EXCHANGE, GRAPH, Doorkeeper
from tests.simulator.doorway import ALICE, APP, PASSWORD, tenant_of_one


def premises(environment: str = "exchange_online") -> Premises:
    tenant = tenant_of_one(environment)
    return Premises(tenant, Doorkeeper(tenant), ())


def judged(
    place: Premises, user: str = ALICE, *, audience: str = EXCHANGE, account: str = "", app: Application = APP
) -> sasl.Verdict:
    token = place.doorkeeper.issue(app, audience, account)
    return sasl.judge(place, place.tenant.sites["ams1"], sasl.Presented(user, token=token))


def test_the_published_example_of_xoauth2_is_read() -> None:
    """The example in the vendor's description of the mechanism."""
    said = (
        b"dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNC"
        b"QUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ=="
    )
    found = sasl.read("XOAUTH2", said)
    assert found == sasl.Presented("test@contoso.onmicrosoft.com", token="EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA")


def test_the_example_of_rfc_4616_is_read() -> None:
    assert sasl.read("PLAIN", base64.b64encode(b"\0tim\0tanstaaftanstaaf")) == sasl.Presented(
        "tim", account="tim", password="tanstaaftanstaaf"
    )
    found = sasl.read("PLAIN", base64.b64encode(b"Ursel\0Kurt\0xipj3plmq"))
    assert found == sasl.Presented("Ursel", account="Kurt", password="xipj3plmq")


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "PLAIN"])
@pytest.mark.parametrize("said", [b"", b"=", b"!!", b"\xff", b"a", b"AAAA", b"/////w=="])
def test_what_is_neither_is_nothing(mechanism: str, said: bytes) -> None:
    assert sasl.read(mechanism, said) is None


@pytest.mark.parametrize(
    "plain", ["user=a\1auth=Bearer t\1", "user=a\1auth=Basic t\1\1", "auth=Bearer t\1\1", "user=a\1\1"]
)
def test_half_a_response_is_nothing(plain: str) -> None:
    assert sasl.read("XOAUTH2", base64.b64encode(plain.encode())) is None


def test_an_application_opens_the_mailboxes_shared_with_it() -> None:
    place = premises()
    found = judged(place)
    assert found.admitted
    assert found.mailbox is place.tenant.mailbox(ALICE)
    assert found.expires > place.tenant.clocks.wall()


def test_a_user_opens_the_own_mailbox() -> None:
    assert judged(premises(), account=ALICE).mailbox is not None


def test_a_good_token_for_somebody_elses_mailbox_gets_in_but_opens_nothing() -> None:
    place = premises()
    place.tenant.open_mailbox("bob@contoso.example", "ams1")
    for verdict in (judged(place, "bob@contoso.example"), judged(place, "bob@contoso.example", account=ALICE)):
        assert verdict.admitted
        assert verdict.mailbox is None
    assert judged(place, "nobody@contoso.example").mailbox is None


def test_a_token_for_something_else_does_not_get_in() -> None:
    assert not judged(premises(), audience=GRAPH).admitted
    other = Application("2", "No mail", mailboxes=frozenset({ALICE}), permissions=frozenset({"Mail.Read"}))
    assert not judged(premises(), app=other).admitted


def test_an_expired_token_does_not_get_in_and_says_when_it_ran_out() -> None:
    place = premises()
    place.doorkeeper.lifetime = -10
    found = judged(place)
    assert not found.admitted
    assert 0 < found.expires < place.tenant.clocks.wall()


@pytest.mark.parametrize(
    ("environment", "password", "admitted"),
    [("exchange_online", PASSWORD, False), ("exchange_server", PASSWORD, True), ("exchange_server", "wrong", False)],
)
def test_passwords_work_on_servers_of_ones_own_alone(environment: str, password: str, admitted: bool) -> None:
    place = premises(environment)
    presented = sasl.Presented(ALICE, account=ALICE, password=password)
    assert sasl.judge(place, place.tenant.sites["ams1"], presented).admitted is admitted


def test_an_empty_account_never_fits() -> None:
    place = premises("exchange_server")
    assert not sasl.judge(place, place.tenant.sites["ams1"], sasl.Presented("")).admitted
    assert not sasl.judge(place, None, sasl.Presented(ALICE, account=ALICE, password=PASSWORD)).admitted


def test_the_challenge_is_json_with_status_and_scheme() -> None:
    said = json.loads(base64.b64decode(sasl.challenge('2000007;reason="x"')))
    assert (said["status"], said["schemes"], said["diagnostics"]) == ("401", "bearer", '2000007;reason="x"')
    assert "diagnostics" not in json.loads(base64.b64decode(sasl.challenge()))
