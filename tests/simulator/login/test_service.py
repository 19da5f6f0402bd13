"""The token service, held against msal as it is, and against the raw answers that other clients read."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from prober.simulator.http.message import Request
from prober.simulator.login.grants import DEVICE_GRANT
from prober.simulator.login.service import Login
from prober.simulator.tenant import Application, Site, Tenant, User
from prober.simulator.wire import Attempt, Connection
from tests.simulator.doorway import ALICE, PASSWORD, Doorway, doorway

SCOPE = "https://outlook.office365.com/.default"
DELEGATED = "https://outlook.office.com/IMAP.AccessAsUser.All"
KEY = rsa.generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "probe")])
CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(NAME)
    .issuer_name(NAME)
    .public_key(KEY.public_key())
    .serial_number(1)
    .not_valid_before(datetime.now(UTC) - timedelta(days=1))
    .not_valid_after(datetime.now(UTC) + timedelta(days=1))
    .sign(KEY, hashes.SHA256())
)
SECRET = Application("11111111-1111-1111-1111-111111111111", "Probe", "imap4", "app-secret")
SIGNED = Application(
    "22222222-2222-2222-2222-222222222222", "Signed", certificate=CERTIFICATE.public_bytes(Encoding.PEM).decode()
)
PUBLIC = Application("33333333-3333-3333-3333-333333333333", "Phone", "activesync")


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    tenant = Tenant(
        "contoso.example",
        [Site("ams1", "eu", "AMS")],
        users=[User(ALICE, PASSWORD), User("bob@contoso.example", "secret-b")],
        applications=[SECRET, SIGNED, PUBLIC],
    )
    with doorway(tmp_path_factory.mktemp("login"), Login, tenant) as opened:
        yield opened


@pytest.fixture
def http(way: Doorway) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(way.ca_file)
        yield session


def authority(way: Doorway) -> str:
    return f"{way.url}/contoso.example"


def confidential(way: Doorway, http: requests.Session, application: Application, credential: Any) -> Any:
    return msal.ConfidentialClientApplication(
        application.client_id,
        client_credential=credential,
        authority=authority(way),
        instance_discovery=False,
        http_client=http,
    )


def public(way: Doorway, http: requests.Session) -> Any:
    return msal.PublicClientApplication(
        PUBLIC.client_id, authority=authority(way), instance_discovery=False, http_client=http
    )


def asked(way: Doorway, http: requests.Session, **form: str) -> tuple[int, dict[str, Any]]:
    answer = http.post(f"{authority(way)}/oauth2/v2.0/token", data=form, timeout=10)
    return answer.status_code, answer.json()


# -- msal ----------------------------------------------------------------------------------------------------------


def test_msal_gets_a_token_for_a_secret(way: Doorway, http: requests.Session) -> None:
    """Checked by the tenant itself: the right audience, an hour."""
    app = confidential(way, http, SECRET, "app-secret")
    got = app.acquire_token_for_client([SCOPE])
    assert (got["token_type"], got["expires_in"]) == ("Bearer", 3599)
    admitted = way.premises.doorkeeper.check(got["access_token"], frozenset({"https://outlook.office365.com"}))
    assert getattr(admitted, "client_id", None) == SECRET.client_id
    assert app.acquire_token_for_client([SCOPE])["token_source"] == "cache"


def test_msal_gets_a_token_for_a_certificate(way: Doorway, http: requests.Session) -> None:
    """Its assertion names the certificate by thumbprint; one signed by another key is refused."""
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    known = {"private_key": pem, "public_certificate": SIGNED.certificate}
    assert "access_token" in confidential(way, http, SIGNED, known).acquire_token_for_client([SCOPE])
    other = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    forged = {"private_key": other.decode(), "public_certificate": SIGNED.certificate}
    assert confidential(way, http, SIGNED, forged).acquire_token_for_client([SCOPE])["error_codes"] == [700027]


def test_msal_gets_through_the_device_flow(way: Doorway, http: requests.Session) -> None:
    """Somebody approves it while the device waits."""
    app = public(way, http)
    flow = app.initiate_device_flow([DELEGATED])
    assert flow["interval"] == 5
    form = {"grant_type": DEVICE_GRANT, "client_id": PUBLIC.client_id, "device_code": flow["device_code"]}
    answers = [asked(way, http, **form)[1]["error"] for _ in range(2)]
    assert answers == ["authorization_pending", "slow_down"]
    approved = http.post(
        f"{way.url}/common/deviceauth",
        data={"user_code": flow["user_code"], "login": ALICE, "passwd": PASSWORD},
        timeout=10,
    )
    assert approved.json() == {"approved": True}
    got = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert got["refresh_token"]
    assert DELEGATED in got["scope"]


def test_msal_refreshes_and_gets_a_new_refresh_token_each_time(way: Doorway, http: requests.Session) -> None:
    """The old one lives on, as it does in life."""
    login = way.service
    assert isinstance(login, Login)
    first = way.on_loop(lambda: login.grants.refresh_token(PUBLIC, ALICE))
    app = public(way, http)
    got = app.acquire_token_by_refresh_token(first, [DELEGATED])
    assert got["refresh_token"] != first
    assert "access_token" in app.acquire_token_by_refresh_token(first, [DELEGATED])


def test_name_and_password_are_a_grant(way: Doorway, http: requests.Session) -> None:
    """Raw, for msal looks the realm up at port 443 whatever the authority's. A wrong password is no unknown name."""
    form = {"grant_type": "password", "client_id": PUBLIC.client_id, "scope": DELEGATED}
    assert asked(way, http, **form, username=ALICE, password=PASSWORD)[0] == 200
    assert asked(way, http, **form, username=ALICE, password="no")[1]["error_codes"] == [50126]
    assert asked(way, http, **form, username="x@contoso.example", password="no")[1]["error_codes"] == [50034]


