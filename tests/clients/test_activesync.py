"""The phone against answers written out by hand, as SOGo and Exchange give them, and against SOGo itself."""

import imaplib
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from prober.clients.activesync import CLIENT
from prober.clients.activesync_channel import HeldPhone
from prober.clients.activesync_phone import ActiveSyncOptions
from prober.exchange import Headers, Reply
from prober.faults.taxonomy import CANARY_MISSING, Reason
from prober.model import Outcome, PushSettings
from prober.net.network import Network
from prober.net.route import Route, TlsPolicy
from prober.sightings import Sightings
from prober.timeline import Timeline
from prober.transaction import Transaction, perform
from prober.vocabulary import Depth, Environment
from tests.clients.eas_made import (
    CHALLENGE,
    MEMORY,
    URL,
    WALL,
    Person,
    Said,
    Server,
    added,
    estimated,
    folder_sync,
    folders,
    landed,
    names,
    offered,
    provisioned,
    run,
    step,
    sync_status,
    synced,
    transaction,
)
from tests.protocols.eas.made import answer, page, tag
from tests.servers.dovecot import ALICE, BOB, CAROL, PASSWORDS
from tests.servers.pki import Pki
from tests.servers.sogo import Sogo

# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_has_its_steps_in_order() -> None:
    """By the names of the specification."""
    assert [one.name for one in CLIENT.steps] == [
        *("health_page", "discover_eas", "options_anonymous", "oauth_challenge", "token_request", "options"),
        *("provision_fetch", "provision_ack", "folder_sync", "settings_user", "sync_prime", "item_estimate"),
        *("sync_fetch", "item_fetch", "canary", "search", "ping", "send_mail"),
    ]
    assert [one.name for one in CLIENT.steps if one.opt_in] == ["health_page", "search", "ping", "send_mail"]
    assert CLIENT.endpoints[0] == "activesync"


