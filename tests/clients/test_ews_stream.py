"""The stream as it is held: by a script with a clock of its own, and against the simulated tenant."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from prober.clients.ews_stream import GRACE, SILENCE, HeldStream
from prober.exchange import Reply
from prober.faults.taxonomy import BAD_REPLY, PEER_RESET, Fault, FaultError, Reason
from prober.model import PushSettings
from prober.schedule.markers import Tidying
from prober.simulator.mailbox import FolderKind
from prober.transaction import Marking, Transaction
from tests.clients.ews_made import (
    Hands,
    Line,
    Piece,
    Server,
    Tenancy,
    arrival,
    items,
    notice,
    tenancy,
    transaction,
)
from tests.protocols.ews.made import answer, document, failed, plain, refused

BREATHS: tuple[Piece, ...] = (45.0, notice()) * 12
"""Nine minutes of a stream on which nothing happens."""


def scripted(*scripts: tuple[Piece, ...], **answers: Any) -> Server:
    """Return a server whose streams go by these scripts, one after the other, each saying first that it is open."""
    server = Server(SyncFolderItems=items("i1"), Subscribe=Server().answers["Subscribe"])
    server.answers |= {name: said if isinstance(said, list) else [said] for name, said in answers.items()}
    server.lines = [Line(server.hands, notice(), *script) for script in scripts]
    return server


async def opened(
    server: Server, hold: float = 480.0, memory: dict[str, str] | None = None
) -> tuple[HeldStream, Transaction]:
    tx = transaction(server, push=PushSettings(hold=hold), memory=memory)
    held = HeldStream()
    await held.open(tx)
    return held, tx


async def lost(server: Server, seconds: float = 480.0) -> Fault:
    """Return the fault with which a hold ends."""
    held, tx = await opened(server)
    with pytest.raises(FaultError) as caught:
        await held.wait(tx, seconds)
    return caught.value.fault


class Refused(Line):
    """A stream that is not given."""

    def __init__(self, hands: Hands, said: Reply) -> None:
        super().__init__(hands, status=said.status)
        self._said = said

    async def rest(self) -> Reply:
        return self._said


# -- open ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hold", "minutes"), [(480.0, b"8"), (481.0, b"9"), (30.0, b"1"), (0.0, b"1"), (7200.0, b"30")]
)
async def test_a_stream_is_asked_for_as_long_as_a_hold(hold: float, minutes: bytes) -> None:
    """Within the minutes that the service allows; all at one server."""
    server = scripted(())
    await opened(server, hold)
    assert server.asked == ["Subscribe", "SyncFolderItems", "GetStreamingEvents"]
    assert b"<m:ConnectionTimeout>" + minutes + b"<" in server.bodies("GetStreamingEvents")[0]
    assert server.headers("GetStreamingEvents")[0]["X-PreferServerAffinity"] == "true"


async def test_every_way_for_an_item_to_come_is_subscribed_to() -> None:
    """Saved and moved ones raise no event of new mail."""
    server = scripted(())
    await opened(server)
    for name in (b"NewMailEvent", b"CreatedEvent", b"MovedEvent", b"CopiedEvent"):
        assert b"<t:EventType>" + name in server.bodies("Subscribe")[0]


async def test_what_the_client_knows_of_the_inbox_is_where_it_begins() -> None:
    """And what it knows stays as it is: the channel counts for itself."""
    memory = {"inbox_state": "known"}
    server = scripted(())
    await opened(server, memory=memory)
    assert b"<m:SyncState>known<" in server.bodies("SyncFolderItems")[0]
    assert memory == {"inbox_state": "known", "held_subscription": "s1"}


async def test_a_subscription_that_a_lost_channel_has_left_is_ended() -> None:
    """By the next one."""
    memory: dict[str, str] = {}
    await opened(scripted(()), memory=memory)
    await opened(server := scripted(()), memory=memory)
    assert server.asked[:2] == ["Unsubscribe", "Subscribe"]


async def test_a_stream_that_cannot_be_opened_is_hung_up() -> None:
    server = Server()
    server.lines = [Line(server.hands)]
    with pytest.raises(FaultError) as caught:
        await opened(server)
    assert caught.value.fault.kind.code == "ews_stream_silent"
    assert server.opened_lines[0].closed


# -- hold ----------------------------------------------------------------------------------------------------------


async def test_news_wake_the_hold_at_once() -> None:
    server = scripted((45.0, notice(), 10.0, notice("OK", "a"), *BREATHS))
    held, tx = await opened(server)
    began = server.hands.now
    assert await held.wait(tx, 480.0) is True
    assert server.hands.now - began == 55.0


async def test_a_quiet_hold_lasts_its_time_on_one_connection() -> None:
    """Its breath is all that comes; at its end the inbox is looked at once."""
    server = scripted(BREATHS)
    held, tx = await opened(server, 1800.0)
    began = server.hands.now
    assert await held.wait(tx, 480.0) is False
    assert server.hands.now - began == 480.0
    assert server.asked.count("GetStreamingEvents") == 1
    assert server.asked.count("SyncFolderItems") == 2


async def test_envelopes_in_pieces_are_breath_too() -> None:
    whole = notice()
    server = scripted((50.0, whole[:100], 50.0, whole[100:], 50.0, notice("OK", "a")))
    held, tx = await opened(server)
    assert await held.wait(tx, 480.0) is True


async def test_silence_is_a_lost_channel() -> None:
    """After a minute without a byte, long before the hold is over."""
    server = scripted((45.0, notice()))
    fault = await lost(server)
    assert (fault.kind.code, fault.reason) == ("ews_stream_silent", Reason.PUSH_CHANNEL_LOST)
    assert server.hands.now == 1000.0 + 45.0 + SILENCE


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ((30.0, b""), "ews_stream_lost"),
        ((30.0, notice()[:50], b""), "ews_stream_lost"),
        ((30.0, FaultError(PEER_RESET)), "ews_stream_lost"),
        ((30.0, notice("Closed")), "ews_stream_lost"),
        (
            (
                30.0,
                document(answer("GetStreamingEvents", refused("GetStreamingEvents", "ErrorMissedNotificationEvents"))),
            ),
            "ews_missed_notification_events",
        ),
        (
            (30.0, document(answer("GetStreamingEvents", refused("GetStreamingEvents", "ErrorSubscriptionNotFound")))),
            "ews_subscription_not_found",
        ),
    ],
)
async def test_an_end_before_its_time_is_a_lost_channel(script: tuple[Piece, ...], code: str) -> None:
    fault = await lost(scripted(script))
    assert (fault.kind.code, fault.reason) == (code, Reason.PUSH_CHANNEL_LOST)


async def test_a_connection_whose_time_has_come_is_opened_anew() -> None:
    """On the same subscription; what happened in between is told of there."""
    server = scripted((*(45.0, notice()) * 10, 29.0, notice("Closed")), (20.0, notice("OK", "a")))
    held, tx = await opened(server)
    assert await held.wait(tx, 1000.0) is True
    assert server.opened_lines[0].closed
    assert server.asked.count("Subscribe") == 1
    assert server.asked.count("GetStreamingEvents") == 2


async def test_news_with_the_first_word_are_news() -> None:
    """What happened between two connections comes at once."""
    server = scripted(())
    server.lines = [Line(server.hands, notice("OK", "a"), *BREATHS)]
    held, tx = await opened(server)
    assert await held.wait(tx, 480.0) is True
    assert server.hands.now == 1000.0


async def test_a_stream_that_breaks_the_rules_is_not_called_lost() -> None:
    """Bytes that are no HTTP are the server's fault in another way."""
    assert (await lost(scripted((1.0, FaultError(BAD_REPLY))))).kind is BAD_REPLY


