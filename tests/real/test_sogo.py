"""The ActiveSync client against SOGo: every command it offers, and each fault on one (verdict, reason, step, phase)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from prober.clients.activesync_channel import HeldPhone
from prober.clients.activesync_phone import Device, phone
from prober.faults.taxonomy import FaultError
from prober.protocols.eas.folder_sync import CALENDAR, FolderSync
from prober.protocols.eas.sync import Sync, SyncPrime
from tests.real.vantage import frozen_at, password_of, target, vantage
from tests.servers.dovecot import ALICE, BOB, PASSWORDS
from tests.servers.pki import Pki
from tests.servers.sogo import Sogo

pytestmark = pytest.mark.long(50)

KEY = "activesync/hq"
OK = ("ok", None, None, None)
EVERY_STEP = {"steps": ["search", "send_mail", "ping"], "options": {"ping_seconds": 5}}


def configured(folder: Path, pki: Pki, sogo: Sogo, **more: Any) -> dict[str, Any]:
    """One target with Alice's password, cold at every attempt unless said otherwise."""
    entry = {"options": {"cold_every": 1}, **more.pop("entry", {})}
    return {
        "credentials": {"alice": password_of(folder)},
        "targets": [target(pki.ca_file, "activesync", sogo.url, entry=entry, **more)],
    }


async def test_every_command_works_cold_and_warm(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    """A message delivered before is fetched; SOGo has no policy, no Autodiscover, and keys of its own kind."""
    sogo.deliver(ALICE, "one")
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry=EVERY_STEP)) as prober:
        cold, judgement = await prober.attempt(KEY)
        assert judgement.verdict == "ok", cold.fault
        assert [result.step for result in cold.results] == [
            *("options_anonymous", "options", "provision_fetch", "folder_sync", "settings_user", "sync_prime"),
            *("item_estimate", "sync_fetch", "item_fetch", "search", "ping", "send_mail"),
        ]
        assert set(cold.skipped) == {"discover_eas", "provision_ack"}
        warm, judgement = await prober.attempt(KEY)
        assert judgement.verdict == "ok", warm.fault
        assert {"provision_fetch", "sync_prime"} <= set(warm.skipped)
    facts = {result.step: dict(result.facts) for result in cold.results}
    assert facts["provision_fetch"]["policy"] == "none"
    assert facts["options"]["version"] == "14.1"
    assert facts["folder_sync"]["folders"] == 10
    tls = [result.step for result in cold.results if "tls" in result.phases]
    assert tls == ["options_anonymous"]


async def test_an_empty_mailbox_is_healthy(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    configuration = configured(tmp_path, pki, sogo)
    configuration["credentials"]["alice"]["username"] = BOB
    configuration["targets"][0]["mailbox"] = BOB
    (tmp_path / "password").write_text(PASSWORDS[BOB])
    async with vantage(tmp_path, configuration) as prober:
        for _ in range(2):
            assert await prober.landed(KEY) == OK


async def test_a_delivery_wakes_the_held_ping(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    """And the ping after it is quiet, not a busy loop."""
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry={"push": {"hold": "60s"}})) as prober:
        tx, held = prober.assembly.open(prober.assignment(KEY)), HeldPhone()
        await held.open(tx)
        waiting = asyncio.create_task(held.wait(tx, 60))
        await asyncio.to_thread(sogo.deliver, ALICE, "wake up")
        assert await waiting
        following = asyncio.create_task(held.wait(tx, 60))
        done, _ = await asyncio.wait([following], timeout=6)
        following.cancel()
        await asyncio.wait([following])
        assert not done
        await tx.close()


async def test_a_heartbeat_that_is_too_long_is_adopted(start_sogo: Any, pki: Pki, tmp_path: Path) -> None:
    sogo = start_sogo(6)
    entry = {"steps": ["ping"], "options": {"ping_seconds": 60}}
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry=entry)) as prober:
        assert await prober.landed(KEY) == OK
        assert prober.assembly.device(prober.assignment(KEY)).memory["heartbeat"] == "6"


