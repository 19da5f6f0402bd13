"""Arguments of faults: what can be acted out, and what is refused before it could fail."""

from typing import Any

import pytest

from prober.simulator.faults.arguments import CHECKS, mistake
from prober.simulator.faults.fault import KINDS


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("delay", "seconds", 0.5),
        ("http", "status", 503),
        ("http", "headers", {"Retry-After": 5, "X-CasErrorCode": "MailboxStoreUnavailable"}),
        ("http", "body", "two\nlines, and ünicode"),
        ("stall", "at", "body"),
        ("reset", "at", 0),
        ("flood", "octets", 9_000_000),
        ("eas_status", "code", 177),
        ("graph_error", "code", "MailboxInfoStale"),
        ("soap_code", "code", "ErrorServerBusy"),
        ("push_silent", "says", "no_change"),
        ("imap_tagged", "text", "NO Server Unavailable. 15"),
        ("bearer_401", "diag", '2000007;reason="internal error"'),
    ],
)
def test_what_can_be_acted_out_is_accepted(kind: str, name: str, value: Any) -> None:
    """Of each sort one."""
    assert name in KINDS[kind].takes
    assert mistake(kind, name, value) == ""


@pytest.mark.parametrize(
    ("kind", "name", "value", "word"),
    [
        ("delay", "seconds", "25", "number"),
        ("delay", "seconds", True, "number"),
        ("delay", "seconds", -1, "number"),
        ("delay", "seconds", float("nan"), "number"),
        ("delay", "seconds", float("inf"), "number"),
        ("http", "status", 7, "status"),
        ("http", "status", 600, "status"),
        ("http", "status", 503.0, "status"),
        ("http", "status", True, "status"),
        ("http", "headers", ["X"], "names of fields"),
        ("http", "headers", {"a b": "c"}, "names of fields"),
        ("http", "headers", {"a": "b\r\nc: d"}, "names of fields"),
        ("http", "headers", {"a": None}, "names of fields"),
        ("http", "headers", {1: "b"}, "names of fields"),
        ("http", "body", 5, "text"),
        ("stall", "at", "tail", "octets"),
        ("stall", "at", -1, "octets"),
        ("stall", "at", False, "octets"),
        ("stall", "at", [], "octets"),
        ("flood", "octets", -1, "octets"),
        ("flood", "octets", 1.5, "octets"),
        ("flood", "octets", True, "octets"),
        ("flood", "octets", 1 << 40, "octets"),
        ("eas_status", "code", "177", "number"),
        ("graph_error", "code", 503, "line"),
        ("push_silent", "says", "nothing", "no_change"),
        ("push_silent", "says", [], "no_change"),
        ("imap_tagged", "text", "NO\r\n* BYE", "line"),
        ("bearer_401", "diag", "größer", "line"),
    ],
)
def test_what_could_not_be_acted_out_is_refused(kind: str, name: str, value: Any, word: str) -> None:
    """With what it should have been."""
    assert word in mistake(kind, name, value)


def test_every_argument_of_every_kind_is_checked() -> None:
    """A new one is not forgotten."""
    assert {name for kind in KINDS.values() for name in kind.takes} == {*CHECKS, "code"}
