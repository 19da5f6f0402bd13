"""Outlook on the web, against answers written out by hand and against the simulated tenant."""

from pathlib import Path
from typing import Any

import pytest

from prober.clients.owa import CLIENT, OwaOptions
from prober.faults.taxonomy import PEER_RESET, TCP_TIMEOUT, FaultError, Reason
from prober.model import Outcome
from prober.protocols.oauth.token import TOKEN_SERVICE_BROKEN
from prober.simulator.layout import corporate_layout, default_layout
from prober.transaction import perform
from prober.vocabulary import Depth, Environment, Fidelity
from tests.clients.tenant_made import tenancy
from tests.clients.web_made import (
    LOGIN,
    SIGNIN,
    Answers,
    Person,
    Web,
    document,
    facts,
    landed,
    names,
    page,
    sent,
    transaction,
)

HOST = "https://outlook.example.test"
OWA, MAIL, SERVICE = f"{HOST}/owa/", f"{HOST}/mail/", f"{HOST}/owa/service.svc"
AUTHORIZE = f"{LOGIN}/common/oauth2/authorize"
FORM = f"{HOST}/owa/auth/logon.aspx"
SCRIPT = "https://res.cdn.test/owamail/boot.js"
GRAPH = "https://graph.microsoft.com/v1.0"
BOX = f"{GRAPH}/users/probe@contoso.example"
FOLDERS, DELTA = f"{BOX}/mailFolders", f"{BOX}/mailFolders/inbox/messages/delta"
CALENDAR, MESSAGES = f"{BOX}/calendarView/delta", f"{BOX}/mailFolders/inbox/messages"
HEALTH, SETTINGS = f"{HOST}/owa/healthcheck.htm", f"{HOST}/ecp/healthcheck.htm"
NEWEST = {"value": [{"id": "1", "receivedDateTime": "2026-11-24T01:00:00Z"}]}
MOVED = f'<html><link rel="preload" as="script" href="{SCRIPT}"><h2>Object moved</h2>'
WELL: Answers = {
    HEALTH: page("200 OK<br/>EX01.corp.example"),
    SETTINGS: page("200 OK<br/>EX01.corp.example"),
    OWA: sent(f"{AUTHORIZE}?client_id=1", MOVED),
    MAIL: sent(f"{AUTHORIZE}?client_id=2"),
    AUTHORIZE: page(SIGNIN),
    SERVICE: page("", 401, WWW_Authenticate="Bearer"),
    SCRIPT: page('"use strict";'),
    FORM: page('<form name="logonForm">'),
    FOLDERS: document({"value": [{"id": "1"}]}),
    DELTA: document({"value": [], "@odata.deltaLink": f"{DELTA}?$deltatoken=1"}),
    CALENDAR: document({"value": [], "@odata.deltaLink": f"{CALENDAR}?$deltatoken=1"}),
    MESSAGES: document(NEWEST),
}
ENDPOINTS = {"owa": OWA, "mail": MAIL, "graph": GRAPH}
REACH = ["landing_redirect", "owa_service_unauth"]
ALL = [*REACH, "static_asset", "token_request", "calendar_and_mail_surrogate", "canary"]
EVERYTHING = frozenset({"health_page", "static_asset"})


async def outcome_of(changed: Answers | None = None, web: Web | None = None, **more: Any) -> Outcome:
    web = web or Web({**WELL, **(changed or {})})
    endpoints = more.pop("endpoints", ENDPOINTS)
    return await perform(CLIENT, transaction(CLIENT, web, endpoints, **more))


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_its_steps_in_order() -> None:
    """What it says of the mailbox is by another protocol than the browser's."""
    assert [step.name for step in CLIENT.steps] == ["health_page", *ALL]
    assert [step.name for step in CLIENT.steps if step.opt_in] == ["health_page", "static_asset"]
    assert (CLIENT.endpoints, CLIENT.interval, CLIENT.fidelity) == (("owa", "mail", "graph"), 120.0, Fidelity.SURROGATE)
    assert CLIENT.natural == {Environment.EXCHANGE_SERVER: Depth.REACH}
    with pytest.raises(ValueError, match="cold_every"):
        OwaOptions(cold_every=0)
    assert OwaOptions(cold_every=1).cold_every == 1


# -- all is well ---------------------------------------------------------------------------------------------------


async def test_each_depth_has_its_steps() -> None:
    """With all that is optional in the cloud."""
    outcome = await outcome_of()
    assert (names(outcome), outcome.fault) == (REACH, None)
    outcome = await outcome_of(depth=Depth.TOKEN)
    assert (names(outcome), outcome.fault) == ([*REACH, "token_request"], None)
    outcome = await outcome_of(depth=Depth.MAILBOX, steps=EVERYTHING, canary="k4d8fy2w")
    assert (names(outcome), outcome.fault) == (ALL, None)
    assert facts(outcome, "landing_redirect")["ended"] == "sign-in"
    assert facts(outcome, "owa_service_unauth")["refusal"] == "challenge"