def test_msal_gets_through_the_authorisation_code_flow(way: Doorway, http: requests.Session) -> None:
    """With PKCE: the page is filled in here as a browser would, and its answer handed back."""
    app = public(way, http)
    flow = app.initiate_auth_code_flow([DELEGATED], redirect_uri="http://localhost:1", response_mode="form_post")
    page = http.get(flow["auth_uri"], timeout=10).text
    assert '"pgid": "ConvergedSignIn"' in page
    signed = http.post(f"{authority(way)}/login", {**filled(page), "login": ALICE, "passwd": PASSWORD}, timeout=10)
    back = filled(signed.text)
    got = app.acquire_token_by_auth_code_flow(flow, back)
    assert got["id_token_claims"]["upn"] == ALICE


def filled(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = re.findall(r'<input type=hidden name="([^"]+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


# -- what other clients read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["contoso.example", "common", "organizations"])
def test_the_metadata_lead_to_keys_and_endpoints(way: Doorway, http: requests.Session, tenant: str) -> None:
    """OpenID Connect Discovery, sections 3 and 4."""
    told = http.get(f"{way.url}/{tenant}/v2.0/.well-known/openid-configuration", timeout=10).json()
    assert {"token_endpoint", "authorization_endpoint", "jwks_uri", "issuer"} <= set(told)
    keys = http.get(told["jwks_uri"], timeout=10).json()["keys"]
    assert keys[0]["kty"] == "RSA"
    assert "d" not in keys[0]


def test_an_unknown_tenant_is_an_error(way: Doorway, http: requests.Session) -> None:
    """With its code, its ids, and a time."""
    answer = http.get(f"{way.url}/nobody.example/v2.0/.well-known/openid-configuration", timeout=10)
    told = answer.json()
    assert (answer.status_code, told["error_codes"]) == (400, [90002])
    assert re.match(
        r"AADSTS90002: .+ Trace ID: \S+ Correlation ID: \S+ Timestamp: \S+ \S+Z$", told["error_description"]
    )


def test_a_realm_is_managed_or_unknown(way: Doorway, http: requests.Session) -> None:
    """By the address's domain."""
    kinds = [
        http.get(f"{way.url}/common/userrealm/{address}?api-version=2.0", timeout=10).json()["NameSpaceType"]
        for address in (ALICE, "x@fabrikam.example")
    ]
    assert kinds == ["Managed", "Unknown"]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, 90014),
        ({"grant_type": "implicit"}, 400, 70003),
        ({"grant_type": "client_credentials"}, 400, 90014),
        ({"grant_type": "client_credentials", "client_id": "nobody"}, 400, 700016),
        ({"grant_type": "client_credentials", "client_id": SECRET.client_id, "scope": SCOPE}, 401, 7000218),
        (
            {"grant_type": "client_credentials", "client_id": SECRET.client_id, "client_secret": "x", "scope": SCOPE},
            401,
            7000215,
        ),
        (
            {"grant_type": "client_credentials", "client_id": PUBLIC.client_id, "client_secret": "x", "scope": SCOPE},
            401,
            700025,
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_id": SECRET.client_id,
                "client_secret": "app-secret",
                "scope": "https://elsewhere.test/.default",
            },
            400,
            500011,
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_id": SECRET.client_id,
                "client_secret": "app-secret",
                "scope": DELEGATED,
            },
            400,
            70011,
        ),
        ({"grant_type": "refresh_token", "client_id": PUBLIC.client_id, "refresh_token": "x"}, 400, 70043),
        ({"grant_type": "authorization_code", "client_id": PUBLIC.client_id, "code": "x"}, 400, 70008),
        (
            {
                "grant_type": DEVICE_GRANT,
                "client_id": PUBLIC.client_id,
                "device_code": "x",
            },
            400,
            70018,
        ),
    ],
)
def test_what_is_not_granted_is_refused_by_its_code(
    way: Doorway, http: requests.Session, form: dict[str, str], status: int, code: int
) -> None:
    """As the table of the directory's error codes has it."""
    seen, told = asked(way, http, **form)
    assert (seen, told["error_codes"]) == (status, [code])


