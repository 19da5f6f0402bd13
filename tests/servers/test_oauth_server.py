"""The authorisation server is one, as seen by an HTTP client and a JOSE library that it was not written with."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from tests.servers.dovecot import ALICE, BOB, PASSWORDS
from tests.servers.oauth_server import IMAP_SCOPE, SECRET_EXPIRED, Application, OAuthServer
from tests.servers.pki import Pki

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Asker:
    """Posts forms to the token endpoint, trusting the test authority."""

    def __init__(self, server: OAuthServer, pki: Pki) -> None:
        self.server = server
        self._trusted = str(pki.ca_file)

    def __call__(self, auth: tuple[str, str] | None = None, /, **form: str) -> requests.Response:
        return requests.post(self.server.token_url, data=form, auth=auth, verify=self._trusted, timeout=10)

    def introspect(self, token: str) -> Any:
        url = self.server.introspection_url
        return requests.post(url, data={"token": token}, verify=self._trusted, timeout=10).json()

    def claims(self, answer: requests.Response) -> Any:
        """Verify the token in an answer by the published key and return what it says."""
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        audience, issuer = "https://outlook.office365.com/", self.server.issuer
        return jwt.decode(token, self.server.public_key, algorithms=["RS256"], audience=audience, issuer=issuer)


@pytest.fixture
def ask(oauth: OAuthServer, pki: Pki) -> Asker:
    return Asker(oauth, pki)


def assertion(key_file: Path, claims: Mapping[str, object]) -> str:
    """Sign as Microsoft asks for it."""
    times = {"iat": int(time.time()), "exp": int(time.time()) + 300}
    return jwt.encode({**times, **claims}, key_file.read_text(), algorithm="PS256")


def test_client_credentials_by_secret_in_form_or_header(ask: Asker) -> None:
    """The token is for the application's mailbox, with the granted scopes and the usual times."""
    scope = "https://outlook.office365.com/.default"
    posted = ask(grant_type="client_credentials", client_id="prober", client_secret="prober-secret", scope=scope)
    by_header = ask(("prober", "prober-secret"), grant_type="client_credentials", scope=scope)
    for answer in (posted, by_header):
        claims = ask.claims(answer)
        assert claims["email"] == ALICE
        assert IMAP_SCOPE in claims["scope"].split()
        assert claims["exp"] - claims["iat"] == answer.json()["expires_in"] == 3600
    assert jwt.get_unverified_header(posted.json()["access_token"]) == {"alg": "RS256", "typ": "JWT"}


def test_a_wrong_secret_and_an_unknown_scope_are_refused(ask: Asker) -> None:
    """With the errors of RFC 6749 section 5.2."""
    wrong = ask(("prober", "wrong"), grant_type="client_credentials")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    unknown = ask(("prober", "prober-secret"), grant_type="client_credentials", scope="Mail.Imaginary")
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_scope")


def test_client_credentials_by_certificate(ask: Asker, pki: Pki) -> None:
    """PS256 by the registered key, for this endpoint, once."""
    server = ask.server
    server.register(Application("by-certificate", BOB, certificate=pki.application))
    names = {"iss": "by-certificate", "sub": "by-certificate", "aud": server.token_url, "jti": "first"}
    form = {"grant_type": "client_credentials", "client_id": "by-certificate", "client_assertion_type": ASSERTION_TYPE}
    good = assertion(pki.application.key_file, names)
    assert ask.claims(ask(**form, client_assertion=good))["email"] == BOB
    assert ask(**form, client_assertion=good).json()["error"] == "invalid_client"
    elsewhere = assertion(pki.application.key_file, {**names, "aud": "https://elsewhere.test/", "jti": "second"})
    assert ask(**form, client_assertion=elsewhere).json()["error"] == "invalid_client"
    stranger = pki.issue("stranger").key_file
    forged = jwt.encode({**names, "exp": int(time.time()) + 300}, stranger.read_text(), algorithm="ES256")
    assert ask(**form, client_assertion=forged).json()["error"] == "invalid_client"


def test_client_credentials_by_a_federated_assertion(ask: Asker, pki: Pki) -> None:
    """Issuer and subject are another party's; the same assertion is good until it ends."""
    ask.server.register(Application("workload", BOB, federated=pki.application, federated_subject="system:prober"))
    form = {"grant_type": "client_credentials", "client_id": "workload", "client_assertion_type": ASSERTION_TYPE}
    names = {"iss": "https://cluster.test", "sub": "system:prober", "aud": "api://AzureADTokenExchange"}
    good = assertion(pki.application.key_file, names)
    for _ in range(2):
        assert ask.claims(ask(**form, client_assertion=good))["appid"] == "workload"
    wrongs: tuple[dict[str, object], ...] = ({"sub": "system:other"}, {"exp": 1_700_000_000})
    for wrong in wrongs:
        bad = assertion(pki.application.key_file, {**names, **wrong})
        assert ask(**form, client_assertion=bad).json()["error"] == "invalid_client"


