"""How a phone mends what a server may rightly ask of it, and what it knows of its inbox."""

from typing import Any

import pytest

from prober.clients.activesync_inbox import newest_received, settle
from prober.clients.activesync_phone import Device
from prober.exchange import Reply
from prober.faults.taxonomy import VIEW_STALE, Reason
from prober.sightings import Sightings
from tests.clients.eas_made import (
    MEMORY,
    WALL,
    Said,
    Server,
    changed,
    folder_sync,
    folders,
    item,
    landed,
    run,
    step,
    sync_status,
    synced,
    transaction,
)
from tests.protocols.eas.made import answer, page, tag


def estimate_status(status: str) -> Reply:
    return answer(page(6) + tag(0x05, tag(0x0D, tag(0x0E, status))))


def other_inbox() -> Reply:
    return folder_sync("1", "host_2_0", tag(0x0F, tag(0x08, "mail%2F2"), tag(0x0A, "2")))


async def warm(server: Server | None = None) -> MEMORY:
    """Return what a device remembers after one healthy transaction."""
    memory: MEMORY = {}
    assert (await run(server or Server(), memory)).fault is None
    return memory


# -- a folder that is not where it was -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["8", "12"])
async def test_a_folder_that_moved_is_looked_for_and_synchronised(code: str) -> None:
    """FolderSync, a first key for the folder there is now, and the same question again."""
    memory = await warm()
    syncs: list[Said] = [sync_status(code), synced("-1"), synced("2-1", "7"), answer()]
    outcome = await run(server := Server(FolderSync=[folder_sync(), other_inbox()], Sync=syncs), memory)
    assert outcome.fault is None
    assert memory["inbox"] == "mail%2F2"
    assert step(outcome, "sync_fetch").facts["folder"] == "looked for again"
    assert server.asked.count("FolderSync") == 2
    assert b"mail%2F2" in server.bodies("Sync")[2]


async def test_an_estimate_of_a_folder_that_moved_is_asked_for_again() -> None:
    """2: the same cure, without a new key where the folder is the same one after all."""
    memory = await warm()
    answers: list[Said] = [estimate_status("2"), Server().answers["GetItemEstimate"][0]]
    server = Server(FolderSync=folder_sync(), GetItemEstimate=answers, Sync=answer())
    outcome = await run(server, memory)
    assert outcome.fault is None
    assert (server.asked.count("FolderSync"), server.asked.count("GetItemEstimate")) == (2, 2)


async def test_a_folder_that_cannot_be_primed_is_looked_for_first() -> None:
    """A cold start that races with a move."""
    server = Server(FolderSync=[folders(), other_inbox()], Sync=[sync_status("12"), synced("-1"), answer()])
    assert (await run(server)).fault is None
    assert b"mail%2F2" in server.bodies("Sync")[1]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"Sync": sync_status("12")}, ("sync_fetch", "eas_sync_12", Reason.SERVER_ERROR)),
        ({"Sync": sync_status("8")}, ("sync_fetch", "eas_sync_8", Reason.SERVER_ERROR)),
        ({"GetItemEstimate": estimate_status("2")}, ("item_estimate", "eas_estimate_2", Reason.SERVER_ERROR)),
        (
            {"GetItemEstimate": estimate_status("132"), "Sync": synced("-1")},
            ("item_estimate", "eas_132", Reason.SERVER_ERROR),
        ),
        ({"FolderSync": folder_sync("134")}, ("folder_sync", "eas_134", Reason.SERVER_ERROR)),
        ({"GetItemEstimate": estimate_status("133")}, ("item_estimate", "eas_133", Reason.SERVER_BUSY)),
    ],
)
async def test_a_cure_that_does_not_help_is_told_as_it_is(
    answers: dict[str, Any], expected: tuple[str, str, Reason]
) -> None:
    """Once, and no more; a state that is locked is nobody's to mend."""
    memory = await warm()
    server = Server(**({"FolderSync": folder_sync()} | answers))
    assert landed(await run(server, memory)) == expected
    assert server.asked.count("Sync") <= 2
    assert server.asked.count("GetItemEstimate") <= 2


