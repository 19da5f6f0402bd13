"""Classic Outlook against answers written out by hand, and against the simulated tenant."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from prober.clients.mapi import OutlookOptions
from prober.clients.outlook_desktop import CLIENT
from prober.faults.taxonomy import PEER_RESET, FaultError, Kind, Reason
from prober.simulator.layout import Layout, corporate_layout, default_layout
from prober.vocabulary import Depth, Environment, Fidelity
from tests.clients.mapi_made import (
    CHALLENGE,
    ENDPOINTS,
    FOUND,
    MAPI,
    NEWS,
    NO_NEWS,
    OPTIONAL,
    PENDING,
    PROCESSING,
    Person,
    Piece,
    Said,
    Server,
    landed,
    names,
    pox,
    refused,
    run,
    said,
    settings,
    soap,
    step,
)
from tests.clients.tenant_made import tenancy
from tests.protocols.mapi.made import CONNECTED, COOKIES, DN, LOGGED_ON, buffer, executed

STEPS = [
    *("health_page", "oauth_challenge", "nspi_challenge", "token_request", "autodiscover_pox", "autodiscover_soap"),
    *("ping", "connect", "execute_logon", "notification_wait", "disconnect"),
]
USUAL = [name for name in STEPS if name not in OPTIONAL]
WAIT: Sequence[Piece] = [PROCESSING, 30.0, PENDING, 20.0, PENDING, 100.0]


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_its_steps_in_order() -> None:
    """By the names of the specification; Autodiscover after the token that it is asked with."""
    assert [one.name for one in CLIENT.steps] == STEPS
    assert {"health_page", "autodiscover_soap", "execute_logon", "notification_wait"} == OPTIONAL
    assert [one.name for one in CLIENT.steps if one.tolerated] == ["disconnect"]
    assert CLIENT.endpoints == ("mapi", "nspi", "autodiscover_pox", "autodiscover_soap")
    assert (CLIENT.interval, CLIENT.fidelity) == (120, Fidelity.PROTOCOL)
    assert CLIENT.natural == {Environment.EXCHANGE_ONLINE: Depth.REACH}


@pytest.mark.parametrize(
    "wrong",
    [
        {"legacy_dn": "cn=alice"},
        {"legacy_dn": "/o=ä"},
        {"client_application": "Thunderbird/1"},
        {"client_application": "Outlook/16.0.1.1\r\nX: y"},
        {"wait_seconds": 0},
        {"wait_seconds": 301},
    ],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    """At load, with a sentence."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OutlookOptions(**wrong)


# -- a healthy server ----------------------------------------------------------------------------------------------


async def test_a_transaction_goes_all_the_way() -> None:
    """From the challenge to the farewell; the session is at the URL that Autodiscover tells, as the user it tells."""
    outcome = await run(server := Server())
    assert (outcome.fault, names(outcome), outcome.skipped) == (None, USUAL, ())
    (connect,) = server.of("Connect")
    assert connect.url == FOUND
    assert connect.body.startswith(DN.encode() + b"\0")
    assert step(outcome, "connect").facts["server_version"] == "15.02.1544.004"
    assert "contoso" not in str([dict(one.facts) for one in outcome.results])


async def test_every_optional_step_is_run_when_named() -> None:
    outcome = await run(server := Server([PROCESSING, 5.0, NEWS.removeprefix(PROCESSING)]), steps=OPTIONAL)
    assert (outcome.fault, names(outcome)) == (None, STEPS)
    assert {name: step(outcome, "health_page").facts[name] for name in ("server", "rpc", "oab")} == {
        "server": "MBX",
        "rpc": "healthy",
        "oab": "healthy",
    }
    assert server.of("mapi")[0].url == "https://mail.contoso.com/mapi/healthcheck.htm"
    assert step(outcome, "notification_wait").facts["event"] is True
    assert server.opened_flows[0].closed


async def test_directories_beside_mapi_are_noted_and_no_more() -> None:
    outcome = await run(Server(rpc=refused(503), oab=refused(404)), steps=frozenset({"health_page"}))
    facts = step(outcome, "health_page").facts
    assert outcome.fault is None
    assert (facts["rpc"], facts["oab"]) == ("health_page_out_of_rotation", "health_page_not_published")


