"""The phone's waiting request against answers written out by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from prober.clients.activesync_channel import HeldPhone
from prober.clients.activesync_phone import ActiveSyncOptions
from prober.exchange import Call, Reply
from prober.faults.taxonomy import NO_ANSWER, PEER_CLOSED, PEER_RESET, Fault, FaultError, Kind, Reason
from prober.model import PushSettings
from prober.schedule.markers import Verifying
from prober.timeline import Timeline
from prober.transaction import Marking, Transaction
from tests.clients.eas_made import (
    MEMORY,
    Said,
    Server,
    Ticks,
    changed,
    item,
    limited,
    offered,
    pinged,
    synced,
    transaction,
)
from tests.protocols.eas.made import answer, tag

# -- the channel ---------------------------------------------------------------------------------------------------


async def held(
    server: Server, tick: float = 0.0, memory: MEMORY | None = None, **more: Any
) -> tuple[HeldPhone, Transaction]:
    tx = transaction(server, memory={} if memory is None else memory, timeline=Timeline(Ticks(tick)), **more)
    channel = HeldPhone()
    await channel.open(tx)
    return channel, tx


async def fault_of(wait: Callable[[], Any]) -> Fault:
    with pytest.raises(FaultError) as caught:
        await wait()
    return caught.value.fault


async def test_a_quiet_channel_holds_and_one_with_news_is_brought_to_rest() -> None:
    """After news the folder is read to its end, or every Ping would return at once."""
    channel, tx = await held(server := Server(Ping=[pinged("1"), pinged("2")]), tick=100.0)
    assert await channel.wait(tx, 300) is False
    server.answers["Sync"] = [synced("2-9", "2"), answer()]
    assert await channel.wait(tx, 300) is True
    assert server.asked[-1] == "Ping"
    assert await channel.wait(tx, 300) is True
    assert server.asked[-3:] == ["Sync", "Sync", "Ping"]
    assert b"\x03200\x00" in server.bodies("Ping")[0]
    await channel.close(tx)


async def test_the_heartbeat_that_the_server_names_is_adopted() -> None:
    """For this hold and the following ones."""
    pings = [pinged("5", tag(0x08, "90")), pinged("1")]
    channel, tx = await held(server := Server(Ping=pings), tick=200.0)
    for _ in range(2):
        assert await channel.wait(tx, 300) is False
    assert [b"\x0390\x00" in body for body in server.bodies("Ping")] == [False, True, True]


@pytest.mark.parametrize(("pings", "code"), [([pinged("7")], "eas_ping_7"), ([pinged("8")], "eas_ping_8")])
async def test_a_hierarchy_that_stays_out_of_date_is_a_fault(pings: list[Said], code: str) -> None:
    """7: FolderSync once; 8 at once."""
    channel, tx = await held(server := Server(Ping=pings))
    before = server.asked.count("FolderSync")
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == code
    assert server.asked.count("FolderSync") - before == (code == "eas_ping_7")


async def test_a_hierarchy_that_is_out_of_date_is_asked_for() -> None:
    """And then the Ping goes on."""
    channel, tx = await held(Server(Ping=[pinged("7"), pinged("2")]))
    assert await channel.wait(tx, 300) is True


async def test_three_pings_that_end_too_early_lose_the_channel() -> None:
    """Two may happen."""
    channel, tx = await held(server := Server())
    fault = await fault_of(lambda: channel.wait(tx, 300))
    assert (fault.kind.code, fault.reason) == ("eas_ping_too_early", Reason.PUSH_CHANNEL_LOST)
    assert server.asked.count("Ping") == 3


@pytest.mark.parametrize("ending", [PEER_CLOSED, PEER_RESET, NO_ANSWER], ids=lambda kind: kind.code)
async def test_a_connection_that_ends_while_waiting_is_a_lost_channel(ending: Kind) -> None:
    """And says how; silence beyond the heartbeat is such an end."""
    channel, tx = await held(Server(Ping=FaultError(ending)))
    fault = await fault_of(lambda: channel.wait(tx, 300))
    assert (fault.kind.code, fault.reason) == ("eas_ping_lost", Reason.PUSH_CHANNEL_LOST)
    assert fault.evidence["cause"] == ending.code


async def test_an_answer_that_refuses_is_no_lost_channel() -> None:
    """Somebody spoke: the fault keeps its own name."""
    channel, tx = await held(Server(Ping=answer(status=503)))
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == "http_503"


async def test_what_is_left_of_a_wait_that_ended_early_is_not_waited_for() -> None:
    """SOGo looks every five seconds and ends before its time; a Ping for the last few would end at once."""
    ticks = Ticks()

    class Impatient(Server):
        async def exchange(self, call: Call) -> Reply:
            ticks.now += max(0.0, call.hold - 5.0)
            return await super().exchange(call)

    tx = transaction(server := Impatient(), memory={}, timeline=Timeline(ticks))
    channel = HeldPhone()
    await channel.open(tx)
    for _ in range(5):
        assert await channel.wait(tx, 60) is False
    assert server.asked.count("Ping") == 5
    assert ticks.now == 5 * 55


async def test_a_heartbeat_that_was_too_short_is_no_longest_one() -> None:
    """The server names the nearest that it agrees to (MS-ASCMD section 2.2.3.84.1): the longer one is for this once."""
    memory: MEMORY = {}
    channel, tx = await held(server := Server(Ping=[pinged("5", tag(0x08, "60")), pinged("1")]), 20.0, memory)
    assert await channel.wait(tx, 50) is False
    assert [b"\x0360\x00" in body for body in server.bodies("Ping")] == [False, True]
    assert "heartbeat" not in memory
    channel, tx = await held(server := Server(), 20.0, memory, options=LONG_SYNC)
    server.answers["Sync"] = [limited("60"), answer()]
    assert await channel.wait(tx, 50) is False
    assert "sync_heartbeat" not in memory


# -- what a quiet wait kept back -----------------------------------------------------------------------------------

LONG_SYNC = ActiveSyncOptions(channel="sync")
LATE, IN_TIME = "2026-01-03T09:59:30.000Z", "2026-01-03T09:59:31.000Z"


@pytest.mark.parametrize(("received", "missed"), [(LATE, True), (IN_TIME, False), ("", False), ("yesterday", False)])
async def test_an_item_of_which_ping_did_not_tell_loses_the_channel(received: str, missed: bool) -> None:
    """Received half a minute ago, it had been there; what came just now, or at a time nobody knows, is news."""
    channel, tx = await held(server := Server(), tick=100.0)
    server.answers["Sync"] = [changed("2-9", item("2", received)), answer()]
    if missed:
        fault = await fault_of(lambda: channel.wait(tx, 300))
        assert (fault.kind.code, fault.reason) == ("eas_ping_missed", Reason.PUSH_CHANNEL_LOST)
        assert fault.evidence == {"items": "1", "seconds": "30"}
    else:
        assert await channel.wait(tx, 300) is True


async def test_the_oldest_item_tells_how_long_the_channel_kept_silent() -> None:
    """However new the newest one is."""
    channel, tx = await held(server := Server(), tick=100.0)
    server.answers["Sync"] = [changed("2-9", item("2", IN_TIME), item("3", LATE)), changed("2-10"), answer()]
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == "eas_ping_missed"


async def test_where_another_transaction_has_synchronised_meanwhile_nothing_is_concluded() -> None:
    """The server compared with a key that is no longer the device's; the inbox is not asked."""
    memory: MEMORY = {}
    channel, tx = await held(server := Server(), tick=100.0, memory=memory)

    class Meanwhile(Server):
        async def exchange(self, call: Call) -> Reply:
            memory["sync_key"] = "other"
            return await server.exchange(call)

    tx.session = Meanwhile()
    before = server.asked.count("Sync")
    assert await channel.wait(tx, 150) is False
    assert server.asked.count("Sync") == before


