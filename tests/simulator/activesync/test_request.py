"""The request line, in both forms."""

import pytest

from prober.simulator.activesync.request import Line, read_line
from prober.simulator.http.message import Request, split_target
from prober.simulator.wire import Attempt, Connection, Host

HERE = Connection(1, Host("x.test", "127.0.0.1", 443), "127.0.0.1", 0.0, Attempt("x", 1))
PLACE = "/Microsoft-Server-ActiveSync"


def line(query: str, *fields: tuple[str, str]) -> Line:
    target = f"{PLACE}?{query}"
    path, names = split_target(target)
    return read_line(Request("POST", target, fields, b"", HERE, "", path, names))


def test_plain_words_are_read() -> None:
    """Version and policy key stand in the headers."""
    told = line(
        "Cmd=Ping&User=a%40x.test&DeviceId=d1&DeviceType=Phone",
        ("ms-asprotocolversion", "16.1"),
        ("x-ms-policykey", "123"),
    )
    assert told == Line("Ping", "a@x.test", "d1", "Phone", "16.1", "123")


def test_the_specifications_packed_example_is_read() -> None:
    """MS-ASHTTP: version 14.0, Sync, 0x0409, v140Device, no key, SmartPhone."""
    assert line("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l") == Line("Sync", "", "v140Device", "SmartPhone", "14.0", "")


def test_a_packed_line_may_hold_a_policy_key() -> None:
    """16.1, Ping, probe0001, 1307199584, HealthProbe."""
    told = line("oRIJBAlwcm9iZTAwMDEEYEjqTQtIZWFsdGhQcm9iZQ==")
    assert told == Line("Ping", "", "probe0001", "HealthProbe", "16.1", "1307199584")


@pytest.mark.parametrize("query", ["", "nonsense", "AAAA", "jAAJBAp2MTQwRGV2", "%00", "Cmd"])
def test_what_is_no_line_says_nothing(query: str) -> None:
    """And brings nothing down."""
    assert line(query).device_id == ""
