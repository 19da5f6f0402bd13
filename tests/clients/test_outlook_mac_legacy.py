"""The legacy Mac client against answers written out by hand, the simulated tenant, and beside exchangelib."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from exchangelib import IMPERSONATION, OAUTH2, Account, Configuration, EWSDateTime, Identity
from exchangelib.credentials import OAuth2AuthorizationCodeCredentials

from prober.clients.ews import EwsOptions
from prober.clients.outlook_mac_legacy import CLIENT, PAGES
from prober.exchange import Reply
from prober.faults.taxonomy import NO_ANSWER, PEER_RESET, FaultError, Reason
from prober.model import Fact
from prober.net.network import Network
from prober.net.route import Route, TlsPolicy
from prober.sightings import Sightings
from prober.simulator.ews.service import Ews
from prober.simulator.mailbox import FolderKind, furnish
from prober.simulator.tokens import EXCHANGE
from prober.timeline import Timeline
from prober.transaction import perform
from prober.vocabulary import Depth, Environment, Fidelity
from tests.clients.ews_made import (
    SETTINGS,
    Line,
    Server,
    Somebody,
    Tenancy,
    arrival,
    availability,
    away,
    folder,
    folders,
    hierarchy,
    hits,
    items,
    landed,
    names,
    notice,
    removal,
    run,
    step,
    subscribed,
    tenancy,
    transaction,
)
from tests.protocols.ews.made import answer, document, failed, plain, refused, reply
from tests.simulator.doorway import ALICE, APP, Doorway, doorway, tenant_of_one

STEPS = [
    *("health_page", "oauth_challenge", "token_request", "autodiscover_pox", "get_folder", "sync_hierarchy"),
    *("sync_items", "get_item", "free_busy", "out_of_office", "canary", "subscribe_streaming", "stream_wait"),
    "unsubscribe",
]
WITHOUT = ["health_page", "canary"]
"""What does not belong to every transaction."""
USUAL = [name for name in STEPS if name not in WITHOUT]


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_its_steps_in_order() -> None:
    """By the names of the specification; Autodiscover after the token that it is asked with."""
    assert [one.name for one in CLIENT.steps] == STEPS
    assert [one.name for one in CLIENT.steps if one.opt_in] == ["health_page"]
    assert [one.name for one in CLIENT.steps if one.tolerated] == ["unsubscribe"]
    assert (CLIENT.endpoints, CLIENT.interval, CLIENT.fidelity) == (("ews", "autodiscover_pox"), 120, Fidelity.PROTOCOL)


# -- a healthy server ----------------------------------------------------------------------------------------------


async def test_a_first_transaction_goes_all_the_way() -> None:
    memory: dict[str, str] = {}
    outcome = await run(server := Server(), memory)
    assert (outcome.fault, names(outcome), outcome.skipped) == (None, USUAL, ())
    assert (memory["inbox_state"], memory["hierarchy_state"], memory["newest"]) == ("i1", "h1", "b")
    assert all(fields["X-AnchorMailbox"] == "a@b" for fields in server.headers("GetFolder"))
    assert all(b"ExchangeImpersonation" in body for body in server.bodies("GetFolder"))


async def test_later_transactions_go_on_from_their_states() -> None:
    memory: dict[str, str] = {}
    await run(Server(), memory)
    outcome = await run(server := Server(SyncFolderItems=items("i2"), SyncFolderHierarchy=hierarchy("h2", 0)), memory)
    assert (outcome.fault, names(outcome)) == (None, USUAL)
    assert b"<m:SyncState>i1</m:SyncState>" in server.bodies("SyncFolderItems")[0]
    assert b"<m:SyncState>h1</m:SyncState>" in server.bodies("SyncFolderHierarchy")[0]
    assert b'<t:ItemId Id="b"/>' in server.bodies("GetItem")[0]


async def test_now_and_then_the_folders_are_learnt_from_nothing() -> None:
    """Every second time, when so configured; the inbox keeps its state, for it may be large."""
    memory: dict[str, str] = {}
    cold = []
    for _ in range(4):
        server = Server(SyncFolderHierarchy=hierarchy())
        await run(server, memory, options=EwsOptions(cold_every=2))
        cold.append(b"SyncState" not in server.bodies("SyncFolderHierarchy")[0])
    assert cold == [True, False, True, False]


async def test_a_fault_among_the_folders_makes_the_next_time_cold() -> None:
    memory: dict[str, str] = {}
    await run(Server(), memory)
    await run(Server(SyncFolderHierarchy=failed("SyncFolderHierarchy", "ErrorInternalServerError")), memory)
    await run(server := Server(), memory)
    assert b"SyncState" not in server.bodies("SyncFolderHierarchy")[0]


async def test_an_inbox_that_is_another_one_is_learnt_from_nothing() -> None:
    """A mailbox that was restored has other ids, and the old states mean nothing there."""
    memory: dict[str, str] = {}
    await run(Server(), memory)
    outcome = await run(server := Server(GetFolder=folders("inbox-2")), memory)
    assert outcome.fault is None
    assert b"SyncState" not in server.bodies("SyncFolderItems")[0]


async def test_reach_needs_no_credential() -> None:
    server = Server(Autodiscover=plain(b"", 401, {"WWW-Authenticate": "Bearer"}))
    outcome = await run(server, depth=Depth.REACH)
    assert (outcome.fault, names(outcome)) == (None, ["oauth_challenge", "autodiscover_pox"])
    assert ("Authorization", "Bearer") in server.calls[0].headers
    assert "Authorization" not in dict(server.calls[1].headers)


async def test_a_token_is_the_depth_between() -> None:
    server = Server(Autodiscover=plain(b"", 401, {"WWW-Authenticate": "Bearer"}))
    outcome = await run(server, depth=Depth.TOKEN)
    assert (outcome.fault, names(outcome)) == (None, ["oauth_challenge", "token_request", "autodiscover_pox"])


async def test_a_server_of_ones_own_shows_its_health_page_when_asked_to() -> None:
    """It is the virtual directory's, not the service's."""
    server = Server(GET=plain(b"200 OK<br/>MBX01.example.test"))
    server.answers["challenge"] = [plain(b"200 OK<br/>MBX01.example.test")]
    outcome = await run(
        server,
        depth=Depth.REACH,
        environment=Environment.EXCHANGE_SERVER,
        steps=frozenset({"health_page"}),
        endpoints={"ews": "https://mail.example.test/EWS/Exchange.asmx"},
    )
    assert (outcome.fault, names(outcome)) == (None, ["health_page"])
    assert server.calls[0].url == "https://mail.example.test/EWS/healthcheck.htm"
    assert "MBX01" not in str(step(outcome, "health_page").facts)


async def test_discovery_is_asked_where_it_is_configured() -> None:
    outcome = await run(Server(), endpoints={"ews": "https://mail.example.test/EWS/Exchange.asmx"})
    assert (outcome.fault, outcome.skipped) == (None, ("autodiscover_pox",))


@pytest.mark.parametrize(
    ("inner", "facts"),
    [
        ("<Protocol><Type>EXPR</Type><ASUrl>https://other.example.test/EWS/x</ASUrl></Protocol>", {"same_host": False}),
        ("<Action>redirectAddr</Action><RedirectAddr>a@hq.example.test</RedirectAddr>", {"redirect": "hybrid"}),
    ],
)
async def test_discovery_may_lead_elsewhere(inner: str, facts: dict[str, Fact]) -> None:
    """In a hybrid organisation; the configured endpoint stays what is probed."""
    said = plain(f"<Autodiscover><Response><Account>{inner}</Account></Response></Autodiscover>".encode())
    outcome = await run(Server(Autodiscover=said))
    assert outcome.fault is None
    assert facts.items() <= step(outcome, "autodiscover_pox").facts.items()


async def test_a_token_that_has_expired_is_renewed_where_it_is_first_used() -> None:
    expired = plain(b"", 401, {"x-ms-diagnostics": '2000002;reason="The token has expired."'})
    outcome = await run(Server(Autodiscover=[expired, SETTINGS]))
    assert outcome.fault is None
    assert step(outcome, "autodiscover_pox").facts["renewed"] is True


async def test_an_old_path_that_is_still_open_is_told_of() -> None:
    """In Exchange Online, where the protocol is withdrawn."""
    for environment, expected in ((Environment.EXCHANGE_ONLINE, "ews"), (Environment.EXCHANGE_SERVER, None)):
        outcome = await run(Server(), environment=environment)
        assert step(outcome, "get_folder").facts.get("open_path") == expected


# -- the newest item -----------------------------------------------------------------------------------------------


async def test_an_empty_inbox_is_healthy() -> None:
    memory: dict[str, str] = {}
    outcome = await run(Server(SyncFolderItems=items("i1")), memory)
    assert (outcome.fault, outcome.skipped) == (None, ("get_item",))


async def test_an_item_deleted_meanwhile_is_no_fault_the_first_time() -> None:
    """Listed again and still not there, it is one."""
    memory: dict[str, str] = {}
    gone = failed("GetItem", "ErrorItemNotFound")
    outcome = await run(Server(GetItem=gone), memory)
    assert outcome.fault is None
    assert step(outcome, "get_item").facts["missing"] == "newest item"
    outcome = await run(Server(GetItem=gone, SyncFolderItems=items("i2")), memory)
    assert landed(outcome) == ("get_item", "ews_item_not_found", Reason.SERVER_ERROR)


async def test_when_the_newest_item_goes_the_next_one_takes_its_place() -> None:
    memory: dict[str, str] = {}
    await run(Server(), memory)
    await run(server := Server(SyncFolderItems=items("i2", removal("b")), FindItem=hits(1, "a", 1)), memory)
    assert (memory["newest"], server.asked.count("FindItem")) == ("a", 1)
    await run(Server(SyncFolderItems=items("i3", removal("a")), FindItem=hits(0)), memory)
    assert "newest" not in memory
    await run(Server(SyncFolderItems=items("i4", arrival("c", 0))), memory)
    assert memory["newest"] == "c"


async def test_an_item_that_came_and_went_was_never_the_newest() -> None:
    memory: dict[str, str] = {}
    await run(Server(SyncFolderItems=items("i1", arrival("a", 1), arrival("b", 2), removal("b"))), memory)
    assert memory["newest"] == "a"


async def test_an_old_item_that_comes_late_is_not_the_newest() -> None:
    """One moved into the inbox was received long ago."""
    memory: dict[str, str] = {}
    await run(Server(), memory)
    await run(Server(SyncFolderItems=items("i2", arrival("old", 0))), memory)
    assert memory["newest"] == "b"


async def test_a_view_older_than_anothers_is_stale() -> None:
    """What another client of the mailbox has seen for longer than the limit, this one has to see too."""
    sightings = Sightings()
    sightings.saw_newest("imap4", 1_767_250_000.0, 1_767_299_000.0)
    assert (await run(Server(), sightings=sightings)).fault is None
    sightings.saw_newest("imap4", 1_767_250_000.0, 1_767_300_001.0)
    outcome = await run(Server(), sightings=sightings)
    assert landed(outcome) == ("sync_items", "view_stale", Reason.STALE_DATA)


async def test_an_inbox_not_yet_read_to_its_end_is_not_held_against_others() -> None:
    sightings = Sightings()
    sightings.saw_newest("imap4", 1_767_250_000.0, 1_767_299_000.0)
    outcome = await run(Server(SyncFolderItems=items("i1", arrival("a", 1), last=False)), sightings=sightings)
    assert outcome.fault is None
    assert step(outcome, "sync_items").facts["more"] is True


async def test_the_canary_is_looked_for_by_its_mark() -> None:
    """It is missing only where another client sees it."""
    outcome = await run(server := Server(), canary="tweet-1")
    assert (outcome.fault, step(outcome, "canary").facts["canary"]) == (None, "seen")
    assert b'<t:Constant Value="tweet-1"/>' in server.bodies("FindItem")[0]
    sightings = Sightings()
    assert (await run(Server(FindItem=hits(0)), canary="tweet-1", sightings=sightings)).fault is None
    sightings.saw_canary("imap4", seen=True, now=1_767_300_001.0)
    outcome = await run(Server(FindItem=hits(0)), canary="tweet-1", sightings=sightings)
    assert landed(outcome) == ("canary", "canary_missing", Reason.STALE_DATA)


# -- states that the server no longer takes ------------------------------------------------------------------------


async def test_a_refused_state_is_dropped_and_all_is_learnt_anew() -> None:
    memory = {"inbox_state": "old", "hierarchy_state": "old", "warm": "3", "inbox": "inbox-1", "newest": "x"}
    memory["newest_received"] = "9e9"
    server = Server(
        SyncFolderHierarchy=[failed("SyncFolderHierarchy", "ErrorInvalidSyncStateData"), hierarchy()],
        SyncFolderItems=[failed("SyncFolderItems", "ErrorInvalidSyncStateData"), items("i1", arrival("a", 1))],
    )
    outcome = await run(server, memory)
    assert outcome.fault is None
    assert step(outcome, "sync_hierarchy").facts["state"] == step(outcome, "sync_items").facts["state"] == "refused"
    assert (memory["newest"], memory["hierarchy_state"]) == ("a", "h1")


async def test_many_folders_come_in_pages() -> None:
    server = Server(SyncFolderHierarchy=[hierarchy("p1", 2, last=False), hierarchy("p2", 2)])
    outcome = await run(server)
    assert step(outcome, "sync_hierarchy").facts["folders"] == 4
    assert b"<m:SyncState>p1</m:SyncState>" in server.bodies("SyncFolderHierarchy")[1]


async def test_folders_that_never_end_are_left_for_the_next_time() -> None:
    server = Server(SyncFolderHierarchy=hierarchy("p", 1, last=False))
    assert (await run(server)).fault is None
    assert server.asked.count("SyncFolderHierarchy") == PAGES


# -- free/busy and notifications -----------------------------------------------------------------------------------


async def test_a_second_address_is_asked_about_when_configured() -> None:
    """Its failure is told apart by a fact, and the address is nowhere."""
    options = EwsOptions(free_busy_with="boss@other.example")
    outcome = await run(server := Server(), options=options)
    assert [b"boss@other.example" in body for body in server.bodies("GetUserAvailability")] == [False, True]
    assert step(outcome, "free_busy").facts["view_other"] == "FreeBusyMerged"
    broken = [availability(), availability("ErrorProxyRequestProcessingFailed")]
    outcome = await run(Server(GetUserAvailability=broken), options=options)
    assert landed(outcome) == ("free_busy", "ews_proxy_request_processing_failed", Reason.SERVER_ERROR)
    failure = step(outcome, "free_busy")
    assert failure.facts["asked"] == "other"
    assert "boss" not in str((failure.facts, failure.fault))


async def test_notifications_keep_to_one_server() -> None:
    outcome = await run(server := Server())
    assert outcome.fault is None
    for operation in ("Subscribe", "GetStreamingEvents", "Unsubscribe"):
        assert server.headers(operation)[0]["X-PreferServerAffinity"] == "true"
    assert b"<t:SubscriptionId>s1</t:SubscriptionId>" in server.bodies("GetStreamingEvents")[0]
    assert b"<m:ConnectionTimeout>1</m:ConnectionTimeout>" in server.bodies("GetStreamingEvents")[0]
    assert server.opened_lines[0].closed


async def test_news_on_the_stream_are_told_of() -> None:
    server = Server()
    server.lines = [Line(server.hands, notice(), 0.5, notice("OK", "c"))]
    assert step(await run(server), "stream_wait").facts["told"] is True
    assert step(await run(Server()), "stream_wait").facts["told"] is False


async def test_a_subscription_that_cannot_be_ended_lapses() -> None:
    outcome = await run(Server(Unsubscribe=failed("Unsubscribe", "ErrorSubscriptionNotFound")))
    assert (outcome.fault, names(outcome)[-1]) == (None, "unsubscribe")


@pytest.mark.parametrize("refusal", [None, failed("Unsubscribe", "ErrorSubscriptionNotFound")])
async def test_a_subscription_left_behind_is_ended_the_next_time(refusal: Reply | None) -> None:
    """A mailbox may have few of them, and a stream that keeps breaking would leave many."""
    memory: dict[str, str] = {}
    server = Server()
    server.lines = [Line(server.hands, b"")]
    assert landed(await run(server, memory))[0] == "stream_wait"
    server = Server(Subscribe=subscribed("s2"), SyncFolderItems=items("i2"))
    if refusal is not None:
        server.answers["Unsubscribe"] = [refusal]
    assert (await run(server, memory)).fault is None
    ended = [body.partition(b"<m:SubscriptionId>")[2][:2] for body in server.bodies("Unsubscribe")]
    assert ended == [b"s1", b"s2"]
    assert "subscription" not in memory


# -- everything that can break -------------------------------------------------------------------------------------

THROTTLED = "<m:MessageXml><t:Value Name='BackOffMilliseconds'>300000</t:Value></m:MessageXml>"
MISSED = document(answer("GetStreamingEvents", refused("GetStreamingEvents", "ErrorMissedNotificationEvents")))
BROKEN: list[tuple[str, str, Reply | FaultError, str, Reason]] = [
    ("oauth_challenge", "challenge", plain(b"welcome"), "", Reason.UNEXPECTED_CHALLENGE),
    ("oauth_challenge", "challenge", plain(b"", 401), "", Reason.UNEXPECTED_CHALLENGE),
    ("oauth_challenge", "challenge", plain(b"", 502), "http_502", Reason.SERVER_ERROR),
    ("oauth_challenge", "challenge", plain(b"", 403), "ews_retired", Reason.CLIENT_MISCONFIG),
    ("autodiscover_pox", "Autodiscover", plain(b"<html>"), "html_instead_of_data", Reason.PROTOCOL_VIOLATION),
    ("autodiscover_pox", "Autodiscover", plain(b"", 503), "http_503", Reason.SERVER_BUSY),
    (
        "autodiscover_pox",
        "Autodiscover",
        plain(b"<Autodiscover><Response><Error><ErrorCode>600</ErrorCode></Error></Response></Autodiscover>"),
        "autodiscover_invalid_request",
        Reason.CLIENT_MISCONFIG,
    ),
    (
        "autodiscover_pox",
        "Autodiscover",
        plain(b"<Autodiscover><Response><Account/></Response></Autodiscover>"),
        "ews_url_missing",
        Reason.PROTOCOL_VIOLATION,
    ),
    ("get_folder", "GetFolder", plain(b"", 403), "ews_retired", Reason.CLIENT_MISCONFIG),
    ("get_folder", "GetFolder", plain(b"", 401), "http_401", Reason.AUTH_REJECTED),
    ("get_folder", "GetFolder", FaultError(PEER_RESET), "peer_reset", Reason.CONNECTION_RESET),
    (
        "get_folder",
        "GetFolder",
        reply(answer("GetFolder", folder("i", 1))),
        "ews_wrong_answer",
        Reason.PROTOCOL_VIOLATION,
    ),
    ("get_folder", "GetFolder", failed("GetFolder", "ErrorServerBusy", THROTTLED), "ews_back_off", Reason.THROTTLED),
    (
        "get_folder",
        "GetFolder",
        failed("GetFolder", "ErrorMailboxStoreUnavailable"),
        "ews_mailbox_store_unavailable",
        Reason.MAILBOX_UNAVAILABLE,
    ),
    ("sync_hierarchy", "SyncFolderHierarchy", hierarchy("h1", 0), "ews_no_folders", Reason.MAILBOX_UNAVAILABLE),
    (
        "sync_hierarchy",
        "SyncFolderHierarchy",
        failed("SyncFolderHierarchy", "ErrorInvalidSyncStateData"),
        "ews_invalid_sync_state_data",
        Reason.SERVER_ERROR,
    ),
    ("sync_items", "SyncFolderItems", plain(b"nonsense"), "ews_not_soap", Reason.PROTOCOL_VIOLATION),
    (
        "sync_items",
        "SyncFolderItems",
        failed("SyncFolderItems", "ErrorInternalServerTransientError"),
        "ews_internal_server_transient_error",
        Reason.SERVER_BUSY,
    ),
    ("get_item", "GetItem", FaultError(NO_ANSWER), "no_answer", Reason.READ_TIMEOUT),
    ("get_item", "GetItem", failed("GetItem", "ErrorCorruptData"), "ews_corrupt_data", Reason.SERVER_ERROR),
    (
        "free_busy",
        "GetUserAvailability",
        availability("ErrorProxyRequestProcessingFailed"),
        "ews_proxy_request_processing_failed",
        Reason.SERVER_ERROR,
    ),
    ("out_of_office", "GetUserOofSettings", away("ErrorAccessDenied"), "ews_access_denied", Reason.ACCESS_POLICY),
    ("canary", "FindItem", failed("FindItem", "ErrorTimeoutExpired"), "ews_timeout_expired", Reason.SERVER_BUSY),
    (
        "subscribe_streaming",
        "Subscribe",
        failed("Subscribe", "ErrorExceededSubscriptionCount"),
        "ews_exceeded_subscription_count",
        Reason.THROTTLED,
    ),
    ("subscribe_streaming", "Subscribe", subscribed(""), "ews_element_missing", Reason.PROTOCOL_VIOLATION),
]


@pytest.mark.parametrize(("where", "operation", "said", "code", "reason"), BROKEN)
async def test_each_step_breaks_as_itself(
    where: str, operation: str, said: Reply | FaultError, code: str, reason: Reason
) -> None:
    """With its own reason, and everything after it skipped."""
    server = Server()
    server.answers[operation] = [said]
    outcome = await run(server, canary="tweet-1")
    at, kind, why = landed(outcome)
    assert (at, why) == (where, reason)
    assert not code or kind == code
    assert list(outcome.skipped) == [name for name in STEPS if name != "health_page"][len(outcome.results) :]


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        ([], "ews_stream_silent", Reason.PUSH_CHANNEL_LOST),
        ([notice("Closed")], "ews_stream_lost", Reason.PUSH_CHANNEL_LOST),
        ([notice(), b""], "ews_stream_lost", Reason.PUSH_CHANNEL_LOST),
        ([notice(), FaultError(PEER_RESET)], "ews_stream_lost", Reason.PUSH_CHANNEL_LOST),
        ([MISSED], "ews_missed_notification_events", Reason.PUSH_CHANNEL_LOST),
        ([b"<html><body>"], "html_instead_of_data", Reason.PROTOCOL_VIOLATION),
    ],
)
async def test_the_stream_breaks_as_itself(script: list[Any], code: str, reason: Reason) -> None:
    server = Server()
    server.lines = [Line(server.hands, *script)]
    outcome = await run(server)
    assert landed(outcome) == ("stream_wait", code, reason)
    assert outcome.skipped == ("unsubscribe",)
    assert server.opened_lines[0].closed


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b"", "http_503"),
        (403, b"", "ews_retired"),
        (500, failed("GetStreamingEvents", "ErrorServerBusy").body, "ews_server_busy"),
        (202, b"", "http_unexpected_status"),
        (206, notice(), "http_unexpected_status"),
    ],
)
async def test_a_stream_that_is_refused_says_why(status: int, body: bytes, code: str) -> None:
    server = Server()
    server.lines = [Line(server.hands, status=status, body=body)]
    assert landed(await run(server))[:2] == ("stream_wait", code)


# -- the tenant ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenancy]:
    yield from tenancy(tmp_path_factory.mktemp("cloud"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenancy]:
    yield from tenancy(tmp_path_factory.mktemp("own"), "exchange_server")


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (Depth.REACH, ["oauth_challenge", "autodiscover_pox"]),
        (Depth.TOKEN, ["oauth_challenge", "token_request", "autodiscover_pox"]),
        (Depth.MAILBOX, USUAL),
    ],
)
def test_the_tenant_is_well_at_each_depth(cloud: Tenancy, depth: Depth, expected: list[str]) -> None:
    outcome = cloud.run(cloud.attempt(cloud.assignment(depth)))
    assert (outcome.fault, names(outcome), outcome.skipped) == (None, expected, ())


def test_a_server_of_ones_own_is_well_by_password(own: Tenancy) -> None:
    """Without a token there is nothing to ask for one."""
    outcome = own.run(own.attempt(own.assignment()))
    assert (outcome.fault, names(outcome)) == (None, USUAL[2:])
    assert step(outcome, "get_folder").facts["server_version"] == "15.2.1544.11"
    outcome = own.run(own.attempt(own.assignment(Depth.REACH)))
    assert (outcome.fault, names(outcome)) == (None, ["autodiscover_pox"])


def test_mail_that_comes_to_the_tenant_is_seen_the_next_time(cloud: Tenancy) -> None:
    """As is what goes."""
    cloud.run(cloud.attempt(cloud.assignment()))
    item = cloud.mailbox.deliver("news")
    outcome = cloud.run(cloud.attempt(cloud.assignment()))
    assert step(outcome, "sync_items").facts["items"] == 1
    cloud.mailbox.delete(FolderKind.INBOX, item.uid)
    outcome = cloud.run(cloud.attempt(cloud.assignment()))
    assert (outcome.fault, step(outcome, "sync_items").facts["gone"]) == (None, 1)


@pytest.mark.parametrize(
    ("fault", "where", "reason"),
    [
        ({"kind": "soap_code", "step": "get_folder", "code": "ErrorServerBusy"}, "get_folder", "server_busy"),
        (
            {"kind": "soap_code", "step": "free_busy", "code": "ErrorServerBusy", "back_off_ms": 5000},
            "free_busy",
            "throttled",
        ),
        (
            {"kind": "soap_code", "step": "sync_items", "code": "ErrorMailboxStoreUnavailable"},
            "sync_items",
            "mailbox_unavailable",
        ),
        ({"kind": "soap_code", "step": "out_of_office", "code": "ErrorNew"}, "out_of_office", "server_error"),
        ({"kind": "http", "step": "get_folder", "status": 403}, "get_folder", "client_misconfig"),
        ({"kind": "http", "step": "get_item", "status": 502}, "get_item", "server_error"),
        ({"kind": "html_page", "step": "sync_hierarchy"}, "sync_hierarchy", "protocol_violation"),
        ({"kind": "reset", "step": "subscribe_streaming", "at": "body"}, "subscribe_streaming", "connection_reset"),
        ({"kind": "push_drop", "step": "stream_wait", "after": 0}, "stream_wait", "push_channel_lost"),
    ],
)
def test_what_the_tenant_does_wrong_lands_where_it_should(
    cloud: Tenancy, fault: dict[str, Any], where: str, reason: str
) -> None:
    cloud.strike(**fault)
    try:
        outcome = cloud.run(cloud.attempt(cloud.assignment()))
    finally:
        cloud.clear()
    assert landed(outcome)[::2] == (where, reason)


# -- beside exchangelib --------------------------------------------------------------------------------------------


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doorway]:
    with doorway(tmp_path, Ews, tenant_of_one()) as opened:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(opened.ca_file))
        opened.on_loop(lambda: furnish(opened.tenant.mailboxes[ALICE], opened.tenant.clocks.now()))
        yield opened


def exchangelib(way: Doorway) -> Any:
    token = way.premises.doorkeeper.issue(APP, EXCHANGE)
    granted = {"access_token": token, "token_type": "Bearer", "expires_at": time.time() + 3000}
    credentials = OAuth2AuthorizationCodeCredentials(
        access_token=granted, identity=Identity(primary_smtp_address=ALICE)
    )
    configuration = Configuration(
        service_endpoint=f"{way.url}/EWS/Exchange.asmx", credentials=credentials, auth_type=OAUTH2
    )
    return Account(ALICE, config=configuration, access_type=IMPERSONATION, autodiscover=False)


async def ours(way: Doorway, memory: dict[str, str]) -> dict[str, dict[str, Fact]]:
    """Return the facts of our own transaction, by step."""
    route = Route(connect_to={"localhost": "127.0.0.1"}, tls=TlsPolicy(ca_file=str(way.ca_file)))
    network = Network(route)
    timeline = Timeline()
    token = way.premises.doorkeeper.issue(APP, EXCHANGE)
    tx = transaction(
        network.session(timeline),
        memory=memory,
        person=Somebody(token=token),
        endpoints={"ews": f"{way.url}/EWS/Exchange.asmx"},
        options=EwsOptions(stream_seconds=0.1),
        mailbox=ALICE,
    )
    tx.timeline = timeline
    tx.wall = time.time
    outcome = await perform(CLIENT, tx)
    await network.close()
    assert outcome.fault is None
    return {result.step: dict(result.facts) for result in outcome.results}


async def test_exchangelib_has_the_same_view_of_the_mailbox(way: Doorway) -> None:
    """The same folders by the same ids, as many items, the same newest one, and the same hours taken."""
    memory: dict[str, str] = {}
    facts = await ours(way, memory)
    account = exchangelib(way)

    def theirs() -> dict[str, Any]:
        newest = account.inbox.all().order_by("-datetime_received").only("id", "datetime_received")[0]
        start = int(time.time() // 1800 * 1800)
        begin = EWSDateTime.from_datetime(datetime.fromtimestamp(start, UTC))
        end = EWSDateTime.from_datetime(datetime.fromtimestamp(start + 86400, UTC))
        (view,) = account.protocol.get_free_busy_info([(account, "Organizer", False)], begin, end)
        return {
            "inbox": account.inbox.id,
            "items": account.inbox.total_count,
            "entries": account.calendar.total_count,
            "folders": len(list(account.root.sync_hierarchy())),
            "newest": newest.id,
            "received": newest.datetime_received.timestamp(),
            "busy": len(view.calendar_events or ()),
            "away": account.oof_settings.state,
        }

    try:
        told = await asyncio.to_thread(theirs)
    finally:
        account.protocol.close()
    assert told == {
        "inbox": memory["inbox"],
        "items": facts["get_folder"]["items"],
        "entries": facts["get_folder"]["entries"],
        "folders": facts["sync_hierarchy"]["folders"],
        "newest": memory["newest"],
        "received": float(memory["newest_received"]),
        "busy": facts["free_busy"]["entries"],
        "away": facts["out_of_office"]["state"],
    }
    assert facts["sync_items"]["items"] == told["items"] == 12
