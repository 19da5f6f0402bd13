"""Push channels held for real minutes, side by side: IDLE at Dovecot, Ping and a long Sync at SOGo.

`FULL=1` holds them for ten minutes instead of one and a half; the accelerated hours are in `tests/rehearsal`.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from prober.clients import catalogue
from prober.faults.taxonomy import Reason
from prober.model import Assignment
from prober.schedule.channels import Channels
from prober.transaction import Client, Transaction
from tests.real.vantage import Vantage, password_of, target, vantage
from tests.servers.dovecot import ALICE, BOB, PASSWORDS, Dovecot
from tests.servers.pki import Pki
from tests.servers.sogo import Sogo

SECONDS = 600.0 if os.environ.get("FULL") else 78.0
HOLD = 60
IDLE, PING, SYNC = "imap4/dovecot", "activesync/ping", "activesync/sync"
PROMPT = {IDLE: 5.0, PING: 15.0, SYNC: 15.0}
"""Seconds within which each tells of a delivery: SOGo looks every five seconds."""


class Notes:
    """What the channels tell, by the loop's clock. Implements `PushWatch`."""

    def __init__(self) -> None:
        self.events: list[tuple[float, str, str, Any]] = []

    def _note(self, what: str, assignment: Assignment, told: Any = None) -> None:
        self.events.append((asyncio.get_running_loop().time(), assignment.key, what, told))

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        self._note("session", assignment, seconds)

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        self._note("loss", assignment, reason)

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        self._note("latency", assignment, seconds)

    def marker_failed(self, assignment: Assignment) -> None:
        self._note("marker failed", assignment)

    def held_back(self, assignment: Assignment) -> None:
        self._note("held back", assignment)

    def crashed(self, assignment: Assignment) -> None:
        self._note("crashed", assignment)

    def waited(self, assignment: Assignment, told: bool) -> None:
        self._note("news" if told else "quiet", assignment)

    def times(self, key: str, what: str) -> list[float]:
        return [at for at, whose, said, _ in self.events if (whose, said) == (key, what)]

    def told(self, what: str) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for _, key, said, told in self.events:
            if said == what:
                found.setdefault(key, []).append(told)
        return found


def noting(client: Client[Any], notes: Notes) -> Client[Any]:
    """Return a client whose channels' waits are noted."""
    made: Any = client.held

    class Noted(made):  # type: ignore[misc]  # whatever class the client has
        async def wait(self, tx: Transaction, seconds: float) -> bool:
            told: bool = await super().wait(tx, seconds)
            notes.waited(tx.assignment, told)
            return told

    return replace(client, held=Noted)


def configured(folder: Path, pki: Pki, dovecot: Dovecot, sogo: Sogo) -> dict[str, Any]:
    """Three targets, each with one client and its channel."""
    (folder / "bob").write_text(PASSWORDS[BOB])
    bob = {"type": "basic", "username": BOB, "password_file": "bob"}
    push = {"hold": f"{HOLD}s", "life": "30m"}
    idle = {"push": {**push, "marker": "30s"}}
    waiting = {"push": push, "options": {"channel": "sync"}}
    ca, phone = pki.ca_file, sogo.url
    return {
        "global": {"interval": "5s"},
        "credentials": {"alice": password_of(folder), "bob": bob},
        "targets": [
            target(ca, "imap4", f"imaps://localhost:{dovecot.imaps_port}", name="dovecot", entry=idle),
            target(ca, "activesync", phone, name="ping", entry={"push": push}),
            target(ca, "activesync", phone, credential="bob", name="sync", mailbox=BOB, entry=waiting),
        ],
    }


@asynccontextmanager
async def held(prober: Vantage, notes: Notes) -> AsyncIterator[None]:
    """Hold every channel of the configuration."""
    clients = {name: noting(client, notes) if client.held else client for name, client in catalogue().items()}
    assembly = prober.assembly
    channels = Channels(
        prober.settings.assignments,
        clients,
        assembly.open,
        pacer=assembly.pacer,
        governor=assembly.governor,
        judging=assembly.judging,
        health=assembly.health,
        watch=notes,
    )
    assert len(channels) == 3
    channels.start()
    try:
        yield
    finally:
        await channels.drain()


async def test_channels_are_held_for_real_minutes_and_tell_of_a_delivery(
    dovecot: Dovecot, sogo: Sogo, pki: Pki, tmp_path: Path
) -> None:
    """Quiet for a whole heartbeat, told of a delivery within seconds, never lost; IDLE is marked and timed as well."""
    notes = Notes()
    async with vantage(tmp_path, configured(tmp_path, pki, dovecot, sogo)) as prober, held(prober, notes):
        await asyncio.sleep(SECONDS)
        delivered = asyncio.get_running_loop().time()
        for server, user in ((dovecot, ALICE), (sogo, ALICE), (sogo, BOB)):
            await asyncio.to_thread(server.deliver, user, "After the heartbeat")
        await asyncio.sleep(max(PROMPT.values()))
        open_until_now = notes.told("session")
    assert notes.told("loss") == notes.told("crashed") == notes.told("marker failed") == open_until_now == {}
    for key, prompt in PROMPT.items():
        assert any(delivered <= at <= delivered + prompt for at in notes.times(key, "news")), (key, notes.events)
    for key in (PING, SYNC):
        assert notes.times(key, "quiet"), (key, notes.events)
    latencies = notes.told("latency")[IDLE]
    assert max(latencies) < PROMPT[IDLE]
