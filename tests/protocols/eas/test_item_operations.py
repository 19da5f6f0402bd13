"""One item from the store."""

import pytest

from prober.protocols.eas.item_operations import Fetch
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

ASK = Fetch(PHONE, "5", "5:1")
PROPERTIES = tag(0x0B, page(2), tag(0x14, "canary"), page(0x14))


def operations(*inside: bytes) -> bytes:
    return page(0x14) + tag(0x05, *inside)


def fetched(*inside: bytes) -> bytes:
    return tag(0x0E, tag(0x06, *inside))


def test_the_question_is_written_as_published() -> None:
    """The beginning of the body as plain text."""
    assert ASK.call().body == vector("item_operations")


def test_an_item_that_is_there_has_properties() -> None:
    """And one that was deleted meanwhile is no fault."""
    assert ASK.read(answer(operations(tag(0x0D, "1"), fetched(tag(0x0D, "1"), PROPERTIES)))) is True
    assert ASK.read(answer(operations(tag(0x0D, "1"), fetched(tag(0x0D, "6"))))) is False


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ((tag(0x0D, "3"),), "eas_item_operations_3"),
        ((tag(0x0D, "1"), fetched(tag(0x0D, "16"))), "eas_item_operations_16"),
        ((tag(0x0D, "1"), fetched(tag(0x0D, "114"))), "eas_114"),
        ((tag(0x0D, "1"),), "eas_element_missing"),
        ((tag(0x0D, "1"), fetched(tag(0x0D, "1"))), "eas_item_missing"),
        ((tag(0x0D, "1"), fetched(tag(0x0D, "1"), tag(0x0B))), "eas_item_missing"),
    ],
)
def test_anything_else_is_a_fault(inside: tuple[bytes, ...], code: str) -> None:
    """Success without an item is none."""
    assert refused(ASK.read, answer(operations(*inside))).kind.code == code
