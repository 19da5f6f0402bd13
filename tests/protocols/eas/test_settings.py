"""Whose mailbox it is."""

import pytest

from prober.protocols.eas.settings import UserInformation
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

ASK = UserInformation(PHONE)
ADDRESSES = tag(0x1E, tag(0x1F, "A@B"), tag(0x1F, "c@d"), tag(0x23, "A@B"))


def settings(*inside: bytes) -> bytes:
    return page(0x12) + tag(0x05, *inside)


def test_the_question_is_written_as_published() -> None:
    """Thirteen bytes."""
    assert ASK.call().body == vector("settings")


@pytest.mark.parametrize("inside", [ADDRESSES, tag(0x24, tag(0x25, tag(0x26, "1"), ADDRESSES))])
def test_addresses_are_read_with_accounts_and_without(inside: bytes) -> None:
    """In lower case; before 14.1 there were no accounts."""
    reply = answer(settings(tag(0x06, "1"), tag(0x1D, tag(0x06, "1"), tag(0x07, inside))))
    assert ASK.read(reply) == {"a@b", "c@d"}


def test_a_server_that_does_not_tell_is_believed() -> None:
    """As SOGo is for what it does not know."""
    assert ASK.read(answer(settings(tag(0x06, "1")))) == frozenset()


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ((tag(0x06, "4"),), "eas_settings_4"),
        ((tag(0x06, "1"), tag(0x1D, tag(0x06, "3"))), "eas_settings_3"),
        ((tag(0x06, "177"),), "eas_177"),
        ((tag(0x1D),), "eas_element_missing"),
    ],
)
def test_anything_else_is_a_fault(inside: tuple[bytes, ...], code: str) -> None:
    """A status at either level."""
    assert refused(ASK.read, answer(settings(*inside))).kind.code == code