async def test_a_calendar_entry_is_seen(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    sogo.put_event(ALICE, "event-1", "Stand-up")
    async with vantage(tmp_path, configured(tmp_path, pki, sogo)) as prober:
        tx = prober.assembly.open(prober.assignment(KEY))
        asking = phone(tx, Device())
        calendar = (await tx.ask(FolderSync(asking))).first(CALENDAR)
        key = await tx.ask(SyncPrime(asking, calendar))
        changes = await tx.ask(Sync(asking, calendar, key, 25, 0))
        assert len(changes.added) == 1
        await tx.close()


async def test_a_wrong_password_is_excluded_before_it_ever_worked(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, configured(tmp_path, pki, sogo)) as prober:
        (tmp_path / "password").write_text("wrong")
        assert await prober.landed(KEY) == ("excluded", "auth_rejected", "options", None)


@pytest.mark.parametrize("cold_every", [1, 15], ids=["cold", "warm"])
async def test_a_dead_mail_store_is_not_a_quiet_one(sogo: Sogo, pki: Pki, tmp_path: Path, cold_every: int) -> None:
    """With Dovecot stopped SOGo answers 200 to everything, and leaves the mail folders out."""
    sogo.deliver(ALICE, "one")
    entry = {"options": {"cold_every": cold_every}}
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry=entry)) as prober:
        assert await prober.landed(KEY) == OK
        with sogo.mail_down():
            for _ in range(2):
                assert await prober.landed(KEY) == ("failed", "mailbox_unavailable", "folder_sync", None)
        assert await prober.landed(KEY) == OK


async def test_before_it_ever_worked_a_dead_store_is_a_matter_of_set_up(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, configured(tmp_path, pki, sogo)) as prober:
        with sogo.mail_down():
            assert await prober.landed(KEY) == ("excluded", "mailbox_unavailable", "folder_sync", None)
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, established=True)) as prober:
        with sogo.mail_down():
            assert await prober.landed(KEY) == ("failed", "mailbox_unavailable", "folder_sync", None)


async def test_a_dead_database_is_named_where_it_shows(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, configured(tmp_path, pki, sogo)) as prober:
        assert await prober.landed(KEY) == OK
        with sogo.database_down():
            assert await prober.landed(KEY) == ("failed", "server_error", "sync_prime", None)
        assert await prober.landed(KEY) == OK


async def test_a_dead_application_behind_its_front_is_a_server_error(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, configured(tmp_path, pki, sogo)) as prober:
        with sogo.down():
            assert await prober.landed(KEY) == ("failed", "server_error", "options_anonymous", None)


async def test_a_frozen_application_is_waited_for_in_vain(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry={"timeout": "1s"})) as prober:
        with sogo.frozen():
            assert await prober.landed(KEY) == ("failed", "read_timeout", "options_anonymous", "wait")


async def test_a_front_that_is_frozen_while_ping_waits_loses_the_channel(
    sogo: Sogo, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen past heartbeat and margin; the margin is cut short by the step's own time."""
    entry = {"steps": ["ping"], "options": {"ping_seconds": 60}, "timeout": "4s"}
    with frozen_at(monkeypatch, "ping", sogo.frozen):
        async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry=entry)) as prober:
            assert await prober.landed(KEY) == ("failed", "push_channel_lost", "ping", "wait")


async def test_losing_the_server_while_ping_waits_is_a_lost_channel(start_sogo: Any, pki: Pki, tmp_path: Path) -> None:
    sogo = start_sogo(3540)
    async with vantage(tmp_path, configured(tmp_path, pki, sogo, entry={"push": True})) as prober:
        tx, held = prober.assembly.open(prober.assignment(KEY)), HeldPhone()
        await held.open(tx)
        waiting = asyncio.create_task(held.wait(tx, 60))
        await asyncio.to_thread(_until_pinged, sogo)
        await asyncio.to_thread(sogo._nginx.stop)
        with pytest.raises(FaultError) as lost:
            await waiting
        assert lost.value.fault.reason == "push_channel_lost"
        await tx.close()


def _until_pinged(sogo: Sogo) -> None:
    """Return once the server has taken the Ping in."""
    sogo.daemon.until(lambda: "<Ping xmlns" in sogo.log, "pinged")