async def test_a_second_look_at_the_mailbox_asks_only_for_what_is_new() -> None:
    """The links are remembered; now and then everything is followed anew."""
    memory: dict[str, str] = {}
    counts = []
    for _ in range(3):
        web = Web(WELL)
        outcome = await outcome_of(web=web, depth=Depth.MAILBOX, memory=memory, options=OwaOptions(cold_every=2))
        assert outcome.fault is None
        counts.append(web.asked.count(DELTA))
    assert counts == [2, 1, 2]


async def test_on_premises_the_way_ends_at_the_form() -> None:
    """And nothing goes to Graph, unless it is configured."""
    changed = {OWA: sent(f"{FORM}?url=x&reason=0"), SERVICE: page("", 440)}
    here: dict[str, Any] = {"environment": Environment.EXCHANGE_SERVER, "endpoints": {"owa": OWA}, "steps": EVERYTHING}
    outcome = await outcome_of(changed, depth=Depth.MAILBOX, person=Person(kind="basic"), canary="k4d8fy2w", **here)
    assert (names(outcome), outcome.fault) == (["health_page", *REACH], None)
    assert outcome.skipped == ("static_asset", "calendar_and_mail_surrogate", "canary")
    assert facts(outcome, "landing_redirect")["ended"] == "form"
    assert facts(outcome, "health_page")["server"] == "EX"


async def test_only_on_premises_a_server_may_sign_people_in_by_itself() -> None:
    """By the schemes of its network."""
    changed = {OWA: page("", 401, WWW_Authenticate="Negotiate")}
    outcome = await outcome_of(changed, environment=Environment.EXCHANGE_SERVER, endpoints={"owa": OWA})
    assert (outcome.fault, facts(outcome, "landing_redirect")["ended"]) == (None, "integrated")
    assert landed(await outcome_of(changed))[1] == "owa_anonymous_forbidden"


# -- each step breaks in turn --------------------------------------------------------------------------------------

BROKEN: list[tuple[str, Answers, str, Reason]] = [
    ("health_page", {SETTINGS: page("", 503)}, "health_page_out_of_rotation", Reason.SERVER_BUSY),
    ("landing_redirect", {MAIL: sent(MAIL)}, "redirect_repeats", Reason.REDIRECT_LOOP),
    ("owa_service_unauth", {SERVICE: page("", 500)}, "http_500", Reason.SERVER_ERROR),
    ("static_asset", {SCRIPT: page("", 404)}, "owa_asset_broken", Reason.SERVER_ERROR),
    ("token_request", {}, "token_service_broken", Reason.TOKEN_SERVICE_ERROR),
    ("calendar_and_mail_surrogate", {CALENDAR: page("", 503)}, "", Reason.SERVER_BUSY),
    ("canary", {MESSAGES: [document(NEWEST), page("", 504)]}, "", Reason.SERVER_ERROR),
]