@pytest.mark.parametrize(
    "wrong",
    [
        {"device_type": "not a word"},
        {"window_size": 0},
        {"window_size": 513},
        {"filter_type": 6},
        {"ping_seconds": 0},
        {"ping_seconds": 3541},
        {"cold_every": 0},
    ],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    """At load, with a sentence."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ActiveSyncOptions(**wrong)


# -- a healthy server ----------------------------------------------------------------------------------------------


async def test_a_first_transaction_goes_all_the_way() -> None:
    """As against SOGo: no policy, a first key of -1, an empty answer for nothing new."""
    memory: MEMORY = {}
    outcome = await run(server := Server(), memory)
    assert outcome.fault is None
    assert names(outcome) == [
        *("options_anonymous", "options", "provision_fetch", "folder_sync", "settings_user", "sync_prime"),
        *("item_estimate", "sync_fetch", "item_fetch"),
    ]
    assert memory["sync_key"] == "1-4"
    assert all(fields["MS-ASProtocolVersion"] == "14.1" for fields in server.headers("Sync"))


async def test_later_transactions_go_on_with_their_keys() -> None:
    """Policy and first Sync are asked for once; the store is asked for the newest item every time."""
    memory: MEMORY = {}
    await run(Server(), memory)
    outcome = await run(
        server := Server(FolderSync=folder_sync(), Sync=answer(), GetItemEstimate=estimated("0")), memory
    )
    assert outcome.fault is None
    assert "Provision" not in server.asked
    assert names(outcome)[-2:] == ["sync_fetch", "item_fetch"]
    assert b"host_1_0" in server.bodies("FolderSync")[0]
    assert b"1-4" in server.bodies("Sync")[0]


async def test_now_and_then_all_keys_start_at_zero() -> None:
    """Every second time, when so configured."""
    memory: MEMORY = {}
    keys = []
    for _ in range(4):
        await run(server := Server(), memory, options=ActiveSyncOptions(cold_every=2))
        keys.append(b"\x030\x00" in server.bodies("FolderSync")[0])
    assert keys == [True, False, True, False]


async def test_an_empty_mailbox_is_healthy() -> None:
    """Also a virgin one, whose first key stays for ever."""
    memory: MEMORY = {}
    for _ in range(3):
        outcome = await run(Server(Sync=[synced("-1"), answer()], GetItemEstimate=estimated("0")), memory)
        memory.pop("sync_key")
        assert outcome.fault is None
        assert "item_fetch" in outcome.skipped


async def test_an_estimate_that_no_item_bears_out_is_no_fault() -> None:
    """SOGo estimates messages that are gone by now: of an emptied inbox it says 3, and gives none."""
    outcome = await run(Server(Sync=[synced("-1"), answer()], GetItemEstimate=estimated("3")))
    assert outcome.fault is None
    assert (step(outcome, "item_estimate").facts["estimate"], step(outcome, "sync_fetch").facts["items"]) == (3, 0)


async def test_reach_needs_no_credential() -> None:
    """In Exchange Online it wants to see OAuth."""
    bearer = {"WWW-Authenticate": 'Bearer authorization_uri="https://login.example.test/"'}
    server = Server(anonymous=[CHALLENGE, answer(status=401, headers=bearer)])
    outcome = await run(server, depth=Depth.REACH, environment=Environment.EXCHANGE_ONLINE)
    assert (names(outcome), outcome.fault) == (["options_anonymous", "oauth_challenge"], None)
    assert ("Authorization", "Bearer") in server.calls[1].headers
    assert "Authorization" not in dict(server.calls[0].headers)


async def test_strangers_must_not_be_let_in() -> None:
    """An anonymous 200 is no health."""
    outcome = await run(Server(anonymous=offered()))
    assert landed(outcome) == ("options_anonymous", "eas_anonymous_allowed", Reason.UNEXPECTED_CHALLENGE)


async def test_discovery_is_asked_where_it_is_configured() -> None:
    """And skipped elsewhere."""
    found = Reply(200, Headers(), b'{"Url":"https://eas.example.test/eas"}')
    both = {"activesync": URL, "autodiscover": "https://mail.example.test/autodiscover/autodiscover.json"}
    outcome = await run(Server(GET=found), endpoints=both)
    assert "discover_eas" in names(outcome)
    assert "discover_eas" in (await run(Server())).skipped


async def test_every_optional_step_is_run_when_named() -> None:
    """On Exchange Server."""
    searched = answer(page(0x0F) + tag(0x05, tag(0x0C, "1"), tag(0x0D, tag(0x07, tag(0x0C, "1")))))
    server = Server(GET=Reply(200, Headers(), b"200 OK"), Search=searched)
    optional = frozenset({"health_page", "search", "ping", "send_mail"})
    outcome = await run(server, steps=optional, environment=Environment.EXCHANGE_SERVER)
    assert outcome.fault is None
    assert optional <= set(names(outcome))
    assert b"To: <a@b>" in server.bodies("SendMail")[0]


# -- versions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "options", "versions", "expected"),
    [
        (Environment.EXCHANGE_ONLINE, {}, "16.1", "16.1"),
        (Environment.EXCHANGE_ONLINE, {}, "14.1,16.0,16.1", "16.1"),
        (Environment.EXCHANGE_SERVER, {}, "14.0,14.1,16.0,16.1", "16.1"),
        (Environment.EXCHANGE_SERVER, {}, "12.1,14.0,14.1", "14.1"),
        (Environment.EXCHANGE_SERVER, {"protocol_version": "14.1"}, "14.1,16.1", "14.1"),
        (Environment.EXCHANGE_ONLINE, {"protocol_version": "14.1"}, "16.1", "eas_version_retired"),
        (Environment.EXCHANGE_SERVER, {"protocol_version": "16.1"}, "14.1", "eas_version_not_offered"),
        (Environment.EXCHANGE_ONLINE, {}, "14.1", "eas_version_not_offered"),
    ],
)
async def test_a_version_is_agreed_on(
    environment: Environment, options: dict[str, Any], versions: str, expected: str
) -> None:
    """What Exchange Online has withdrawn is retired, not wrong."""
    server = Server(OPTIONS=offered(versions))
    outcome = await run(server, environment=environment, options=ActiveSyncOptions(**options))
    if expected.startswith("eas"):
        assert landed(outcome) == ("options", expected, Reason.CLIENT_MISCONFIG)
    else:
        assert server.headers("FolderSync")[0]["MS-ASProtocolVersion"] == expected


@pytest.mark.parametrize(
    ("code", "version", "environment", "expected"),
    [
        ("138", "14.1", Environment.EXCHANGE_ONLINE, "eas_version_retired"),
        ("138", "16.1", Environment.EXCHANGE_ONLINE, "eas_version_retired"),
        ("137", "14.1", Environment.EXCHANGE_ONLINE, "eas_version_retired"),
        ("137", "16.1", Environment.EXCHANGE_ONLINE, "eas_137"),
        ("138", "14.1", Environment.EXCHANGE_SERVER, "eas_138"),
    ],
)
async def test_a_version_that_a_command_refuses_online_is_retired(
    code: str, version: Literal["14.1", "16.1"], environment: Environment, expected: str
) -> None:
    """138 names the version, 137 a command; on a server of one's own either is a matter of set-up."""
    server = Server(OPTIONS=offered("14.1,16.1"), FolderSync=folder_sync(code))
    outcome = await run(server, environment=environment, options=ActiveSyncOptions(protocol_version=version))
    assert landed(outcome)[1] == expected


# -- policies ------------------------------------------------------------------------------------------------------

POLICY = [provisioned("1", tag(0x09, "111")), provisioned("1", tag(0x09, "222"))]


async def test_a_policy_is_acknowledged_and_its_key_kept() -> None:
    """The temporary key acknowledges, the final one goes with every command."""
    memory: MEMORY = {}
    outcome = await run(server := Server(Provision=POLICY), memory)
    assert outcome.fault is None
    assert [fields["X-MS-PolicyKey"] for fields in server.headers("Provision")] == ["0", "111"]
    assert server.headers("FolderSync")[0]["X-MS-PolicyKey"] == memory["policy_key"] == "222"


async def test_a_policy_that_may_not_be_acknowledged_stops_the_transaction() -> None:
    """By our own setting; nothing is claimed."""
    server = Server(Provision=POLICY)
    outcome = await run(server, options=ActiveSyncOptions(acknowledge_policy=False))
    assert landed(outcome) == ("provision_ack", "eas_policy_not_acknowledged", Reason.ACCESS_POLICY)
    assert server.asked.count("Provision") == 1


@pytest.mark.parametrize("wish", [answer(status=449), folder_sync("142"), folder_sync("143"), folder_sync("144")])
async def test_a_server_that_wants_provisioning_gets_it_once(wish: Reply) -> None:
    """And then the same command again; a second wish is the failure."""
    memory: MEMORY = {"policy_key": "9"}
    outcome = await run(server := Server(FolderSync=[wish, folders()], Provision=POLICY), memory)
    assert outcome.fault is None
    assert memory["policy_key"] == "222"
    assert [fields["X-MS-PolicyKey"] for fields in server.headers("FolderSync")] == ["9", "222"]
    outcome = await run(server := Server(FolderSync=wish, Provision=POLICY), {"policy_key": "9"})
    assert landed(outcome)[::2] == ("folder_sync", Reason.ACCESS_POLICY)
    assert server.asked.count("FolderSync") == 2


async def test_a_transaction_is_provisioned_again_no_more_than_once() -> None:
    """However many of its commands want it."""
    server = Server(FolderSync=[folder_sync("142"), folders()], Settings=answer(status=449), Provision=POLICY)
    outcome = await run(server, {"policy_key": "9"})
    assert landed(outcome) == ("settings_user", "eas_http_449", Reason.ACCESS_POLICY)
    assert server.asked.count("Settings") == 1


async def test_an_order_to_wipe_is_never_acknowledged() -> None:
    """Wherever it comes."""
    wipe = answer(page(0x0E) + tag(0x05, tag(0x0B, "1"), tag(0x0C)))
    outcome = await run(server := Server(Provision=wipe))
    assert landed(outcome) == ("provision_fetch", "eas_remote_wipe", Reason.ACCESS_POLICY)
    assert server.asked.count("Provision") == 1
    outcome = await run(Server(FolderSync=folder_sync("140")))
    assert landed(outcome)[1] == "eas_remote_wipe"


# -- a server that is unwell ---------------------------------------------------------------------------------------


async def test_a_hierarchy_without_inbox_is_a_mailbox_out_of_reach() -> None:
    """SOGo without its mail store says that all is well, and shows calendars."""
    outcome = await run(Server(FolderSync=folder_sync("1", "k", added("vevent%2Fpersonal", "8"))))
    assert landed(outcome) == ("folder_sync", "eas_no_inbox", Reason.MAILBOX_UNAVAILABLE)


async def test_an_inbox_that_is_said_to_be_deleted_is_out_of_reach() -> None:
    """What SOGo tells a device that has keys; it is asked for everything the next time."""
    memory: MEMORY = {}
    await run(Server(), memory)
    gone = folder_sync("1", "k2", tag(0x10, tag(0x08, "mail%2F1")))
    assert landed(await run(Server(FolderSync=gone), memory))[1] == "eas_no_inbox"
    outcome = await run(server := Server(), memory)
    assert outcome.fault is None
    assert b"\x030\x00" in server.bodies("FolderSync")[0]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"OPTIONS": answer(status=401)}, ("options", "http_401", Reason.AUTH_REJECTED)),
        ({"OPTIONS": answer(status=503)}, ("options", "http_503", Reason.SERVER_BUSY)),
        ({"FolderSync": folder_sync("6")}, ("folder_sync", "eas_folder_sync_6", Reason.SERVER_ERROR)),
        ({"FolderSync": folder_sync("177")}, ("folder_sync", "eas_177", Reason.CLIENT_MISCONFIG)),
        ({"FolderSync": folder_sync("114")}, ("folder_sync", "eas_114", Reason.MAILBOX_UNAVAILABLE)),
        ({"FolderSync": answer()}, ("folder_sync", "empty_reply", Reason.PROTOCOL_VIOLATION)),
        (
            {"FolderSync": Reply(200, body=b"<html>")},
            ("folder_sync", "html_instead_of_data", Reason.PROTOCOL_VIOLATION),
        ),
        ({"Sync": sync_status("13")}, ("sync_prime", "eas_sync_13", Reason.SERVER_ERROR)),
        ({"Sync": answer()}, ("sync_prime", "empty_reply", Reason.PROTOCOL_VIOLATION)),
        ({"Sync": [synced("-1"), sync_status("5")]}, ("sync_fetch", "eas_sync_5", Reason.SERVER_ERROR)),
        ({"Sync": [synced("-1"), sync_status("16")]}, ("sync_fetch", "eas_sync_16", Reason.SERVER_BUSY)),
        ({"ItemOperations": answer(status=500)}, ("item_fetch", "http_500", Reason.SERVER_ERROR)),
    ],
)
async def test_each_failure_lands_in_its_step(
    answers: dict[str, Said | list[Said]], expected: tuple[str, str, Reason]
) -> None:
    """By its own code."""
    assert landed(await run(Server(**answers))) == expected