# -- the long Sync -------------------------------------------------------------------------------------------------


async def test_a_sync_that_waits_tells_of_news_by_bringing_it() -> None:
    """An empty answer is quiet (MS-ASCMD section 2.2.2.1); there is no Ping at all."""
    memory: MEMORY = {}
    channel, tx = await held(server := Server(), tick=100.0, options=LONG_SYNC, memory=memory)
    assert await channel.wait(tx, 300) is False
    server.answers["Sync"] = [changed("2-9", item("2")), answer()]
    assert await channel.wait(tx, 300) is True
    assert memory["sync_key"] == "2-9"
    assert b"\x69\x03200\x00" in server.bodies("Sync")[-1]
    assert "Ping" not in server.asked


async def test_before_14_a_sync_waits_for_whole_minutes() -> None:
    """HeartbeatInterval came with 14.0 (section 2.2.3.84.2); before, `Wait` was the way."""
    options = ActiveSyncOptions(channel="sync", protocol_version="12.1")
    channel, tx = await held(server := Server(), tick=100.0, options=options)
    await channel.wait(tx, 300)
    assert any(b"\x64\x033\x00" in body for body in server.bodies("Sync"))
    assert not any(b"\x69\x03" in body for body in server.bodies("Sync"))


async def test_the_limit_that_a_sync_is_given_is_adopted_once() -> None:
    """For this wait and the following ones; a server that wants yet another is at odds with itself."""
    memory: MEMORY = {}
    channel, tx = await held(server := Server(), tick=200.0, options=LONG_SYNC, memory=memory)
    server.answers["Sync"] = [limited("90"), answer()]
    assert await channel.wait(tx, 300) is False
    assert memory["sync_heartbeat"] == "90"
    server.answers["Sync"] = [limited("80"), limited("70")]
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == "eas_sync_14"