async def test_a_channel_that_was_never_opened_cannot_be_held() -> None:
    """But left it can be."""
    tx = transaction(scripted(()))
    with pytest.raises(FaultError) as caught:
        await HeldStream().wait(tx, 60.0)
    assert caught.value.fault.kind.code == "ews_stream_lost"
    await HeldStream().close(tx)


async def test_news_with_the_last_word_are_news() -> None:
    server = scripted((*(45.0, notice()) * 10, 29.0, notice("Closed", "a")), BREATHS)
    held, tx = await opened(server)
    assert await held.wait(tx, 1000.0) is True
    assert server.asked.count("GetStreamingEvents") == 2


@pytest.mark.parametrize(
    ("status", "headers", "code", "reason"),
    [
        (401, {"x-ms-diagnostics": '2000002;reason="The token has expired."'}, "http_401_token_expired", None),
        (503, {"Retry-After": "60"}, "http_throttled", Reason.THROTTLED),
        (403, {}, "ews_retired", Reason.CLIENT_MISCONFIG),
    ],
)
async def test_a_connection_that_is_refused_the_second_time_says_why(
    status: int, headers: dict[str, str], code: str, reason: Reason | None
) -> None:
    """A token that stays expired among others."""
    server = scripted((*(45.0, notice()) * 10, 29.0, notice("Closed")))
    server.lines.append(Refused(server.hands, plain(b"", status, headers)))
    held, tx = await opened(server)
    with pytest.raises(FaultError) as caught:
        await held.wait(tx, 1000.0)
    assert caught.value.fault.kind.code == code
    assert caught.value.fault.reason is (reason or Reason.AUTH_REJECTED)


