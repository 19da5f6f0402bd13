"""Waiting for a change."""

import pytest

from prober.protocols.eas.ping import Ping, Pinged
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

ASK = Ping(PHONE, "5", 60)


def pinged(*inside: bytes) -> bytes:
    return page(0x0D) + tag(0x05, *inside)


def test_the_question_is_written_as_published() -> None:
    """Whole; the connection may stay silent for the heartbeat."""
    assert ASK.call().body == vector("ping")
    assert ASK.call().hold == 60.0


@pytest.mark.parametrize("status", ["1", "2", "7"])
def test_how_it_ended_is_read(status: str) -> None:
    """Quiet, changed, or the hierarchy did."""
    folders = tag(0x09, tag(0x0A, "mail%2F1f"))
    assert ASK.read(answer(pinged(tag(0x07, status), folders))) == Pinged(status)


def test_another_heartbeat_is_read() -> None:
    """What the server would agree to; nonsense is none."""
    assert ASK.read(answer(pinged(tag(0x07, "5"), tag(0x08, "3540")))) == Pinged("5", 3540)
    assert ASK.read(answer(pinged(tag(0x07, "5"), tag(0x08, "-1")))) == Pinged("5", 0)


@pytest.mark.parametrize(
    ("status", "code"), [("3", "eas_ping_3"), ("6", "eas_ping_6"), ("8", "eas_ping_8"), ("0", "eas_unknown_status")]
)
def test_anything_else_is_a_fault(status: str, code: str) -> None:
    """Also a status that is missing."""
    assert refused(ASK.read, answer(pinged(tag(0x07, status)))).kind.code == code
    assert refused(ASK.read, answer(pinged(tag(0x09)))).kind.code == "eas_element_missing"
