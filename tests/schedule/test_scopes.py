"""Scopes: who belongs together, and whom a signal speaks of."""

from dataclasses import replace
from typing import Any

import pytest

from prober.clients import catalogue
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.identity.spec import CredentialSpec, CredentialType
from prober.model import Assignment, Target
from prober.schedule.scopes import Parties, ScopeKind, app_of, spoken_of
from prober.vocabulary import Depth, Environment

HOST = "https://outlook.test"
URLS = {
    "imap4": "imaps://outlook.test:993",
    "activesync": f"{HOST}/Microsoft-Server-ActiveSync",
    "autodiscover": f"{HOST}/autodiscover/autodiscover.json",
    "owa": f"{HOST}/owa/",
    "graph": "https://graph.test/v1.0",
    "ews": f"{HOST}/EWS/Exchange.asmx",
    "authority": "https://login.test/contoso.test",
}
CREDENTIALS = {
    one.name: one
    for one in (
        CredentialSpec("app", CredentialType.CLIENT_CREDENTIALS, tenant="contoso", client_id="1"),
        CredentialSpec("phone1", CredentialType.REFRESH_TOKEN, tenant="contoso", client_id="2"),
        CredentialSpec("phone2", CredentialType.REFRESH_TOKEN, tenant="contoso", client_id="2"),
        CredentialSpec("user", CredentialType.BASIC, username="probe@corp.test"),
    )
}


def one(client: str, mailbox: str = "a@contoso.test", credential: str | None = "app", **changes: Any) -> Assignment:
    target = Target(mailbox.partition("@")[0], Environment.EXCHANGE_ONLINE, mailbox, URLS)
    return replace(Assignment(client, target, Depth.MAILBOX, 60.0, 60.0, credential=credential), **changes)


def fault(code: str, **evidence: str) -> Fault:
    return Fault(Kind(code, Reason.THROTTLED), evidence)


def shared(met: Assignment, told: Fault, other: Assignment) -> bool:
    """Whether what `met` was told holds for `other`."""
    parties = Parties(catalogue(), CREDENTIALS)
    return bool({scope.key for scope in spoken_of(told, parties.of(met))} & parties.keys(other))


B = "b@contoso.test"


@pytest.mark.parametrize(
    ("told", "met", "others", "strangers"),
    [
        (
            fault("graph_throttled", error="ApplicationThrottled"),
            one("outlook_mobile"),
            [one("outlook_mac", B), one("owa"), one("m365_signin", B)],
            [one("imap4", B), one("activesync", B, "phone1"), one("outlook_mac_legacy")],
        ),
        (
            fault("ews_back_off", error="ErrorServerBusy"),
            one("outlook_mac_legacy"),
            [one("outlook_mac"), one("outlook_mac_legacy", credential="user")],
            [one("outlook_mac_legacy", B), one("imap4"), one("activesync", credential="phone1")],
        ),
        (
            fault("imap_throttled"),
            one("imap4"),
            [one("outlook_mobile"), one("imap4", credential="user")],
            [one("imap4", B), one("activesync", credential="phone1"), one("owa")],
        ),
        (
            fault("http_throttled", backoff="Global"),
            one("activesync", credential="phone1"),
            [one("activesync", B, "phone2"), one("outlook_mobile", B)],
            [one("imap4"), one("owa", B)],
        ),
        (
            fault("http_throttled", backoff="CommandFrequency"),
            one("activesync", credential="phone1"),
            [],
            [one("activesync", B, "phone2"), one("imap4"), one("outlook_mobile")],
        ),
        (
            fault("token_throttled"),
            one("activesync", credential="phone1"),
            [one("activesync", B, "phone2")],
            [one("imap4"), one("control", credential=None)],
        ),
        (
            fault("aadsts_50196"),
            one("activesync", credential="phone1"),
            [one("imap4", B, "phone1")],
            [one("activesync", B, "phone2"), one("imap4")],
        ),
        (
            fault("signin_throttled"),
            one("m365_signin"),
            [one("m365_signin", B, "phone1")],
            [one("imap4"), one("owa")],
        ),
        (
            fault("graph_throttled", throttle_scope="Tenant"),
            one("outlook_mobile"),
            [one("outlook_mac", B, "phone2")],
            [one("imap4"), one("activesync", credential="phone1"), one("owa", credential="user")],
        ),
        (
            fault("http_throttled"),
            one("imap4"),
            [one("outlook_mobile", B), one("outlook_mac_legacy", B)],
            [one("activesync", credential="phone1"), one("imap4", B, credential="user")],
        ),
    ],
    ids=lambda value: value.kind.code if isinstance(value, Fault) else "",
)
def test_a_signal_holds_for_all_it_speaks_of_and_for_nobody_else(
    told: Fault, met: Assignment, others: list[Assignment], strangers: list[Assignment]
) -> None:
    """Whoever met it, too."""
    assert shared(met, told, met)
    assert [other for other in others if not shared(met, told, other)] == []
    assert [stranger for stranger in strangers if shared(met, told, stranger)] == []


def test_a_signal_to_somebody_without_credential_speaks_of_the_host() -> None:
    """Of those who have none there, and of nobody who has."""
    met = one("owa", credential=None)
    other = replace(met, target=replace(met.target, name="c", mailbox=None))
    assert shared(met, fault("http_throttled"), other)
    assert not shared(met, fault("http_throttled"), one("owa", B))


def test_credentials_of_one_registration_are_one_application() -> None:
    """By tenant and client id; a credential without one is its own."""
    assert app_of(CREDENTIALS["phone1"]) == app_of(CREDENTIALS["phone2"]) != app_of(CREDENTIALS["app"])
    assert app_of(CREDENTIALS["user"]) == "credential user"


def test_a_push_channels_own_credential_belongs_to_the_party() -> None:
    """Its password counts among those that are shown."""
    parties = Parties(catalogue(), CREDENTIALS)
    party = parties.of(one("outlook_mobile", push_credential="user"))
    assert (party.credentials, party.passwords) == (("app", "user"), ("user",))


def test_keys_and_words_name_no_mailbox() -> None:
    """They go into the state file and on to the status page."""
    parties = Parties(catalogue(), CREDENTIALS)
    for scope in parties.of(one("outlook_mobile")).scopes():
        assert "contoso" not in scope.key + scope.words
        assert scope.key.startswith(scope.kind.value)


def test_words_say_who_is_meant() -> None:
    """In the words of an operator."""
    parties = Parties(catalogue(), CREDENTIALS)
    said = {scope.words for scope in spoken_of(fault("graph_throttled"), parties.of(one("owa")))}
    assert said == {"everything of this application by graph", "this mailbox by graph"}
    assert {scope.kind for scope in parties.of(one("owa")).scopes()} == set(ScopeKind)