async def test_a_token_that_has_expired_meanwhile_is_renewed() -> None:
    """And the stream goes on."""
    server = scripted((*(45.0, notice()) * 10, 29.0, notice("Closed")))
    expired = plain(b"", 401, {"x-ms-diagnostics": '2000002;reason="The token has expired."'})
    server.lines += [Refused(server.hands, expired), Line(server.hands, notice(), 5.0, notice("OK", "a"))]
    held, tx = await opened(server)
    assert await held.wait(tx, 1000.0) is True
    assert server.asked.count("GetStreamingEvents") == 3


# -- the stream and the inbox --------------------------------------------------------------------------------------


async def test_a_stream_that_missed_what_came_is_a_lost_channel() -> None:
    """It breathed all the time, and said nothing of the item that the inbox shows."""
    server = scripted(BREATHS, SyncFolderItems=[items("i1"), items("i2", arrival("a", 1))])
    fault = await lost(server)
    assert (fault.kind.code, fault.reason) == ("ews_stream_missed", Reason.PUSH_CHANNEL_LOST)
    assert fault.evidence == {"arrived": "1", "told": "0"}
    assert server.hands.now == 1000.0 + 480.0 + GRACE
    assert b"<m:SyncState>i1<" in server.bodies("SyncFolderItems")[1]


async def test_news_that_are_a_little_late_are_no_loss() -> None:
    """What came in the last moment is seen before it is told of."""
    server = scripted(
        (*(45.0, notice()) * 10, 35.0, notice("OK", "a")),
        SyncFolderItems=[items("i1"), items("i2", arrival("a", 1)), items("i3")],
    )
    held, tx = await opened(server)
    assert await held.wait(tx, 480.0) is True


async def test_what_was_told_of_is_not_missed() -> None:
    """However many times it was told."""
    server = scripted(
        (10.0, notice("OK", "a"), 10.0, notice("OK", "a"), *BREATHS),
        SyncFolderItems=[items("i1"), items("i2", arrival("a", 1)), items("i3", arrival("b", 2))],
    )
    held, tx = await opened(server, 1800.0)
    assert [await held.wait(tx, 60.0) for _ in range(3)] == [True, True, False]
    with pytest.raises(FaultError) as caught:
        await held.wait(tx, 60.0)
    assert caught.value.fault.kind.code == "ews_stream_missed"


async def test_what_only_went_is_not_missed() -> None:
    server = scripted(BREATHS, SyncFolderItems=[items("i1"), items("i2", '<t:Delete><t:ItemId Id="x"/></t:Delete>')])
    held, tx = await opened(server)
    assert await held.wait(tx, 480.0) is False


async def test_an_inbox_learnt_from_nothing_proves_nothing() -> None:
    """Its state was refused, and what is in it may have been there before."""
    answers = [items("i1"), failed("SyncFolderItems", "ErrorInvalidSyncStateData"), items("i2", arrival("a", 1))]
    server = scripted(BREATHS, SyncFolderItems=answers)
    held, tx = await opened(server)
    assert await held.wait(tx, 480.0) is False


async def test_a_busy_inbox_is_looked_at_in_between() -> None:
    """So that what was told of need not be kept for ever."""
    news = notice("OK", *(f"i{number}" for number in range(500)))
    server = scripted((1.0, news, *BREATHS))
    held, tx = await opened(server)
    assert await held.wait(tx, 60.0) is True
    assert server.asked.count("SyncFolderItems") == 2
    assert held._told == set()


# -- markers and leave ---------------------------------------------------------------------------------------------