async def test_requests_are_numbered_under_one_name() -> None:
    """`X-RequestId` is a GUID and a number that counts up (MS-OXCMAPIHTTP section 2.2.3.3.2)."""
    await run(server := Server(list(WAIT)), steps=OPTIONAL)
    kinds = ("PING", "Connect", "Execute", "NotificationWait", "Disconnect")
    ids = [dict(call.headers)["X-RequestId"] for kind in kinds for call in server.of(kind)]
    guids, numbers = zip(*(one.rsplit(":", 1) for one in ids), strict=True)
    assert len(set(guids)) == 1
    assert str(uuid.UUID(guids[0])).upper() == guids[0].strip("{}")
    assert sorted(map(int, numbers)) == list(map(int, numbers))
    assert len(set(numbers)) == len(numbers)


async def test_reach_needs_no_credential() -> None:
    """The challenges want to see a scheme, and Autodiscover refuses strangers."""
    outcome = await run(server := Server(), depth=Depth.REACH, environment=Environment.EXCHANGE_ONLINE)
    assert (outcome.fault, names(outcome)) == (None, ["oauth_challenge", "nspi_challenge", "autodiscover_pox"])
    assert dict(server.of("challenge")[0].headers)["X-RequestType"] == "PING"
    assert dict(server.of("challenge")[0].headers)["Authorization"] == "Bearer"
    assert "Authorization" not in dict(server.of("anonymous")[0].headers)


async def test_a_token_is_the_depth_between() -> None:
    outcome = await run(Server(), depth=Depth.TOKEN)
    assert names(outcome) == ["oauth_challenge", "nspi_challenge", "token_request", "autodiscover_pox"]
    assert outcome.fault is None


@pytest.mark.parametrize(
    ("environment", "fault"),
    [(Environment.EXCHANGE_SERVER, None), (Environment.EXCHANGE_ONLINE, Reason.UNEXPECTED_CHALLENGE)],
)
async def test_a_server_of_ones_own_may_do_without_oauth(environment: Environment, fault: Reason | None) -> None:
    """Negotiate and NTLM are as good there; in the cloud they are somebody else's."""
    own = refused(401, WWW_Authenticate="Negotiate, NTLM")
    outcome = await run(Server(challenge=own, nspi=own), depth=Depth.REACH, environment=environment)
    assert (outcome.fault.reason if outcome.fault else None) == fault


async def test_what_is_not_configured_is_skipped() -> None:
    """With the user's name from the options, no Autodiscover is needed."""
    outcome = await run(
        server := Server(),
        endpoints={"mapi": MAPI},
        options=OutlookOptions(legacy_dn=DN),
        steps=frozenset({"autodiscover_soap"}),
    )
    assert outcome.fault is None
    assert outcome.skipped == ("nspi_challenge", "autodiscover_pox", "autodiscover_soap")
    assert server.of("Connect")[0].url == MAPI


async def test_a_server_that_wants_a_session_first_is_pinged_in_it() -> None:
    """Code 13, then after connect; a second refusal is connect's."""
    ping = said("PING", code=13)
    outcome = await run(server := Server(PING=[ping, said("PING")]))
    assert outcome.fault is None
    assert server.asked.index("Connect") < len(server.asked) - 1 - server.asked[::-1].index("PING")
    assert step(outcome, "ping").facts["ping"] == "after connect"
    assert step(outcome, "connect").facts["ping"] == "answered"
    assert landed(await run(Server(PING=ping))) == ("connect", "mapi_code_13", Reason.SERVER_ERROR)


async def test_the_wait_is_watched_for_as_long_as_configured() -> None:
    outcome = await run(server := Server([*WAIT, 200.0]), steps=OPTIONAL, options=OutlookOptions(wait_seconds=60))
    assert (outcome.fault, server.clock.now) == (None, 60)
    facts = step(outcome, "notification_wait").facts
    assert (facts["signs"], facts["event"]) == (3, False)
    outcome = await run(Server([NO_NEWS]), steps=OPTIONAL)
    assert step(outcome, "notification_wait").facts["event"] is False


async def test_a_farewell_that_fails_is_a_fact() -> None:
    outcome = await run(Server(Disconnect=said("Disconnect", code=10)))
    assert outcome.fault is None
    assert step(outcome, "disconnect").facts["tolerated"] == "mapi_code_10"