@pytest.mark.parametrize("code", ["132", "134", "135", "136"])
async def test_a_state_that_the_server_has_lost_is_begun_anew(code: str) -> None:
    """In every command that has a key (MS-ASCMD section 2.2.2)."""
    memory = await warm()
    outcome = await run(server := Server(FolderSync=[folder_sync(code), folders()]), memory)
    assert outcome.fault is None
    assert b"\x030\x00" in server.bodies("FolderSync")[1]
    estimates: list[Said] = [estimate_status(code), Server().answers["GetItemEstimate"][0]]
    syncs: list[Said] = [synced("-1"), sync_status(code), synced("-1"), answer()]
    outcome = await run(Server(FolderSync=folder_sync(), GetItemEstimate=estimates, Sync=syncs), memory)
    assert outcome.fault is None
    assert step(outcome, "item_estimate").facts["key"] == "refused"
    assert step(outcome, "sync_fetch").facts["key"] == "refused"


# -- what is known of the inbox ------------------------------------------------------------------------------------

NINE, TEN = "2026-01-03T09:00:00.000Z", "2026-01-03T10:00:00.000Z"


async def received(*answers: Reply) -> float | None:
    """Return when the newest item was received, after these answers."""
    memory = await warm()
    tx = transaction(Server(Sync=[*answers, answer()]), memory=memory)
    await settle(tx, Device())
    return newest_received(tx)


async def test_the_newest_item_is_known_by_when_it_was_received() -> None:
    """In any order; what is not told is not known."""
    assert await received(changed("2", item("a", TEN), item("b", NINE), item("c"))) == WALL
    assert await received() is None


@pytest.mark.parametrize("token", [0x09, 0x21], ids=["deleted", "beyond the filter"])
async def test_an_item_that_went_is_the_newest_no_more(token: int) -> None:
    """The one before it is; when all are gone nothing is known, which is not an empty inbox."""
    gone = [changed("3", tag(token, tag(0x0D, name))) for name in "ab"]
    assert await received(changed("2", item("a", TEN), item("b", NINE)), gone[0]) == WALL - 3600
    assert await received(changed("2", item("a", TEN), item("b", NINE)), *gone) is None


async def test_only_a_few_of_the_newest_items_are_remembered() -> None:
    """The device's memory is written to disk."""
    many = [item(f"i{number}", f"2026-01-03T09:{number:02}:00.000Z") for number in range(40)]
    memory = await warm()
    tx = transaction(Server(Sync=[changed("2", *many), answer()]), memory=memory)
    await settle(tx, Device())
    assert newest_received(tx) == WALL - 60 * 21
    assert len(memory["received"]) < 400


@pytest.mark.parametrize("kept", ["", "x", "[]", '{"a": "x"}', "null"])
async def test_a_memory_that_cannot_be_read_is_none(kept: str) -> None:
    """It stops nothing."""
    assert newest_received(transaction(Server(), memory={"received": kept})) is None


async def test_an_old_view_is_stale_where_another_client_sees_more() -> None:
    """Only of what is known: a phone that was told of no item says nothing of the inbox."""
    for items, stale in (([item("1", NINE)], True), ([item("1", TEN)], False), ([item("1")], False)):
        sightings = Sightings()
        sightings.saw_newest("imap4", WALL - 600, WALL - 400)
        sightings.saw_newest("activesync", 0.0, WALL - 60)
        sightings.saw_newest("imap4", WALL - 600, WALL - 40)
        server = Server(Sync=[synced("-1"), changed("1-4", *items), answer()])
        outcome = await run(server, sightings=sightings)
        assert (outcome.fault is not None) is stale
        if stale:
            assert landed(outcome) == ("sync_fetch", VIEW_STALE.code, Reason.STALE_DATA)


async def test_an_answer_to_a_key_that_is_not_the_devices_any_more_is_not_kept() -> None:
    """Another transaction of this device has gone on meanwhile."""
    memory = await warm()

    class Meanwhile(Server):
        async def exchange(self, call: Any) -> Reply:
            memory["sync_key"] = "other"
            return await super().exchange(call)

    tx = transaction(Meanwhile(Sync=[changed("9", item("z", TEN)), answer()]), memory=memory)
    await settle(tx, Device())
    assert memory["sync_key"] == "other"
    assert newest_received(tx) is None
