"""What is granted on what grounds."""

import pytest

from prober.simulator.login.errors import Refused
from prober.simulator.login.grants import CODE_LIFE, DEVICE_LIFE, Grants, split_scope
from prober.simulator.tenant import Application, Clocks, Site, Tenant, User
from prober.simulator.tokens import Doorkeeper

PHONE = Application("phone", "Phone", "activesync")


class Scene:
    """Grants on a clock that is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        clocks = Clocks(lambda: self.now, lambda: self.now)
        tenant = Tenant(
            "x.test", [Site("s", "eu", "AMS")], users=[User("a@x.test", "pw")], applications=[PHONE], clocks=clocks
        )
        self.grants = Grants(tenant, Doorkeeper(tenant), frozenset)

    def refused(self, **form: str) -> int:
        with pytest.raises(Refused) as refused:
            self.grants.token({"client_id": "phone", **form})
        return refused.value.code


@pytest.mark.parametrize(
    ("scope", "resource", "names"),
    [
        ("https://graph.microsoft.com/.default", "https://graph.microsoft.com", [".default"]),
        (
            "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
            "https://outlook.office.com",
            ["IMAP.AccessAsUser.All", "offline_access"],
        ),
        ("Mail.Read", "https://graph.microsoft.com", ["Mail.Read"]),
    ],
)
def test_a_scope_names_a_resource(scope: str, resource: str, names: list[str]) -> None:
    """Graph's where it names none."""
    assert split_scope(scope) == (resource, names)


@pytest.mark.parametrize(("scope", "code"), [("", 90014), ("https://a.test/x https://b.test/y", 70011)])
def test_a_scope_is_for_one_resource(scope: str, code: int) -> None:
    """Neither none nor two."""
    with pytest.raises(Refused) as refused:
        split_scope(scope)
    assert refused.value.code == code


def test_a_code_works_once_and_not_for_long() -> None:
    """And only with the redirect and the verifier it was asked for with."""
    scene = Scene()
    query = {"client_id": "phone", "scope": "openid", "redirect_uri": "http://localhost:1", "code_challenge": "x"}
    form = {"grant_type": "authorization_code", "redirect_uri": "http://localhost:1", "code_verifier": "y"}
    assert scene.refused(**form, code=scene.grants.code(query, "a@x.test")) == 50148
    assert scene.refused(**{**form, "redirect_uri": "x"}, code=scene.grants.code(query, "a@x.test")) == 50011
    late = scene.grants.code(query, "a@x.test")
    scene.now += CODE_LIFE
    assert scene.refused(**form, code=late) == 70008
    plain = {**query, "code_challenge": ""}
    code = scene.grants.code(plain, "a@x.test")
    assert "access_token" in scene.grants.token({"client_id": "phone", **form, "code": code})
    assert scene.refused(**form, code=code) == 70008


def test_a_device_code_runs_out() -> None:
    """Nobody waits for ever."""
    scene = Scene()
    begun = scene.grants.begin_device({"client_id": "phone", "scope": "openid"})
    scene.now += DEVICE_LIFE
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun["device_code"]}
    assert scene.refused(**form) == 70020
    assert not scene.grants.approve("NOSUCH", "a@x.test")


def test_no_token_is_in_two_hands() -> None:
    """A refresh token of another application is worth nothing."""
    scene = Scene()
    token = scene.grants.refresh_token(Application("other", "Other"), "a@x.test", "openid")
    assert scene.refused(grant_type="refresh_token", refresh_token=token) == 70043
