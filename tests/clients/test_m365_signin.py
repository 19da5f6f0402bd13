"""Signing in to Microsoft 365, against answers written out by hand and against the simulated tenant."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prober.clients.m365_signin import CLIENT, SigninOptions
from prober.exchange import Auth
from prober.faults.taxonomy import DNS_TIMEOUT, PEER_RESET, TCP_REFUSED, FaultError, Reason
from prober.model import Outcome
from prober.protocols.oauth.token import TOKEN_SERVICE_BROKEN
from prober.simulator.layout import default_layout
from prober.transaction import perform
from prober.vocabulary import Depth
from tests.clients.tenant_made import tenancy
from tests.clients.web_made import (
    AUTHORIZE,
    LOGIN,
    NOW,
    SIGNIN,
    Answers,
    Person,
    Web,
    document,
    facts,
    jwt,
    landed,
    names,
    page,
    sent,
    transaction,
)

METADATA = f"{LOGIN}/common/v2.0/.well-known/openid-configuration"
KEYS = f"{LOGIN}/common/discovery/v2.0/keys"
REALM = f"{LOGIN}/common/userrealm/probe%40contoso.example"
ADFS = "https://fs.contoso.example/adfs/.well-known/openid-configuration"
ORGANIZATION = "https://graph.example.test/v1.0/organization"
OFFICE, M365, CHAT, COPILOT = (f"https://{name}.example.test/" for name in ("office", "m365", "chat", "copilot"))
ENDPOINTS = {
    "authority": f"{LOGIN}/common",
    "graph": "https://graph.example.test/v1.0",
    "office": OFFICE,
    "m365": M365,
    "m365_chat": CHAT,
    "copilot": COPILOT,
}
PROVIDER = {
    "issuer": f"{LOGIN}/{{tenantid}}/v2.0",
    "authorization_endpoint": AUTHORIZE,
    "token_endpoint": f"{LOGIN}/common/oauth2/v2.0/token",
    "jwks_uri": KEYS,
}
FEDERATED = {"NameSpaceType": "Federated", "AuthURL": "https://fs.contoso.example/adfs/ls/?x=y"}
WELL: Answers = {
    METADATA: document(PROVIDER),
    KEYS: document({"keys": [{"kty": "RSA", "use": "sig", "n": "AQAB", "e": "AQAB"}]}),
    REALM: document(FEDERATED),
    AUTHORIZE: page(SIGNIN),
    ADFS: document(PROVIDER),
    ORGANIZATION: document({"value": [{"id": "1"}]}),
    OFFICE: page(),
    M365: sent(f"{AUTHORIZE}?client_id=1"),
    CHAT: page(),
    COPILOT: page(),
}
REACH = ["openid_metadata", "signing_keys", "signin_page", "office_home", "m365_home", "copilot_home"]
TOKENS = ["token_client", "token_use"]
ALL = ["openid_metadata", "signing_keys", "user_realm", "signin_page", "federation_metadata", *TOKENS, *REACH[3:]]
GOOD = jwt(exp=int(NOW) + 3599)


async def outcome_of(changed: Answers | None = None, token: str | FaultError = GOOD, **more: Any) -> Outcome:
    web = Web({**WELL, **(changed or {})})
    depth = more.pop("depth", Depth.TOKEN)
    person = None if depth is Depth.REACH else more.pop("person", None) or Person(token)
    endpoints = more.pop("endpoints", ENDPOINTS)
    return await perform(CLIENT, transaction(CLIENT, web, endpoints, depth=depth, person=person, **more))


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_its_steps_in_order() -> None:
    """It ends at tokens: there is no mailbox in it."""
    assert [step.name for step in CLIENT.steps] == [*ALL[:6], "token_user", *ALL[6:]]
    assert [step.name for step in CLIENT.steps if step.opt_in] == ["user_realm", "token_user"]
    assert (CLIENT.deepest, CLIENT.endpoints[0], CLIENT.interval) == (Depth.TOKEN, "authority", 60.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": " "},
        {"redirect_uri": " "},
        {"federation_host": "https://fs.corp.test"},
        {"federation_host": "fs.corp.test/adfs"},
        {"federation_host": "a b"},
        {"least_token_life": -1.0},
        {"least_token_life": 86_401.0},
    ],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    """At load, with a sentence."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SigninOptions(**wrong)
    SigninOptions(federation_host="fs.corp.test:8443", least_token_life=0.0)