@pytest.mark.parametrize(("step", "changed", "code", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_each_step_can_break_and_the_rest_is_skipped(
    step: str, changed: Answers, code: str, reason: Reason
) -> None:
    """That step, that reason, and nothing after it."""
    here = Environment.EXCHANGE_SERVER if step == "health_page" else Environment.EXCHANGE_ONLINE
    steps = ["health_page", *ALL] if step == "health_page" else ALL
    person = Person(FaultError(TOKEN_SERVICE_BROKEN) if step == "token_request" else "t")
    more: dict[str, Any] = {"depth": Depth.MAILBOX, "steps": EVERYTHING, "canary": "k4d8fy2w"}
    outcome = await outcome_of(changed, person=person, environment=here, **more)
    found = landed(outcome)
    assert (found[0], found[2]) == (step, reason)
    assert code in ("", found[1])
    position = steps.index(step)
    assert (names(outcome), list(outcome.skipped)) == (steps[: position + 1], steps[position + 1 :])


@pytest.mark.parametrize("place", [FOLDERS, DELTA, CALENDAR, MESSAGES])
async def test_each_part_of_the_surrogate_can_break(place: str) -> None:
    """Each is asked for."""
    outcome = await outcome_of({place: page("", 500)}, depth=Depth.MAILBOX)
    assert landed(outcome)[::2] == ("calendar_and_mail_surrogate", Reason.SERVER_ERROR)


async def test_which_of_two_pages_it_was_is_told() -> None:
    """Landing pages and health pages alike."""
    for url, name in ((OWA, "owa"), (MAIL, "mail")):
        outcome = await outcome_of({url: sent("/owa/auth/errorFE.aspx?httpCode=500")})
        assert landed(outcome) == ("landing_redirect", "http_error_page", Reason.SERVER_ERROR)
        assert outcome.fault is not None
        assert (outcome.fault.evidence["page"], outcome.fault.evidence["answered"]) == (name, "500")
    for url, name in ((HEALTH, "owa"), (SETTINGS, "ecp")):
        outcome = await outcome_of({url: page("", 403)}, environment=Environment.EXCHANGE_SERVER, steps=EVERYTHING)
        assert landed(outcome)[1:] == ("health_page_not_published", Reason.UNEXPECTED_CHALLENGE)
        assert outcome.fault is not None
        assert outcome.fault.evidence["page"] == name


async def test_a_fault_of_the_delivery_network_is_told_from_one_of_ours() -> None:
    """Whatever its nature."""
    for said in (page("", 503), FaultError(TCP_TIMEOUT), FaultError(PEER_RESET)):
        outcome = await outcome_of({SCRIPT: said}, steps=EVERYTHING)
        assert outcome.fault is not None
        assert (landed(outcome)[0], outcome.fault.evidence["where"]) == ("static_asset", "cdn")


async def test_the_words_of_an_error_page_can_be_configured() -> None:
    """In place of the usual ones."""
    changed = {OWA: page("<p>Wartungsarbeiten</p>")}
    assert landed(await outcome_of(changed))[1] == "owa_not_at_signin"
    told = await outcome_of(changed, options=OwaOptions(error_phrases="Out of order|wartungsarbeiten"))
    assert landed(told) == ("landing_redirect", "error_page_text", Reason.SERVER_ERROR)


# -- the simulated tenant ------------------------------------------------------------------------------------------


async def test_the_simulated_tenant_is_well_at_each_depth(tmp_path: Path) -> None:
    """Without a credential, and with one; with what is optional."""
    async with tenancy(tmp_path, default_layout(), "owa") as tenant:
        for entry, steps in (
            ({"depth": "reach", "credential": None}, ALL[:3]),
            ({"depth": "token"}, ALL[:4]),
            ({}, ALL[:5]),
        ):
            outcome, judgement = await tenant.attempt(**entry)
            assert (names(outcome), judgement.verdict.value) == (steps, "ok")
        assert facts(outcome, "landing_redirect")["ended"] == "sign-in"
        assert facts(outcome, "calendar_and_mail_surrogate")["folders"] > 0


async def test_servers_of_ones_own_are_well_as_far_as_the_form(tmp_path: Path) -> None:
    """That far it goes there by itself."""
    async with tenancy(tmp_path, corporate_layout(), "owa") as tenant:
        outcome, judgement = await tenant.attempt(steps=["health_page", "static_asset"])
        assert (names(outcome), judgement.verdict.value) == (["health_page", *ALL[:3]], "ok")
        assert facts(outcome, "landing_redirect")["ended"] == "form"
        assert facts(outcome, "owa_service_unauth")["refusal"] == "timed out"
        outcome, _ = await tenant.attempt(
            [{"kind": "http", "step": "health_page", "status": 503}], steps=["health_page"]
        )
        assert landed(outcome) == ("health_page", "health_page_out_of_rotation", Reason.SERVER_BUSY)


@pytest.mark.parametrize(
    ("fault", "step", "reason"),
    [
        ({"kind": "redirect_loop", "step": "landing_redirect"}, "landing_redirect", "redirect_loop"),
        ({"kind": "html_page", "step": "landing_redirect", "text": "Something went wrong"}, "landing_redirect",
         "server_error"),
        ({"kind": "http", "step": "owa_service_unauth", "status": 502}, "owa_service_unauth", "server_error"),
        ({"kind": "http", "step": "static_asset", "status": 503}, "static_asset", "server_error"),
        ({"kind": "reset", "step": "static_asset", "at": "headers"}, "static_asset", "connection_reset"),
        ({"kind": "token_error", "step": "token_request", "aadsts": 90033}, "token_request", "token_service_error"),
        ({"kind": "http", "step": "calendar_and_mail_surrogate", "status": 503}, "calendar_and_mail_surrogate",
         "server_busy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)  # fmt: skip
async def test_a_fault_of_the_simulated_tenant_is_found(
    tmp_path: Path, fault: dict[str, Any], step: str, reason: str
) -> None:
    """At the step that it struck."""
    async with tenancy(tmp_path, default_layout(), "owa") as tenant:
        outcome, _ = await tenant.attempt([fault])
        assert (landed(outcome)[0], landed(outcome)[2].value) == (step, reason)