def test_a_refresh_token_is_rotated_and_good_once(ask: Asker) -> None:
    """As after an interactive sign-in of a public client."""
    ask.server.register(Application("phone", ""))
    form = {"grant_type": "refresh_token", "client_id": "phone"}
    seed = ask.server.consent("phone", BOB)
    scope = f"https://outlook.office365.com/{IMAP_SCOPE} offline_access"
    first = ask(**form, refresh_token=seed, scope=scope)
    claims = ask.claims(first)
    assert (claims["email"], claims["scope"]) == (BOB, IMAP_SCOPE)
    rotated = first.json()["refresh_token"]
    assert rotated != seed
    assert ask(**form, refresh_token=seed).json()["error"] == "invalid_grant"
    assert ask.claims(ask(**form, refresh_token=rotated))["email"] == BOB


def test_a_password_is_exchanged_for_a_token(ask: Asker) -> None:
    """Of the user who has it; and only the right one."""
    ask.server.register(Application("phone", ""))
    form = {"grant_type": "password", "client_id": "phone", "username": BOB}
    assert ask.claims(ask(**form, password=PASSWORDS[BOB]))["email"] == BOB
    assert ask(**form, password="wrong").status_code == 400


def test_introspection_knows_its_own_tokens(ask: Asker) -> None:
    """And whose they are (RFC 7662)."""
    token = ask(("prober", "prober-secret"), grant_type="client_credentials").json()["access_token"]
    known = ask.introspect(token)
    assert (known["active"], known["username"]) == (True, ALICE)
    assert ask.introspect("unheard-of") == {"active": False}


def test_tokens_can_be_made_wrong(ask: Asker) -> None:
    """Expired, signed by a foreign key, or no tokens at all; afterwards all is well again."""
    foreign = type(ask.server.tokens.key).generate_key(2048)
    shapes: tuple[dict[str, object], ...] = (
        {"claims": {"exp": 1_700_000_000}},
        {"key": foreign},
        {"malformed": "not-a-token"},
    )
    for shape in shapes:
        published = ask.server.public_key
        with ask.server.issuing(**shape):
            answer = ask(("prober", "prober-secret"), grant_type="client_credentials")
        assert answer.status_code == 200
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(answer.json()["access_token"], published, algorithms=["RS256"], options={"verify_aud": False})
    ask.claims(ask(("prober", "prober-secret"), grant_type="client_credentials"))


def test_it_can_answer_whatever_it_is_told(ask: Asker) -> None:
    """Microsoft's refusal of an expired secret, or a web page; each request is remembered with its answer."""
    with ask.server.answering(401, SECRET_EXPIRED):
        refused = ask(("prober", "prober-secret"), grant_type="client_credentials")
    assert (refused.status_code, refused.json()["error_codes"]) == (401, [7000222])
    with ask.server.answering(500, "<html>Oops</html>"):
        broken = ask(("prober", "prober-secret"), grant_type="client_credentials")
    assert (broken.status_code, broken.headers["Content-Type"]) == (500, "text/html")
    assert [asked.status for asked in ask.server.requests[-2:]] == [401, 500]


def test_it_can_keep_clients_waiting(ask: Asker, pki: Pki) -> None:
    """Nothing comes while it hangs; then the usual answer does, for those who are still there."""
    answers: list[int] = []

    def patient() -> None:
        answers.append(ask(("prober", "prober-secret"), grant_type="client_credentials").status_code)

    waiting = threading.Thread(target=patient)
    with ask.server.hanging():
        waiting.start()
        with pytest.raises(requests.ReadTimeout):
            requests.post(ask.server.token_url, data={}, verify=str(pki.ca_file), timeout=0.3)
        assert answers == []
    waiting.join(10)
    assert answers == [200]


def test_it_can_be_away_and_come_back(ask: Asker) -> None:
    """On the same port."""
    with ask.server.down(), pytest.raises(requests.ConnectionError, match="refused"):
        ask(("prober", "prober-secret"), grant_type="client_credentials")
    assert ask(("prober", "prober-secret"), grant_type="client_credentials").status_code == 200
