"""How many items a Sync would bring."""

import pytest

from prober.protocols.eas.get_item_estimate import GetItemEstimate
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

ASK = GetItemEstimate(PHONE, "5", "1")


def estimated(*inside: bytes) -> bytes:
    return page(6) + tag(0x05, *inside)


def test_the_question_is_written_as_published() -> None:
    """With two switches of page and back."""
    assert ASK.call().body == vector("get_item_estimate")


def test_the_number_is_read() -> None:
    """Nought is a number."""
    for text in ("3", "0"):
        inside = tag(0x0D, tag(0x0E, "1"), tag(0x08, tag(0x0A, "5"), tag(0x0C, text)))
        assert ASK.read(answer(estimated(inside))) == int(text)


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (tag(0x0D, tag(0x0E, "4")), "eas_estimate_4"),
        (tag(0x0E, "111"), "eas_111"),
        (tag(0x0D, tag(0x0E, "1")), "eas_element_missing"),
        (tag(0x0D, tag(0x0E, "1"), tag(0x08, tag(0x0C, "many"))), "eas_element_missing"),
        (tag(0x0D, tag(0x0E, "1"), tag(0x08, tag(0x0C, "9" * 5000))), "eas_element_missing"),
    ],
)
def test_anything_else_is_a_fault(inside: bytes, code: str) -> None:
    """A status at either level, or no number."""
    assert refused(ASK.read, answer(estimated(inside))).kind.code == code
