"""Who is let in with what."""

import base64

import jwt
import pytest

from prober.simulator.tenant import SERVER, Application, Clocks, Site, Tenant, User
from prober.simulator.tokens import EXCHANGE_NAMES, GRAPH_NAMES, Admission, Doorkeeper, Refusal, challenge

APP = Application("app", "Probe", mailboxes=frozenset({"A@x.test"}))
AUDIENCE = "https://outlook.office365.com"
CLOUD, OWN = Site("s", "eu", "AMS"), Site("hq", "eu", "HQX", environment=SERVER)


class Scene:
    """A doorkeeper on a clock that is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        clocks = Clocks(lambda: self.now, lambda: self.now)
        self.tenant = Tenant("x.test", [CLOUD, OWN], users=[User("a@x.test", "pw")], applications=[APP], clocks=clocks)
        self.mailbox = self.tenant.open_mailbox("a@x.test", "s")
        self.door = Doorkeeper(self.tenant)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_token_can_be_read_by_any_library_with_the_published_key() -> None:
    """PyJWT, here."""
    scene = Scene()
    key = jwt.PyJWK(scene.door.keys["keys"][0])
    claims = jwt.decode(
        scene.door.issue(APP, AUDIENCE), key, ["RS256"], audience=AUDIENCE, options={"verify_exp": False}
    )
    assert (claims["sub"], claims["tid"]) == ("app", scene.tenant.id)
    assert "IMAP.AccessAsApp" in claims["roles"]


def test_a_token_is_good_for_its_audience_and_its_time() -> None:
    """Each refusal has the number that the diagnostics give it."""
    scene = Scene()
    token = scene.door.issue(APP, AUDIENCE)
    admitted = scene.door.check(token, EXCHANGE_NAMES)
    assert isinstance(admitted, Admission)
    assert (admitted.client_id, admitted.expires) == ("app", scene.now + 3599)
    for given, audiences, code in ((token, GRAPH_NAMES, 2000003), (token[:-8] + "AAAAAAAA", EXCHANGE_NAMES, 2000001)):
        refused = scene.door.check(given, audiences)
        assert isinstance(refused, Refusal)
        assert refused.code == code
    scene.now += 3599
    late = scene.door.check(token, EXCHANGE_NAMES)
    assert isinstance(late, Refusal)
    assert late.diagnostics.startswith('2000002;reason="')


def test_another_tenants_token_is_worth_nothing() -> None:
    """It is signed with another key."""
    assert isinstance(Scene().door.check(Scene().door.issue(APP, AUDIENCE), EXCHANGE_NAMES), Refusal)


@pytest.mark.parametrize(
    ("authorization", "site", "admitted"),
    [
        (basic("a@x.test:pw"), OWN, True),
        (basic("A@X.TEST:pw"), OWN, True),
        (basic("a@x.test:no"), OWN, False),
        (basic("a@x.test:pw"), CLOUD, False),
        (basic("a@x.test:pw"), None, False),
        ("Basic ???", OWN, False),
        ("Bearer", CLOUD, False),
        ("Bearer nonsense", CLOUD, False),
        ("", CLOUD, False),
    ],
)
def test_passwords_work_on_servers_of_ones_own_alone(authorization: str, site: Site | None, admitted: bool) -> None:
    """In the cloud Basic is gone."""
    answer = Scene().door.admit(authorization, EXCHANGE_NAMES, site)
    assert isinstance(answer, Admission) is admitted


def test_who_may_open_a_mailbox() -> None:
    """Its user, and an application it is shared with; in any case of letters."""
    scene = Scene()
    assert scene.door.may_open(Admission("A@x.test"), scene.mailbox)
    assert not scene.door.may_open(Admission("b@x.test"), scene.mailbox)
    assert scene.door.may_open(Admission("", "app"), scene.mailbox)
    assert not scene.door.may_open(Admission("", "other"), scene.mailbox)


@pytest.mark.parametrize(
    ("site", "bearer", "schemes"),
    [(CLOUD, False, ["Bearer"]), (OWN, False, ["Basic"]), (OWN, True, ["Bearer", "Basic"])],
)
def test_a_challenge_offers_what_the_site_takes(site: Site, bearer: bool, schemes: list[str]) -> None:
    """A server of one's own offers Bearer to those who name it."""
    scene = Scene()
    fields = challenge(scene.tenant, "login.x.test:443", site, bearer=bearer)
    assert [value.partition(" ")[0] for _, value in fields] == schemes
    if "Bearer" in schemes:
        assert 'authorization_uri="https://login.x.test:443/common/oauth2/authorize"' in fields[0][1]


def test_a_refused_token_is_told_why() -> None:
    """In a field of its own."""
    scene = Scene()
    fields = dict(challenge(scene.tenant, "l", CLOUD, bearer=True, fault=Refusal(2000001, "why", "invalid_token")))
    assert fields["x-ms-diagnostics"] == '2000001;reason="why";error_category="invalid_token"'
    assert 'error="invalid_token"' in fields["WWW-Authenticate"]