@pytest.mark.parametrize(
    ("user", "facts"),
    [
        (settings(), {"same_user": True}),
        (settings("/o=other"), {"same_user": False}),
        (
            soap("<ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>https://x/</RedirectTarget>"),
            {"redirect": "hybrid"},
        ),
    ],
)
async def test_either_dialect_should_say_the_same(user: Said, facts: dict[str, object]) -> None:
    outcome = await run(Server(list(WAIT), soap=user), steps=OPTIONAL)
    assert outcome.fault is None
    assert {name: step(outcome, "autodiscover_soap").facts[name] for name in facts} == facts


# -- each step broken in turn --------------------------------------------------------------------------------------

TROUBLE = FaultError(Kind("token_trouble_in_this_test", Reason.TOKEN_SERVICE_ERROR))
NOT_FOUND = said("Execute", executed(buffer(bytes.fromhex("FE 00 EB030000"), 0xFFFFFFFF)))
BREAKS: list[tuple[str, dict[str, Said], str, Reason]] = [
    ("health_page", {"mapi": refused(503)}, "health_page_out_of_rotation", Reason.SERVER_BUSY),
    ("oauth_challenge", {"challenge": refused(200)}, "http_anonymous_allowed", Reason.UNEXPECTED_CHALLENGE),
    ("oauth_challenge", {"challenge": refused(502)}, "http_502", Reason.SERVER_ERROR),
    ("nspi_challenge", {"nspi": FaultError(PEER_RESET)}, "peer_reset", Reason.CONNECTION_RESET),
    ("token_request", {}, "token_trouble_in_this_test", Reason.TOKEN_SERVICE_ERROR),
    ("autodiscover_pox", {"pox": pox(url="")}, "mapi_not_offered", Reason.CLIENT_MISCONFIG),
    ("autodiscover_pox", {"pox": pox(nspi="")}, "mapi_not_offered", Reason.CLIENT_MISCONFIG),
    ("autodiscover_pox", {"pox": refused(401)}, "http_401", Reason.AUTH_REJECTED),
    ("autodiscover_soap", {"soap": settings("")}, "mapi_user_dn_unknown", Reason.CLIENT_MISCONFIG),
    ("autodiscover_soap", {"soap": refused(503)}, "http_503", Reason.SERVER_BUSY),
    ("ping", {"PING": said("PING", code=16)}, "mapi_code_16", Reason.ACCESS_POLICY),
    ("ping", {"PING": refused(401)}, "http_401", Reason.AUTH_REJECTED),
    (
        "connect",
        {"Connect": said("Connect", bytes(4) + bytes.fromhex("11010480"))},
        "mapi_connect_80040111",
        Reason.MAILBOX_UNAVAILABLE,
    ),
    ("connect", {"Connect": said("Connect", code=10)}, "mapi_no_session", Reason.MAILBOX_UNAVAILABLE),
    ("connect", {"Connect": said("Connect", CONNECTED)}, "mapi_context_not_given", Reason.PROTOCOL_VIOLATION),
    ("execute_logon", {"Execute": NOT_FOUND}, "mapi_logon_refused", Reason.MAILBOX_UNAVAILABLE),
    ("execute_logon", {"Execute": said("Execute", code=10)}, "mapi_code_10", Reason.SERVER_ERROR),
]


@pytest.mark.parametrize(("where", "answers", "code", "reason"), BREAKS)
async def test_each_step_breaks_as_itself(where: str, answers: dict[str, Said], code: str, reason: Reason) -> None:
    """At that step, for that reason, and nothing after it."""
    person = Person(trouble=TROUBLE if where == "token_request" else None)
    outcome = await run(Server(list(WAIT), **answers), steps=OPTIONAL, person=person)
    assert landed(outcome) == (where, code, reason)
    assert list(outcome.skipped) == STEPS[STEPS.index(where) + 1 :]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([PROCESSING, 100.0], "mapi_wait_silent"),
        ([PROCESSING, PENDING], "mapi_wait_lost"),
        ([PROCESSING, FaultError(PEER_RESET)], "mapi_wait_lost"),
        (FaultError(PEER_RESET), "mapi_wait_lost"),
    ],
)
async def test_a_wait_breaks_as_a_lost_channel(script: list[Piece] | FaultError, code: str) -> None:
    """By silence for twice the pending period, by an end before its answer, before its head."""
    outcome = await run(Server(script), steps=OPTIONAL)
    assert landed(outcome) == ("notification_wait", code, Reason.PUSH_CHANNEL_LOST)
    assert outcome.skipped == ("disconnect",)