async def test_a_hierarchy_key_that_is_refused_is_given_up_once() -> None:
    """9, and from the beginning; a server that refuses key 0 too is at fault."""
    memory: MEMORY = {}
    await run(Server(), memory)
    outcome = await run(server := Server(FolderSync=[folder_sync("9"), folders()]), memory)
    assert outcome.fault is None
    assert b"\x030\x00" in server.bodies("FolderSync")[1]
    outcome = await run(Server(FolderSync=folder_sync("9")), memory)
    assert landed(outcome) == ("folder_sync", "eas_folder_sync_9", Reason.SERVER_ERROR)


async def test_a_sync_key_that_is_refused_is_primed_anew_once() -> None:
    """3, a first key, and the same question again."""
    memory: MEMORY = {}
    await run(Server(), memory)
    recovering = [sync_status("3"), synced("-1"), synced("1-5", "2"), answer()]
    outcome = await run(Server(FolderSync=folder_sync(), Sync=recovering), memory)
    assert outcome.fault is None
    assert step(outcome, "sync_fetch").facts["key"] == "refused"
    outcome = await run(
        Server(FolderSync=folder_sync(), Sync=[sync_status("3"), synced("-1"), sync_status("3")]), memory
    )
    assert landed(outcome)[1:] == ("eas_sync_3", Reason.SERVER_ERROR)