def test_too_many_wrong_passwords_lock_the_account(way: Doorway, http: requests.Session) -> None:
    """Also for the right one."""
    form = {
        "grant_type": "password",
        "client_id": PUBLIC.client_id,
        "username": "bob@contoso.example",
        "scope": DELEGATED,
    }
    codes = [asked(way, http, **form, password="wrong")[1]["error_codes"] for _ in range(11)]
    assert codes == [[50126]] * 10 + [[50053]]
    assert asked(way, http, **form, password="secret-b")[1]["error_codes"] == [50053]


def test_refresh_tokens_can_be_made_to_work_once(way: Doorway, http: requests.Session) -> None:
    """Where a tenant is set up strictly; and all of a user's die with a changed password."""
    login = way.service
    assert isinstance(login, Login)
    grants = login.grants
    token = way.on_loop(lambda: grants.refresh_token(PUBLIC, ALICE, DELEGATED))
    form = {"grant_type": "refresh_token", "client_id": PUBLIC.client_id, "refresh_token": token}
    grants.strict_rotation = True
    try:
        assert asked(way, http, **form)[0] == 200
        assert asked(way, http, **form)[1]["error_codes"] == [70043]
    finally:
        grants.strict_rotation = False
    another = way.on_loop(lambda: grants.refresh_token(PUBLIC, ALICE, DELEGATED))
    way.on_loop(lambda: grants.revoke(ALICE))
    assert asked(way, http, **{**form, "refresh_token": another})[1]["error_codes"] == [70043]


def test_the_sign_in_page_needs_a_tenant_there_is(way: Doorway, http: requests.Session) -> None:
    """And says by its code when there is none."""
    page = http.get(f"{way.url}/nobody.example/oauth2/v2.0/authorize?client_id=x", timeout=10).text
    assert "AADSTS90002" in page
    assert "$Config" not in page


def test_nothing_else_is_there(way: Doorway, http: requests.Session) -> None:
    """Neither a page nor a crash."""
    assert http.get(f"{way.url}/contoso.example/whatever", timeout=10).status_code == 404


# -- budgets -------------------------------------------------------------------------------------------------------


def test_only_requests_that_ask_for_the_same_count_as_a_loop(way: Doorway) -> None:
    """The same application, grant and scope; pages and keys are nobody's loop."""

    def asker(path: str, **form: str) -> str:
        connection = Connection(1, way.premises.hosts[0], "127.0.0.1", 0.0, Attempt("x", 1))
        body = urlencode(form).encode()
        return way.service.errand(Request("POST", path, (), body, connection, "", path)).asker

    token = "/contoso.example/oauth2/v2.0/token"
    same = {asker(token, client_id="a", grant_type="refresh_token", scope="s", refresh_token=one) for one in "xy"}
    assert len(same) == 1
    assert asker(token, client_id="a", grant_type="client_credentials", scope="s") not in same
    assert asker(token, client_id="a", grant_type="refresh_token", scope="t") not in same
    assert asker("/contoso.example/discovery/v2.0/keys", client_id="a") == ""


def test_a_loop_is_told_that_it_is_one(way: Doorway) -> None:
    """AADSTS50196, and when to come back."""
    connection = Connection(1, way.premises.hosts[0], "127.0.0.1", 0.0, Attempt("x", 1))
    path = "/contoso.example/oauth2/v2.0/token"
    reply = way.service.throttled(Request("POST", path, (), b"", connection, "", path), 0, 120)
    assert isinstance(reply.body, bytes)
    assert json.loads(reply.body)["error_codes"] == [50196]
    assert dict(reply.headers)["Retry-After"] == "120"