# -- all is well ---------------------------------------------------------------------------------------------------


async def test_each_depth_has_its_steps() -> None:
    """Portals belong to reach, and come last at either."""
    outcome = await outcome_of(depth=Depth.REACH)
    assert (names(outcome), outcome.fault) == (REACH, None)
    outcome = await outcome_of()
    assert (names(outcome), outcome.fault) == ([*REACH[:3], *TOKENS, *REACH[3:]], None)
    outcome = await outcome_of(steps=frozenset({"user_realm"}))
    assert (names(outcome), outcome.fault) == (ALL, None)
    assert (facts(outcome, "m365_home")["ended"], facts(outcome, "office_home")["ended"]) == ("sign-in", "page")
    assert facts(outcome, "token_client") == {"form": "jwt", "life": 3599}


async def test_the_sign_in_page_is_asked_for_where_the_metadata_says() -> None:
    """With the application that is configured; nobody is told who we are before the token's use."""
    web = Web(WELL)
    chosen = SigninOptions(client_id="c-1", redirect_uri="https://own.test/")
    tx = transaction(CLIENT, web, ENDPOINTS, depth=Depth.TOKEN, person=Person(GOOD), options=chosen)
    assert (await perform(CLIENT, tx)).fault is None
    asked = next(call.url for call in web.calls if call.url.startswith(AUTHORIZE))
    assert "client_id=c-1" in asked
    assert "redirect_uri=https%3A%2F%2Fown.test%2F" in asked
    assert [call.url for call in web.calls if call.auth is not Auth.NONE] == [f"{ORGANIZATION}?$select=id"]


async def test_portals_that_are_not_configured_are_left_out() -> None:
    """Each by itself; the two of the assistant together."""
    for gone, skipped in (("office", "office_home"), ("m365", "m365_home"), ("graph", "token_use")):
        outcome = await outcome_of(endpoints={name: url for name, url in ENDPOINTS.items() if name != gone})
        assert (outcome.fault, skipped in outcome.skipped) == (None, True)
    for left in ({"m365_chat": CHAT}, {"copilot": COPILOT}):
        outcome = await outcome_of(endpoints={"authority": ENDPOINTS["authority"], **left}, depth=Depth.REACH)
        assert names(outcome)[-1] == "copilot_home"
    outcome = await outcome_of(endpoints={"authority": ENDPOINTS["authority"]}, depth=Depth.REACH)
    assert outcome.skipped[-3:] == ("office_home", "m365_home", "copilot_home")


# -- each step breaks in turn --------------------------------------------------------------------------------------