async def test_a_marker_is_saved_and_taken_back() -> None:
    server = scripted(())
    held = HeldStream()
    assert isinstance(held, Marking)
    assert isinstance(held, Tidying)
    tx = transaction(server)
    await held.mark(tx)
    await held.tidy(tx)
    await held.tidy(tx)
    assert server.asked == ["CreateItem", "DeleteItem"]
    assert b'<t:ItemId Id="m"/>' in server.bodies("DeleteItem")[0]
    assert b'MessageDisposition="SaveOnly"' in server.bodies("CreateItem")[0]


@pytest.mark.parametrize("refusal", [None, failed("Unsubscribe", "ErrorSubscriptionNotFound"), FaultError(PEER_RESET)])
async def test_leave_is_taken_whatever_the_server_says(refusal: Reply | FaultError | None) -> None:
    server = scripted(())
    held, tx = await opened(server)
    if refusal is not None:
        server.answers["Unsubscribe"] = [refusal]
    await held.close(tx)
    assert server.opened_lines[0].closed
    assert server.asked[-1] == "Unsubscribe"
    assert "held_subscription" not in tx.device.memory


# -- the tenant ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenancy]:
    yield from tenancy(tmp_path_factory.mktemp("cloud"))


async def held_open(cloud: Tenancy) -> tuple[HeldStream, Transaction]:
    tx = cloud.assembly.open(cloud.assignment(push=PushSettings(hold=120.0)))
    held = HeldStream()
    await held.open(tx)
    return held, tx


def test_a_delivery_to_the_tenant_wakes_the_hold(cloud: Tenancy) -> None:
    """Within moments; after it the stream goes on."""

    async def play() -> tuple[list[bool], float]:
        held, tx = await held_open(cloud)
        began = cloud.loop.time()
        cloud.loop.call_later(30, cloud.mailbox.deliver, "news")
        told = [await held.wait(tx, 120.0)]
        took = cloud.loop.time() - began
        told.append(await held.wait(tx, 60.0))
        cloud.loop.call_later(10, cloud.mailbox.deliver, "more news")
        told.append(await held.wait(tx, 120.0))
        await held.close(tx)
        return told, took

    told, took = cloud.run(play())
    assert told == [True, False, True]
    assert 30 <= took < 45


def test_a_marker_in_the_tenant_wakes_the_hold(cloud: Tenancy) -> None:
    """It is left and taken back by other connections, and leaves nothing behind."""

    async def play() -> list[bool]:
        held, tx = await held_open(cloud)
        beside = cloud.assembly.open(cloud.assignment())
        waiting = asyncio.ensure_future(held.wait(tx, 120.0))
        await held.mark(beside)
        told = [await waiting]
        await held.tidy(beside)
        told.append(await held.wait(tx, 60.0))
        await beside.close()
        await held.close(tx)
        return told

    before = len(cloud.mailbox.folders[FolderKind.INBOX].items)
    assert cloud.run(play()) == [True, False]
    assert len(cloud.mailbox.folders[FolderKind.INBOX].items) == before


def test_a_hold_outlives_connections_and_tokens_of_the_tenant(cloud: Tenancy) -> None:
    """Six minutes on connections of two, with tokens of two and a half."""

    async def play() -> list[bool]:
        held, tx = await held_open(cloud)
        told = [await held.wait(tx, 120.0) for _ in range(3)]
        await held.close(tx)
        return told

    cloud.simulator.premises.doorkeeper.lifetime = 150
    try:
        assert cloud.run(play()) == [False] * 3
    finally:
        cloud.simulator.premises.doorkeeper.lifetime = 3599


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "push_silent", "step": "stream_wait"}, "ews_stream_silent"),
        ({"kind": "push_silent", "step": "stream_wait", "says": "no_change"}, "ews_stream_missed"),
        ({"kind": "push_drop", "step": "stream_wait", "after": 20}, "ews_stream_lost"),
    ],
)
def test_what_the_tenants_stream_does_wrong_is_a_lost_channel(cloud: Tenancy, fault: dict[str, Any], code: str) -> None:
    """Also when it only holds its tongue about what came."""

    async def play() -> Fault:
        cloud.strike(**fault)
        try:
            held, tx = await held_open(cloud)
        finally:
            cloud.clear()
        if fault["kind"] == "push_silent":
            cloud.loop.call_later(10, cloud.mailbox.deliver, "news")
        with pytest.raises(FaultError) as caught:
            await held.wait(tx, 70.0)
        await held.close(tx)
        return caught.value.fault

    found = cloud.run(play())
    assert (found.kind.code, found.reason) == (code, Reason.PUSH_CHANNEL_LOST)
