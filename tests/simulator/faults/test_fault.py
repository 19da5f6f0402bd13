"""The words for faults."""

import pytest

from prober.simulator.faults.fault import KINDS, Fault, Level

CATALOGUE = [
    *(
        "dns_nxdomain",
        "dns_timeout",
        "dns_servfail",
        "dns_empty",
        "connect_refuse",
        "connect_blackhole",
        "tls_alert",
        "tls_wrong_name",
        "tls_expired",
        "tls_not_yet_valid",
        "tls_untrusted",
        "tls_stall",
        "tls_close",
        "tls_reset",
        "tls_plain",
        "delay",
        "stall",
    ),
    *("close", "garbage", "flood"),
    *("reset", "http", "html_page", "redirect_loop", "bearer_401", "token_error"),
    *("throttle", "eas_status", "soap_code", "graph_error", "mapi_code", "imap_tagged"),
    *("imap_bye", "push_drop", "push_silent", "stale"),
]


def test_every_kind_of_the_catalogue_is_there_and_no_other() -> None:
    """Files written for it must work."""
    assert sorted(KINDS) == sorted(CATALOGUE)


def test_a_fault_reads_its_arguments() -> None:
    """As numbers or texts, with a default."""
    fault = Fault("throttle", arguments={"status": 429, "retry_after": "120"})
    assert (fault.number("status", 503), fault.number("retry_after", 0), fault.text("why", "x")) == (429, 120, "x")


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("dns_timeout", Level.NAME),
        ("connect_refuse", Level.CONNECT),
        ("tls_expired", Level.TLS),
        ("stale", Level.REQUEST),
    ],
)
def test_a_kind_says_where_it_strikes(kind: str, level: Level) -> None:
    """Before a name is known, a connection made, a certificate shown, or a question answered."""
    assert Fault(kind).level is level


def test_what_a_kind_needs_it_also_takes() -> None:
    """Or no file could be right."""
    assert all(kind.needs <= kind.takes for kind in KINDS.values())