async def test_an_item_that_was_deleted_meanwhile_is_forgotten() -> None:
    """No fault of anybody."""
    memory: MEMORY = {}
    gone = answer(page(0x14) + tag(0x05, tag(0x0D, "1"), tag(0x0E, tag(0x06, tag(0x0D, "6")))))
    outcome = await run(Server(ItemOperations=gone), memory)
    assert outcome.fault is None
    assert "newest" not in memory


async def test_somebody_elses_mailbox_is_a_matter_of_set_up() -> None:
    """The addresses tell."""
    user = tag(0x1D, tag(0x06, "1"), tag(0x07, tag(0x1E, tag(0x1F, "other@b"))))
    outcome = await run(Server(Settings=answer(page(0x12) + tag(0x05, tag(0x06, "1"), user))))
    assert landed(outcome) == ("settings_user", "eas_address_not_listed", Reason.CLIENT_MISCONFIG)
    assert "other" not in str(outcome.fault)


# -- 451 -----------------------------------------------------------------------------------------------------------


async def test_a_mailbox_that_moved_is_followed_once() -> None:
    """To a host of the mailbox's own domain; every later command goes there too."""
    there = "https://eas2.b/Microsoft-Server-ActiveSync"
    moved = answer(status=451, headers={"X-MS-Location": there})
    outcome = await run(server := Server(FolderSync=[moved, folders()]))
    assert outcome.fault is None
    assert server.calls[-1].url.startswith(there)
    outcome = await run(server := Server(FolderSync=moved))
    assert landed(outcome) == ("folder_sync", "eas_moved", Reason.REDIRECT_LOOP)
    assert server.asked.count("FolderSync") == 2
    outcome = await run(server := Server(FolderSync=[moved, folders()], Settings=moved))
    assert landed(outcome) == ("settings_user", "eas_moved", Reason.REDIRECT_LOOP)
    assert server.asked.count("Settings") == 1


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://eas2.b/eas",
        "https://elsewhere.invalid/eas",
        "https://eas2.example.test/eas",
        "https://x.b:pw@elsewhere.invalid/eas",
        "https://[b",
    ],
)
async def test_the_credential_is_not_carried_elsewhere(location: str) -> None:
    """Nor over a plain connection."""
    moved = answer(status=451, headers={"X-MS-Location": location})
    for command in ("OPTIONS", "FolderSync"):
        outcome = await run(server := Server(**{command: moved}))
        assert landed(outcome)[2] is Reason.REDIRECT_LOOP
        assert {urlsplit(call.url).hostname for call in server.calls} == {"mail.example.test"}


