"""A text looked for."""

import pytest

from prober.protocols.eas.search import Search
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

ASK = Search(PHONE, "probe", "5")


def search(*inside: bytes) -> bytes:
    return page(0x0F) + tag(0x05, *inside)


def store(*inside: bytes) -> bytes:
    return tag(0x0D, tag(0x07, *inside))


def test_the_question_is_written_as_published() -> None:
    """In one folder, the first match."""
    assert ASK.call().body == vector("search")


def test_results_are_counted() -> None:
    """An empty result is how servers say that there is none."""
    one = tag(0x0E, tag(0x18, "long id"))
    assert ASK.read(answer(search(tag(0x0C, "1"), store(tag(0x0C, "1"), one)))) == 1
    assert ASK.read(answer(search(tag(0x0C, "1"), store(tag(0x0C, "1"), tag(0x0E))))) == 0


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ((tag(0x0C, "3"),), "eas_search_3"),
        ((tag(0x0C, "1"), store(tag(0x0C, "10"))), "eas_search_10"),
        ((tag(0x0C, "1"), store(tag(0x0C, "8"))), "eas_search_8"),
        ((tag(0x0C, "1"),), "eas_element_missing"),
    ],
)
def test_anything_else_is_a_fault(inside: tuple[bytes, ...], code: str) -> None:
    """A status at either level."""
    assert refused(ASK.read, answer(search(*inside))).kind.code == code
