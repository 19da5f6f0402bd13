"""What a fault makes of an answer."""

from datetime import timedelta

import pytest

from prober.simulator.faults.fault import IMAP, KINDS, Fault, Level
from prober.simulator.imap import mishaps
from tests.simulator.imap.desk import NOON


def test_every_kind_imap_has_can_be_acted_out_somewhere() -> None:
    """Of those that strike at a command."""
    named = {kind.name for kind in KINDS.values() if kind.level is Level.REQUEST and kind.protocols & IMAP}
    assert named == mishaps.HOLD | mishaps.LOGIN


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("NO Some text.", b"a NO Some text.\r\n"),
        ("bad Some text.", b"a BAD Some text.\r\n"),
        ("Some text.", b"a NO Some text.\r\n"),
        ("NO two\r\n* BYE lines", b"a NO two * BYE lines\r\n"),
        ("NO Server Unavailable. 15", b"a NO Server Unavailable. 15\r\n* BYE Connection closed. 14\r\n"),
        (
            "BAD User is authenticated but not connected.",
            b"a BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n",
        ),
    ],
)
def test_a_tagged_text_begins_with_its_condition(text: str, written: bytes) -> None:
    assert mishaps.refusal(Fault("imap_tagged", arguments={"text": text})).written("a") == written


def test_a_goodbye_has_words_of_its_own_or_the_usual_ones() -> None:
    assert mishaps.refusal(Fault("imap_bye")).written("a") == b"* BYE Connection closed. 14\r\n"
    assert mishaps.refusal(Fault("imap_bye", arguments={"text": "Later"})).written("a") == b"* BYE Later\r\n"


def test_throttling_is_told_in_milliseconds_and_ends_the_session() -> None:
    fault = Fault("throttle", arguments={"retry_after": 89.153})
    text = b"Request is throttled. Suggested Backoff Time: 89153 milliseconds\r\n"
    assert mishaps.refusal(fault).written("a") == b"a BAD " + text + b"* BYE Connection closed. 14\r\n"
    assert mishaps.refusal(fault, greeting=True).written("*") == b"* BYE " + text


def test_a_refused_token_comes_with_the_reason() -> None:
    fault = Fault("bearer_401", arguments={"diag": '2000007;reason="internal error"'})
    assert mishaps.refusal(fault).text == 'AUTHENTICATE failed. 2000007;reason="internal error"'
    assert "2000001" in mishaps.refusal(Fault("bearer_401")).text


@pytest.mark.parametrize(
    ("at", "left", "needed"),
    [("headers", b"", False), ("request", b"", False), ("body", b"abcd", True), (3, b"abc", True), (0, b"", True)],
)
def test_an_answer_breaks_off_where_it_is_told(at: str | int, left: bytes, needed: bool) -> None:
    fault = Fault("stall", arguments={"at": at})
    assert (mishaps.part(fault, b"abcdefgh"), mishaps.needs_answer(fault)) == (left, needed)


def test_noise_is_no_answer_of_the_protocol() -> None:
    """A line that begins with neither tag nor asterisk, or one without end."""
    line = mishaps.noise(Fault("garbage"))
    assert line.endswith(b"\r\n")
    assert not line.isascii()
    assert mishaps.noise(Fault("flood", arguments={"octets": 7})) == b"XXXXXXX"


def test_without_a_place_it_breaks_off_before_any_byte() -> None:
    assert mishaps.part(Fault("reset"), b"abc") == b""


def test_only_a_stale_store_looks_back() -> None:
    assert mishaps.until(None, NOON) is None
    assert mishaps.until(Fault("delay"), NOON) is None
    assert mishaps.until(Fault("stale", arguments={"age_min": 45}), NOON) == NOON - timedelta(minutes=45)