# -- the canary ----------------------------------------------------------------------------------------------------


def searched(results: int, status: str = "1") -> Reply:
    """Return what a search found; an empty result stands for none (MS-ASCMD section 2.2.1.16)."""
    found = [tag(0x0E, tag(0x10, "Email"))] * results or [tag(0x0E)]
    return answer(page(0x0F) + tag(0x05, tag(0x0C, "1"), tag(0x0D, tag(0x07, tag(0x0C, status), *found))))


@pytest.mark.parametrize(("results", "told"), [(1, "seen"), (0, "absent")])
async def test_the_canary_is_searched_for_by_its_marker(results: int, told: str) -> None:
    """In the inbox, after the newest item; its absence alone is no fault: nobody else has seen it."""
    outcome = await run(server := Server(Search=searched(results)), canary="x7-canary")
    assert outcome.fault is None
    assert step(outcome, "canary").facts["canary"] == told
    assert names(outcome)[-2:] == ["item_fetch", "canary"]
    assert b"x7-canary" in server.bodies("Search")[0]
    assert b"mail%2F1" in server.bodies("Search")[0]


async def test_a_canary_that_another_client_sees_is_missed() -> None:
    """Green but empty is stale; the marker is in no record."""
    sightings = Sightings()
    sightings.saw_canary("activesync", seen=False, now=WALL - 120)
    sightings.saw_canary("imap4", seen=True, now=WALL - 60)
    outcome = await run(Server(Search=searched(0)), canary="x7-canary", sightings=sightings)
    assert landed(outcome) == ("canary", CANARY_MISSING.code, Reason.STALE_DATA)
    assert "x7" not in repr(outcome)


async def test_a_search_that_fails_says_nothing_of_the_canary() -> None:
    """It is a fault of its own."""
    outcome = await run(Server(Search=searched(0, "7")), canary="x7-canary")
    assert landed(outcome) == ("canary", "eas_search_7", Reason.SERVER_ERROR)


async def test_without_a_canary_nothing_is_searched_for() -> None:
    """The step does not belong to the transaction."""
    assert "canary" not in (*names(outcome := await run(Server())), *outcome.skipped)


# -- SOGo itself ---------------------------------------------------------------------------------------------------


async def phone(sogo: Sogo, pki: Pki, user: str, memory: MEMORY, **more: Any) -> Transaction:
    """Return a transaction of `user` with the real network."""
    timeline = Timeline()
    session = Network(Route(tls=TlsPolicy(ca_file=str(pki.ca_file)))).session(timeline)
    where = {"activesync": sogo.url}
    return transaction(session, memory=memory, person=Person(user), endpoints=where, timeline=timeline, **more)


async def look(sogo: Sogo, pki: Pki, user: str, memory: MEMORY, **more: Any) -> Outcome:
    return await perform(CLIENT, await phone(sogo, pki, user, memory, **more))


