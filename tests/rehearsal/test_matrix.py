"""Every kind of fault, acted out by the tenant against the real prober, lands on the reason it should.

What is expected is written down from the specifications and from what the verdicts promise, not read off the code.
The loop's waiting is accelerated, so that limits of half a minute take half a second.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.model import Assignment, Outcome
from prober.rehearsal.clock import Accelerated
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.configuration import Wishes
from prober.simulator.document import read
from prober.simulator.faults.fault import KINDS
from prober.simulator.faults.read import Incident, read_faults
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks, Site
from prober.storage.store import Store
from prober.verdict import Judgement

NOT_CONNECTED = "BAD User is authenticated but not connected."
SHORT_LIFE = 30
"""Seconds a token lives in rows about tokens: longer than an attempt, shorter than the pause between two."""

Row = tuple[str, dict[str, Any], str, str, str]
"""Client, fault as a file has it, verdict, reason, step."""

ROWS: list[Row] = [
    # below the protocols
    *[
        (client, {"kind": kind}, "failed", reason, step)
        for client, step in (("imap4", "greeting"), ("activesync", "discover_eas"))
        for kind, reason in (
            ("dns_nxdomain", "dns_failure"),
            ("dns_timeout", "dns_failure"),
            ("connect_refuse", "connect_refused"),
            ("connect_blackhole", "connect_timeout"),
            ("tls_alert", "tls_handshake"),
            ("tls_wrong_name", "tls_certificate"),
            ("tls_expired", "tls_certificate"),
        )
    ],
    # answers that come late, break off, or never
    ("imap4", {"kind": "delay", "step": "list", "seconds": 6}, "slow", "slow", ""),
    ("imap4", {"kind": "delay", "step": "list", "seconds": 45}, "failed", "read_timeout", "list"),
    ("activesync", {"kind": "delay", "step": "folder_sync", "seconds": 6}, "slow", "slow", ""),
    ("activesync", {"kind": "delay", "step": "folder_sync", "seconds": 45}, "failed", "read_timeout", "folder_sync"),
    ("imap4", {"kind": "stall", "step": "select_inbox", "at": "headers"}, "failed", "read_timeout", "select_inbox"),
    ("imap4", {"kind": "stall", "step": "fetch_headers", "at": "body"}, "failed", "read_timeout", "fetch_headers"),
    ("activesync", {"kind": "stall", "step": "options", "at": "headers"}, "failed", "read_timeout", "options"),
    ("activesync", {"kind": "stall", "step": "options", "at": 30}, "failed", "read_timeout", "options"),
    ("activesync", {"kind": "stall", "step": "sync_fetch", "at": "body"}, "failed", "read_timeout", "sync_fetch"),
    ("imap4", {"kind": "reset", "step": "namespace", "at": "headers"}, "failed", "connection_reset", "namespace"),
    ("imap4", {"kind": "reset", "step": "list", "at": "body"}, "failed", "connection_reset", "list"),
    ("activesync", {"kind": "reset", "step": "options", "at": "request"}, "failed", "connection_reset", "options"),
    (
        "activesync",
        {"kind": "reset", "step": "folder_sync", "at": "headers"},
        "failed",
        "connection_reset",
        "folder_sync",
    ),
    (
        "activesync",
        {"kind": "reset", "step": "settings_user", "at": "body"},
        "failed",
        "connection_reset",
        "settings_user",
    ),
    # what HTTP says
    ("activesync", {"kind": "http", "step": "folder_sync", "status": 503}, "failed", "server_busy", "folder_sync"),
    ("activesync", {"kind": "http", "step": "folder_sync", "status": 500}, "failed", "server_error", "folder_sync"),
    ("activesync", {"kind": "http", "step": "options", "status": 504}, "failed", "server_error", "options"),
    ("activesync", {"kind": "http", "step": "discover_eas", "status": 502}, "failed", "server_error", "discover_eas"),
    ("activesync", {"kind": "http", "step": "folder_sync", "status": 403}, "excluded", "access_policy", "folder_sync"),
    (
        "activesync",
        {"kind": "http", "step": "folder_sync", "status": 400},
        "excluded",
        "client_misconfig",
        "folder_sync",
    ),
    ("activesync", {"kind": "html_page", "step": "discover_eas"}, "failed", "protocol_violation", "discover_eas"),
    (
        "activesync",
        {"kind": "redirect_loop", "step": "folder_sync", "status": 451},
        "failed",
        "redirect_loop",
        "folder_sync",
    ),
    # who is let in
    (
        "activesync",
        {"kind": "bearer_401", "step": "options", "diag": '2000001;reason="x"'},
        "failed",
        "auth_rejected",
        "options",
    ),
    (
        "activesync",
        {"kind": "bearer_401", "step": "options", "diag": '2000007;reason="x"'},
        "failed",
        "server_error",
        "options",
    ),
    (
        "imap4",
        {"kind": "bearer_401", "step": "authenticate", "diag": '2000001;reason="x"'},
        "failed",
        "auth_rejected",
        "authenticate",
    ),
    (
        "imap4",
        {"kind": "bearer_401", "step": "authenticate", "diag": '2000007;reason="x"'},
        "failed",
        "server_error",
        "authenticate",
    ),
    (
        "imap4",
        {"kind": "token_error", "step": "token_request", "aadsts": 90033, "status": 503},
        "failed",
        "token_service_error",
        "token_request",
    ),
    (
        "activesync",
        {"kind": "token_error", "step": "token_request", "aadsts": 53003},
        "excluded",
        "access_policy",
        "token_request",
    ),
    (
        "imap4",
        {"kind": "token_error", "step": "token_request", "aadsts": 90055, "status": 429},
        "throttled",
        "throttled",
        "token_request",
    ),
    # slow down
    (
        "activesync",
        {"kind": "throttle", "step": "folder_sync", "status": 503, "retry_after": 60},
        "throttled",
        "throttled",
        "folder_sync",
    ),
    ("imap4", {"kind": "throttle", "step": "list", "retry_after": 60}, "throttled", "throttled", "list"),
    # what the protocols say
    ("activesync", {"kind": "eas_status", "step": "folder_sync", "code": 110}, "failed", "server_error", "folder_sync"),
    ("activesync", {"kind": "eas_status", "step": "folder_sync", "code": 111}, "failed", "server_busy", "folder_sync"),
    (
        "activesync",
        {"kind": "eas_status", "step": "sync_fetch", "code": 114},
        "failed",
        "mailbox_unavailable",
        "sync_fetch",
    ),
    (
        "activesync",
        {"kind": "eas_status", "step": "folder_sync", "code": 129},
        "excluded",
        "access_policy",
        "folder_sync",
    ),
    (
        "activesync",
        {"kind": "eas_status", "step": "folder_sync", "code": 177},
        "excluded",
        "client_misconfig",
        "folder_sync",
    ),
    (
        "activesync",
        {"kind": "eas_status", "step": "folder_sync", "code": 138},
        "retired",
        "client_misconfig",
        "folder_sync",
    ),
    (
        "imap4",
        {"kind": "imap_tagged", "step": "namespace", "text": NOT_CONNECTED},
        "failed",
        "mailbox_unavailable",
        "namespace",
    ),
    (
        "imap4",
        {"kind": "imap_tagged", "step": "list", "text": "NO Server Unavailable. 15"},
        "failed",
        "server_busy",
        "list",
    ),
    (
        "imap4",
        {"kind": "imap_tagged", "step": "authenticate", "text": "NO AUTHENTICATE failed."},
        "failed",
        "auth_rejected",
        "authenticate",
    ),
    ("imap4", {"kind": "imap_bye", "step": "list", "text": "Server Unavailable. 15"}, "failed", "server_busy", "list"),
    # push
    ("imap4", {"kind": "push_drop", "step": "idle_hold", "after": 0}, "failed", "push_channel_lost", "idle_hold"),
    ("activesync", {"kind": "push_drop", "step": "ping", "after": 5}, "failed", "push_channel_lost", "ping"),
]
NOT_YET = {
    "soap_code": "outlook_mac_legacy",
    "graph_error": "outlook_mobile",
    "mapi_code": "outlook_desktop",
    "push_silent": "a second client of the same mailbox",
    "stale": "a second client of the same mailbox",
}
"""Kinds that no client there is would notice by itself, and whom they wait for."""


class Theatre:
    """A tenant of one mailbox and the real prober for it, on one accelerated loop."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner(loop_factory=lambda: Accelerated(60))
        self._folder = folder
        loop = self._runner.get_loop()
        assert isinstance(loop, Accelerated)
        self._loop = loop
        layout = Layout(sites=(Site("ams1", "eu", "AMS"),), mailboxes=(Place(f"probe@{DOMAIN}", "ams1"),))
        self.simulator = Simulator(found(layout, Clocks(loop.time, loop.wall)), folder)
        self._runner.run(self.simulator.start())
        file = self.simulator.write_configuration(folder, Wishes(objective=5.0))
        self.settings = load([file], catalogue())
        self._waiting = load([_with_ping(file)], catalogue())

    def _made(self, settings: Settings) -> Assembly:
        return Assembly(
            settings,
            catalogue(),
            Store.open(None),
            watch=Unwatched(),
            tell=lambda *_: None,
            lagged=lambda _: None,
            clock=self._loop.time,
            wall=self._loop.wall,
        )

    def play(self, client: str, fault: dict[str, Any]) -> tuple[Outcome, Judgement]:
        """Let all be well once, then let `fault` strike; return what the prober makes of it."""
        return self._runner.run(self._play(client, fault))

    async def _play(self, client: str, fault: dict[str, Any]) -> tuple[Outcome, Judgement]:
        settings = self._waiting if fault.get("step") == "ping" else self.settings
        control, assignment = (_assignment(settings, name) for name in ("control", client))
        of_tokens = fault["kind"] == "token_error"
        self.simulator.premises.doorkeeper.lifetime = SHORT_LIFE if of_tokens else 3599
        assembly = self._made(settings)
        outcome, judgement = await assembly.attempts.by_hand(assignment)
        assert judgement.verdict.value in ("ok", "slow"), (outcome, judgement)
        if of_tokens:
            await asyncio.sleep(SHORT_LIFE + 10)
        await assembly.attempts.by_hand(control)
        document = read(yaml.safe_dump([fault | {"client": client}]), "row")
        self.simulator.weather.begin(Incident("row", faults=read_faults(document.data, document)))
        try:
            return await assembly.attempts.by_hand(assignment)
        finally:
            self.simulator.weather.clear()
            self.simulator._tend()
            await asyncio.gather(*self.simulator._reopening)
            await assembly.close()

    def close(self) -> None:
        self._runner.run(self.simulator.stop())
        self._runner.close()