BROKEN: list[tuple[str, Answers, str, Reason]] = [
    ("openid_metadata", {METADATA: page("", 503)}, "openid_metadata_broken", Reason.TOKEN_SERVICE_ERROR),
    ("signing_keys", {KEYS: document({"keys": []})}, "signing_keys_broken", Reason.TOKEN_SERVICE_ERROR),
    ("user_realm", {REALM: page("<html>", 200)}, "user_realm_broken", Reason.TOKEN_SERVICE_ERROR),
    ("signin_page", {AUTHORIZE: page("<html>")}, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
    ("federation_metadata", {ADFS: page("", 500)}, "federation_metadata_broken", Reason.TOKEN_SERVICE_ERROR),
    ("token_client", {}, "token_service_broken", Reason.TOKEN_SERVICE_ERROR),
    ("token_use", {ORGANIZATION: page("", 401)}, "http_401", Reason.AUTH_REJECTED),
    ("office_home", {OFFICE: page("", 429, Retry_After="9")}, "portal_busy", Reason.SERVER_BUSY),
    ("m365_home", {M365: page("<p>Something went wrong</p>")}, "error_page_text", Reason.SERVER_ERROR),
    ("copilot_home", {CHAT: page("", 403)}, "portal_challenged", Reason.UNEXPECTED_CHALLENGE),
]


@pytest.mark.parametrize(("step", "changed", "code", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_each_step_can_break_and_the_rest_is_skipped(
    step: str, changed: Answers, code: str, reason: Reason
) -> None:
    """That step, that reason, and nothing after it."""
    token = FaultError(TOKEN_SERVICE_BROKEN) if step == "token_client" else GOOD
    outcome = await outcome_of(changed, token, steps=frozenset({"user_realm"}))
    assert landed(outcome) == (step, code, reason)
    assert (names(outcome), list(outcome.skipped)) == (ALL[: ALL.index(step) + 1], ALL[ALL.index(step) + 1 :])


@pytest.mark.parametrize("kind", [DNS_TIMEOUT, TCP_REFUSED, PEER_RESET], ids=lambda kind: kind.code)
async def test_what_fails_below_http_keeps_its_name(kind: Any) -> None:
    """At the documents, at the federation server, at the portals."""
    for url, step in ((METADATA, "openid_metadata"), (ADFS, "federation_metadata"), (COPILOT, "copilot_home")):
        outcome = await outcome_of({url: FaultError(kind)}, steps=frozenset({"user_realm"}))
        assert landed(outcome) == (step, kind.code, kind.reason)


async def test_whose_server_it_was_is_told() -> None:
    """The customer's own federation server, and which of two pages."""
    outcome = await outcome_of({ADFS: page("", 500)}, steps=frozenset({"user_realm"}))
    assert outcome.fault is not None
    assert outcome.fault.evidence["where"] == "customer"
    for url, name in ((CHAT, "m365_chat"), (COPILOT, "copilot")):
        outcome = await outcome_of({url: page("", 500)})
        assert landed(outcome) == ("copilot_home", "http_500", Reason.SERVER_ERROR)
        assert outcome.fault is not None
        assert outcome.fault.evidence["page"] == name


# -- realms --------------------------------------------------------------------------------------------------------


async def realm(namespace: str, wanted: Any = "any", memory: dict[str, str] | None = None) -> Outcome:
    said: Mapping[str, str] = FEDERATED | {"NameSpaceType": namespace}
    chosen = SigninOptions(namespace=wanted)
    more: dict[str, Any] = {"steps": frozenset({"user_realm"}), "depth": Depth.REACH}
    return await outcome_of({REALM: document(said)}, options=chosen, memory=memory, **more)


async def test_a_domain_that_is_known_no_more_is_the_token_services_error() -> None:
    """One that was configured, or known before; one that never was is a matter of set-up."""
    lost = await realm("Unknown", "Managed")
    assert landed(lost)[1:] == ("user_realm_lost", Reason.TOKEN_SERVICE_ERROR)
    assert lost.fault is not None
    assert dict(lost.fault.evidence) == {"expected": "Managed"}
    memory: dict[str, str] = {}
    assert landed(await realm("Unknown", memory=memory))[1:] == ("user_realm_unknown", Reason.CLIENT_MISCONFIG)
    assert (await realm("Managed", memory=memory)).fault is None
    assert landed(await realm("Unknown", memory=memory))[1:] == ("user_realm_lost", Reason.TOKEN_SERVICE_ERROR)


async def test_a_domain_of_another_kind_is_a_matter_of_set_up() -> None:
    """Where one was configured; otherwise either is well, and only a federated one has a server of its own."""
    assert landed(await realm("Managed", "Federated"))[1:] == ("user_realm_differs", Reason.CLIENT_MISCONFIG)
    managed = await realm("Managed")
    assert (managed.fault, "federation_metadata" in managed.skipped) == (None, True)
    assert "federation_metadata" in names(await realm("Federated", "Federated"))


async def test_without_a_mailbox_nobody_is_asked_about() -> None:
    """The federation server can be named all the same."""
    chosen = SigninOptions(federation_host="fs.contoso.example")
    outcome = await outcome_of(mailbox=None, options=chosen, steps=frozenset({"user_realm"}), depth=Depth.REACH)
    assert (outcome.fault, outcome.skipped) == (None, ("user_realm",))
    assert "federation_metadata" in names(outcome)


# -- tokens --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (jwt(exp=int(NOW) + 1799), "token_short_lived"),
        (jwt(exp=int(NOW) - 10), "token_short_lived"),
        (jwt(sub="1"), "token_undecodable"),
        ("eyJ.x.y", "token_undecodable"),
    ],
)
async def test_a_token_that_is_no_good_is_the_token_services_error(token: str, code: str) -> None:
    """It has to last half an hour, or as configured, and to be readable where it looks so."""
    outcome = await outcome_of(token=token)
    assert landed(outcome) == ("token_client", code, Reason.TOKEN_SERVICE_ERROR)
    assert token not in str(outcome)


async def test_a_short_life_can_be_allowed_and_an_opaque_token_has_none_to_tell() -> None:
    """The latter is noted."""
    assert (await outcome_of(token=jwt(exp=int(NOW) + 1800))).fault is None
    short = SigninOptions(least_token_life=60.0)
    assert (await outcome_of(token=jwt(exp=int(NOW) + 61), options=short)).fault is None
    opaque = await outcome_of(token="EwBwA8l6BAAU")
    assert (opaque.fault, facts(opaque, "token_client")) == (None, {"form": "opaque"})


async def test_tokens_are_never_from_the_cache() -> None:
    """Neither the application's nor a person's."""
    person = Person(GOOD)
    assert "token_client" in names(await outcome_of(person=person))
    assert person.fresh == [True]
    person = Person(GOOD, "refresh_token")
    outcome = await outcome_of(person=person, steps=frozenset({"token_user"}))
    assert (outcome.fault, person.fresh) == (None, [True])
    assert ("token_user" in names(outcome), "token_client" in names(outcome)) == (True, False)


async def test_a_refused_token_says_whether_it_was_fresh() -> None:
    """A person's token that was not asked for anew may have been revoked meanwhile."""
    outcome = await outcome_of({ORGANIZATION: page("", 401)})
    assert outcome.fault is not None
    assert outcome.fault.evidence["fresh_token"] == "true"
    outcome = await outcome_of({ORGANIZATION: page("", 401)}, person=Person(GOOD, "ropc"))
    assert outcome.fault is not None
    assert "fresh_token" not in outcome.fault.evidence
    forbidden = await outcome_of({ORGANIZATION: document({"error": {"code": "x"}}, 403)})
    assert (forbidden.fault, facts(forbidden, "token_use")["answer"]) == (None, "forbidden")


async def test_a_fault_of_the_token_service_keeps_its_number() -> None:
    """As the identity raises it."""
    refusal = FaultError(TOKEN_SERVICE_BROKEN, {"aadsts": "90033"})
    outcome = await outcome_of(token=refusal)
    assert outcome.fault is not None
    assert outcome.fault.evidence["aadsts"] == "90033"


# -- the simulated tenant ------------------------------------------------------------------------------------------


async def test_the_simulated_tenant_is_well_at_each_depth(tmp_path: Path) -> None:
    """Without a credential, and with one; with what is optional."""
    async with tenancy(tmp_path, default_layout(), "m365_signin") as tenant:
        outcome, judgement = await tenant.attempt(depth="reach", credential=None)
        assert (names(outcome), judgement.verdict.value) == (["openid_metadata", "signing_keys", "user_realm",
                                                             "signin_page", *REACH[3:]], "ok")  # fmt: skip
        outcome, judgement = await tenant.attempt()
        assert (names(outcome), judgement.verdict.value) == ([name for name in ALL if name != "federation_metadata"],
                                                             "ok")  # fmt: skip
        assert facts(outcome, "user_realm")["namespace"] == "Managed"
        assert facts(outcome, "token_client")["form"] == "jwt"


@pytest.mark.parametrize(
    ("fault", "step", "reason"),
    [
        ({"kind": "http", "step": "openid_metadata", "status": 500}, "openid_metadata", "token_service_error"),
        ({"kind": "html_page", "step": "signing_keys"}, "signing_keys", "token_service_error"),
        ({"kind": "reset", "step": "signin_page", "at": "headers"}, "signin_page", "connection_reset"),
        ({"kind": "token_error", "step": "token_client", "aadsts": 90033}, "token_client", "token_service_error"),
        ({"kind": "html_page", "step": "m365_home", "text": "Something went wrong"}, "m365_home", "server_error"),
        ({"kind": "http", "step": "office_home", "status": 503}, "office_home", "server_busy"),
        ({"kind": "throttle", "step": "copilot_home", "status": 429}, "copilot_home", "server_busy"),
        ({"kind": "redirect_loop", "step": "office_home"}, "office_home", "redirect_loop"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
async def test_a_fault_of_the_simulated_tenant_is_found(
    tmp_path: Path, fault: dict[str, Any], step: str, reason: str
) -> None:
    """At the step that it struck."""
    async with tenancy(tmp_path, default_layout(), "m365_signin") as tenant:
        outcome, _ = await tenant.attempt([fault])
        assert (landed(outcome)[0], landed(outcome)[2].value) == (step, reason)
