"""A message handed in."""

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.eas.send_mail import SendMail
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

ASK = SendMail(PHONE, "p1", b"MIME")


def test_the_message_goes_as_opaque_data() -> None:
    """And does not show."""
    assert ASK.call().body == vector("send_mail")
    assert "MIME" not in repr(ASK)


def test_an_empty_answer_means_that_it_was_taken() -> None:
    """Anything else is a fault."""
    ASK.read(answer())


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("120", Reason.SERVER_ERROR),
        ("115", Reason.CLIENT_MISCONFIG),
        ("118", Reason.CLIENT_MISCONFIG),
        ("1", Reason.PROTOCOL_VIOLATION),
    ],
)
def test_a_document_says_why_it_was_not(status: str, reason: Reason) -> None:
    """Even one whose status is 1: success is an empty answer."""
    assert refused(ASK.read, answer(page(0x15) + tag(0x05, tag(0x12, status)))).reason is reason