def _assignment(settings: Settings, client: str) -> Assignment:
    return next(one for one in settings.assignments if one.client == client)


def _with_ping(file: Path) -> Path:
    """Write the configuration again, with the step that takes a whole minute and time for it."""
    document = yaml.safe_load(file.read_text())
    document["global"]["timeout"] = "3m"
    for client in document["targets"][0]["clients"]:
        client["steps"] = ["ping"] if client["client"] == "activesync" else []
    other = file.with_name("with-ping.yml")
    other.write_text(yaml.safe_dump(document))
    return other


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    with TemporaryDirectory() as folder:
        made = Theatre(Path(folder))
        yield made
        made.close()


def named(row: Row) -> str:
    client, fault, *_ = row
    return f"{client}-{'-'.join(str(value) for value in fault.values())}"


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_each_kind_lands_on_its_reason(theatre: Theatre, row: Row) -> None:
    """With the verdict that goes with it, at the step that was struck; the steps after it are skipped."""
    client, fault, verdict, reason, step = row
    outcome, judgement = theatre.play(client, fault)
    failure = outcome.failure
    where = failure.step if failure else ""
    told = judgement.reason.value if judgement.reason else ("slow" if judgement.verdict.value == "slow" else "")
    assert (judgement.verdict.value, told, where) == (verdict, reason, step), (judgement, outcome.fault)
    assert not step or step not in outcome.skipped


def test_every_kind_is_in_the_matrix_or_waits_for_somebody() -> None:
    """A new kind needs a row."""
    played = {fault["kind"] for _, fault, *_ in ROWS}
    assert played | set(NOT_YET) == set(KINDS)
    assert not played & set(NOT_YET)