@pytest.mark.parametrize("ending", [PEER_CLOSED, NO_ANSWER], ids=lambda kind: kind.code)
async def test_a_long_sync_that_breaks_off_is_a_lost_channel_by_its_own_name(ending: Kind) -> None:
    """As one that ends too early, or keeps an item back."""
    channel, tx = await held(server := Server(), options=LONG_SYNC)
    server.answers["Sync"] = [FaultError(ending)]
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == "eas_sync_lost"
    server.answers["Sync"] = [answer()]
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == "eas_sync_too_early"
    channel, tx = await held(server := Server(), tick=100.0, options=LONG_SYNC)
    server.answers["Sync"] = [answer(), changed("2-9", item("2", LATE)), answer()]
    assert (await fault_of(lambda: channel.wait(tx, 300))).kind.code == "eas_sync_missed"


# -- markers -------------------------------------------------------------------------------------------------------

PUSH = PushSettings(marker=300.0)
SUBJECT = "Notification marker DEV1"


async def test_a_marker_is_sent_to_the_mailbox_itself() -> None:
    """In a transaction of its own, with the version that the server has and the policy key that the device has."""
    memory: MEMORY = {"policy_key": "7"}
    tx = transaction(server := Server(OPTIONS=offered("14.0")), memory=memory, push=PUSH)
    channel = HeldPhone()
    assert isinstance(channel, Marking)
    assert isinstance(channel, Verifying)
    await channel.mark(tx)
    assert server.asked == ["OPTIONS", "SendMail"]
    assert server.headers("SendMail")[0]["MS-ASProtocolVersion"] == "14.0"
    assert server.headers("SendMail")[0]["X-MS-PolicyKey"] == "7"
    assert f"Subject: {SUBJECT}\r\n".encode() in server.bodies("SendMail")[0]


async def test_a_marker_is_removed_by_whoever_synchronises_it() -> None:
    """By its id, for good, and with the key that the same answer gave."""
    memory: MEMORY = {}
    channel, tx = await held(server := Server(Ping=pinged("2")), tick=100.0, memory=memory, push=PUSH)
    server.answers["Sync"] = [
        changed("2-9", item("2", subject=SUBJECT), item("3", subject="x")),
        synced("2-10"),
        answer(),
    ]
    assert await channel.wait(tx, 300) is True
    await channel.wait(tx, 300)
    removal = server.bodies("Sync")[-2]
    assert b"\x5e\x030\x00\x01" in removal
    assert b"\x56\x49\x4d\x032\x00\x01\x01\x01" in removal
    assert b"2-9" in removal
    assert memory["sync_key"] == "2-10"
    assert sum(b"\x56\x49" in body for body in server.bodies("Sync")) == 1


async def test_a_device_without_markers_removes_nothing() -> None:
    """Whatever a message's subject is."""
    channel, tx = await held(server := Server(Ping=pinged("2")), tick=100.0)
    server.answers["Sync"] = [changed("2-9", item("2", subject=SUBJECT)), synced("2-10"), answer()]
    await channel.wait(tx, 300)
    await channel.wait(tx, 300)
    assert not any(b"\x56\x49" in body for body in server.bodies("Sync"))


@pytest.mark.parametrize("there", [True, False])
async def test_a_marker_of_which_nobody_told_is_looked_for(there: bool) -> None:
    """In the inbox, with the device's key: what another transaction has fetched is not there any more."""
    memory: MEMORY = {}
    channel, _ = await held(server := Server(), memory=memory, push=PUSH)
    arrived = [changed("2-9", item("2", subject=SUBJECT)), synced("2-10"), answer()]
    server.answers["Sync"] = [*arrived] if there else [answer()]
    assert await channel.untold(transaction(server, memory=memory, push=PUSH)) is there
