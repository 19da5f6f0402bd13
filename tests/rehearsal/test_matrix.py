"""Every kind of fault, acted out by the tenant against the real prober, lands on the reason it should.

What is expected is written down from the specifications and from what the verdicts promise, not read off the code.
The loop's waiting is accelerated, so that limits of half a minute take half a second.
"""

from typing import Any

import pytest

from prober.simulator.faults.fault import KINDS
from tests.rehearsal.theatre import Theatre, theatre

__all__ = ["theatre"]
NOT_CONNECTED = "BAD User is authenticated but not connected."
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
    (
        "outlook_mac_legacy",
        {"kind": "soap_code", "step": "get_folder", "code": "ErrorMailboxStoreUnavailable"},
        "failed",
        "mailbox_unavailable",
        "get_folder",
    ),
    (
        "outlook_mac_legacy",
        {"kind": "soap_code", "step": "sync_items", "code": "ErrorServerBusy", "back_off_ms": 60000},
        "throttled",
        "throttled",
        "sync_items",
    ),
    (
        "outlook_mac_legacy",
        {"kind": "http", "step": "get_folder", "status": 403},
        "retired",
        "client_misconfig",
        "get_folder",
    ),
    (
        "outlook_mobile",
        {"kind": "graph_error", "step": "list_folders", "status": 503, "code": "MailboxInfoStale"},
        "failed",
        "mailbox_unavailable",
        "list_folders",
    ),
    (
        "outlook_mac",
        {"kind": "graph_error", "step": "calendar_delta", "status": 504, "code": "UnknownError"},
        "failed",
        "server_error",
        "calendar_delta",
    ),
    (
        "outlook_mobile",
        {"kind": "throttle", "step": "mail_delta_next", "status": 429, "retry_after": 60},
        "throttled",
        "throttled",
        "mail_delta_next",
    ),
    ("outlook_desktop", {"kind": "mapi_code", "step": "connect", "code": 18}, "failed", "server_busy", "connect"),
    (
        "outlook_desktop",
        {"kind": "mapi_code", "step": "connect", "code": 10},
        "failed",
        "mailbox_unavailable",
        "connect",
    ),
    (
        "outlook_desktop",
        {"kind": "mapi_code", "step": "execute_logon", "code": 10},
        "failed",
        "server_error",
        "execute_logon",
    ),
    (
        "owa",
        {"kind": "html_page", "step": "landing_redirect", "text": "Something went wrong"},
        "failed",
        "server_error",
        "landing_redirect",
    ),
    ("owa", {"kind": "redirect_loop", "step": "landing_redirect"}, "failed", "redirect_loop", "landing_redirect"),
    (
        "owa",
        {"kind": "http", "step": "owa_service_unauth", "status": 500},
        "failed",
        "server_error",
        "owa_service_unauth",
    ),
    (
        "m365_signin",
        {"kind": "html_page", "step": "office_home", "text": "Something went wrong"},
        "failed",
        "server_error",
        "office_home",
    ),
    ("m365_signin", {"kind": "http", "step": "copilot_home", "status": 503}, "failed", "server_busy", "copilot_home"),
    (
        "m365_signin",
        {"kind": "http", "step": "openid_metadata", "status": 504},
        "failed",
        "token_service_error",
        "openid_metadata",
    ),
    (
        "m365_signin",
        {"kind": "token_error", "step": "token_client", "aadsts": 7000222, "status": 401},
        "excluded",
        "auth_rejected",
        "token_client",
    ),
    # push
    ("imap4", {"kind": "push_drop", "step": "idle_hold", "after": 0}, "failed", "push_channel_lost", "idle_hold"),
    ("activesync", {"kind": "push_drop", "step": "ping", "after": 5}, "failed", "push_channel_lost", "ping"),
]
IN_COMPANY = frozenset({"push_silent", "stale"})
"""Kinds that no client notices by itself: they are played in `test_news.py`."""


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
    assert played | IN_COMPANY == set(KINDS)
    assert not played & IN_COMPANY