async def test_sogo_is_healthy_cold_and_warm(sogo: Sogo, pki: Pki) -> None:
    """The whole transaction, with every optional step that SOGo has."""
    sogo.deliver(ALICE, "For the phone")
    memory: MEMORY = {}
    for _ in range(2):
        outcome = await look(sogo, pki, ALICE, memory)
        assert (outcome.fault, names(outcome)[-1]) == (None, "item_fetch")
    options = ActiveSyncOptions(ping_seconds=5, base64_query=False)
    outcome = await look(sogo, pki, ALICE, memory, steps=frozenset({"search", "ping", "send_mail"}), options=options)
    assert (outcome.fault, names(outcome)[-3:]) == (None, ["search", "ping", "send_mail"])
    assert step(outcome, "ping").facts["status"] == "1"


async def test_sogo_shows_the_canary(sogo: Sogo, pki: Pki) -> None:
    """A subject is searched by ActiveSync as by anybody."""
    sogo.deliver(ALICE, "x7canary stays here")
    assert step(await look(sogo, pki, ALICE, {}, canary="x7canary"), "canary").facts["canary"] == "seen"
    assert step(await look(sogo, pki, ALICE, {}, canary="x8canary"), "canary").facts["canary"] == "absent"


async def test_a_message_deleted_behind_the_phones_back_is_no_outage(sogo: Sogo, pki: Pki) -> None:
    """The newest message goes between two transactions."""
    sogo.deliver(ALICE, "Soon gone")
    memory: MEMORY = {}
    assert (await look(sogo, pki, ALICE, memory)).fault is None
    empty_inbox(sogo, ALICE)
    assert (await look(sogo, pki, ALICE, memory)).fault is None
    assert (await look(sogo, pki, ALICE, memory)).fault is None


def empty_inbox(sogo: Sogo, user: str) -> None:
    """Delete all messages of `user` by IMAP."""
    with imaplib.IMAP4("127.0.0.1", sogo.dovecot.imap_port) as program:
        program.login(user, PASSWORDS[user])
        program.select("INBOX")
        program.store("1:*", "+FLAGS", "\\Deleted")
        program.expunge()


@pytest.mark.parametrize("user", [BOB, CAROL])
async def test_sogo_without_its_mail_store_is_seen_to_be_down(sogo: Sogo, pki: Pki, user: str) -> None:
    """Whether the phone has keys or not, whether there is mail or not: the front end answers 200 to everything."""
    warm: MEMORY = {}
    assert (await look(sogo, pki, user, warm)).fault is None
    with sogo.mail_down():
        for memory in (warm, {}):
            outcome = await look(sogo, pki, user, memory)
            assert landed(outcome) == ("folder_sync", "eas_no_inbox", Reason.MAILBOX_UNAVAILABLE)
    assert (await look(sogo, pki, user, warm)).fault is None


async def test_sogo_without_its_database_is_seen_to_be_down(sogo: Sogo, pki: Pki) -> None:
    """It still knows its users and answers 200."""
    memory: MEMORY = {}
    assert (await look(sogo, pki, ALICE, memory)).fault is None
    with sogo.database_down():
        assert landed(await look(sogo, pki, ALICE, memory)) == ("sync_prime", "eas_sync_13", Reason.SERVER_ERROR)
    assert (await look(sogo, pki, ALICE, memory)).fault is None


async def test_sogo_tells_a_waiting_phone_of_news(sogo: Sogo, pki: Pki) -> None:
    """Told at once of what came before the Ping, then quiet: no busy loop."""
    tx = await phone(sogo, pki, ALICE, {}, push=PushSettings(hold=5, life=60))
    channel = HeldPhone()
    try:
        await channel.open(tx)
        sogo.deliver(ALICE, "News")
        assert await channel.wait(tx, 30) is True
        assert await channel.wait(tx, 5) is False
    finally:
        await channel.close(tx)
        await tx.close()


async def test_old_paths_that_are_still_open_in_the_cloud_are_told() -> None:
    """What has been withdrawn and answers all the same; on a server of one's own it was never withdrawn."""
    refused = answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    for environment, found in (
        (Environment.EXCHANGE_ONLINE, ["basic", "eas_below_16_1"]),
        (Environment.EXCHANGE_SERVER, []),
    ):
        server = Server(anonymous=refused, OPTIONS=offered("14.1,16.0,16.1"))
        outcome = await run(server, environment=environment)
        assert [one.facts["open_path"] for one in outcome.results if "open_path" in one.facts] == found