async def test_a_wait_may_be_refused() -> None:
    outcome = await run(Server(said("NotificationWait", code=16)), steps=OPTIONAL)
    assert landed(outcome) == ("notification_wait", "mapi_code_16", Reason.ACCESS_POLICY)


async def test_a_challenge_is_not_enough_where_strangers_are_let_in() -> None:
    outcome = await run(Server(anonymous=pox()), depth=Depth.REACH)
    assert landed(outcome)[::2] == ("autodiscover_pox", Reason.UNEXPECTED_CHALLENGE)
    assert CHALLENGE.status == 401


async def test_a_lost_session_is_begun_anew_once() -> None:
    """For the logon as for the wait; what lost it is noted."""
    lost, good = said("Execute", code=10), said("Execute", LOGGED_ON)
    outcome = await run(server := Server(list(WAIT), Execute=[lost, good]), steps=OPTIONAL)
    assert (outcome.fault, len(server.of("Connect"))) == (None, 2)
    assert step(outcome, "execute_logon").facts["reconnected_after"] == 10
    outcome = await run(server := Server(said("NotificationWait", code=15), list(WAIT)), steps=OPTIONAL)
    assert (outcome.fault, len(server.of("Connect"))) == (None, 2)
    again = [said("Connect", code=10), said("Connect", CONNECTED, *COOKIES)]
    outcome = await run(server := Server(Connect=again))
    assert (outcome.fault, step(outcome, "connect").facts["reconnected_after"]) == (None, 10)


# -- the simulated tenant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "entry", "expected"),
    [
        (default_layout(), {"depth": "mailbox", "steps": sorted(OPTIONAL)}, STEPS[1:]),
        (default_layout(), {"depth": "token", "steps": None}, [*STEPS[1:5]]),
        (default_layout(), {"depth": None, "steps": None}, ["oauth_challenge", "nspi_challenge", "autodiscover_pox"]),
        (
            default_layout(),
            {"depth": "reach", "credential": None},
            ["oauth_challenge", "nspi_challenge", "autodiscover_pox"],
        ),
        (
            corporate_layout(),
            {"depth": None, "steps": sorted(OPTIONAL)},
            [name for name in STEPS if name != "token_request"],
        ),
        (
            corporate_layout(),
            {"depth": "reach", "credential": None, "steps": None},
            ["oauth_challenge", "nspi_challenge", "autodiscover_pox"],
        ),
    ],
    ids=["online", "token", "online as it comes", "reach", "own server", "own server, reach"],
)
async def test_it_passes_against_the_simulated_tenant(
    layout: Layout, entry: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    """At each depth: in the cloud with a token, on a server of one's own with a password."""
    options: dict[str, Any] = {"options": {"wait_seconds": 1}} if entry.get("steps") else {}
    async with tenancy(tmp_path, layout, "outlook_desktop") as there:
        outcome, judgement = await there.attempt(**entry, **options)
    assert (outcome.fault, judgement.verdict.value) == (None, "ok")
    assert names(outcome) == expected


@pytest.mark.parametrize(
    ("fault", "where", "reason"),
    [
        ({"kind": "mapi_code", "step": "connect", "code": 10}, "connect", "mailbox_unavailable"),
        ({"kind": "mapi_code", "step": "execute_logon", "code": 18}, "execute_logon", "server_busy"),
        ({"kind": "http", "step": "nspi_challenge", "status": 503}, "nspi_challenge", "server_busy"),
        ({"kind": "throttle", "step": "connect", "status": 503, "retry_after": 60}, "connect", "throttled"),
    ],
)
async def test_it_names_what_the_simulated_tenant_breaks(
    fault: dict[str, Any], where: str, reason: str, tmp_path: Path
) -> None:
    async with tenancy(tmp_path, corporate_layout(), "outlook_desktop") as there:
        outcome, _ = await there.attempt([fault])
    assert outcome.fault is not None
    assert (landed(outcome)[0], outcome.fault.reason.value) == (where, reason)
    due = {*USUAL, "execute_logon"} - {"token_request"}
    assert outcome.skipped == tuple(name for name in STEPS[STEPS.index(where) + 1 :] if name in due)
    assert set(ENDPOINTS) == set(CLIENT.endpoints)
