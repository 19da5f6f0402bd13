"""The hierarchy of folders."""

import pytest

from prober.protocols.eas.folder_sync import CALENDAR, INBOX, FolderSync
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector


def folder(token: int, server_id: str, kind: str = "") -> bytes:
    return tag(token, tag(0x08, server_id), *((tag(0x0A, kind),) if kind else ()))


def hierarchy(*inside: bytes) -> bytes:
    return page(0x07) + tag(0x16, *inside)


def test_the_question_is_written_as_published() -> None:
    """Key 0."""
    assert FolderSync(PHONE).call().body == vector("folder_sync")
    assert FolderSync(PHONE, "abc").call().body == vector("folder_sync").replace(b"\x030\x00", b"\x03abc\x00")


def test_folders_are_read_with_their_types() -> None:
    """Ids are taken as they are, percent signs and all."""
    changes = tag(0x0E, tag(0x17, "2"), folder(0x0F, "mail%2F1f", "2"), folder(0x0F, "vevent%2Fpersonal", "8"))
    found = FolderSync(PHONE).read(answer(hierarchy(tag(0x0C, "1"), tag(0x12, "host_4a58_0"), changes)))
    assert found.sync_key == "host_4a58_0"
    assert (found.first(INBOX), found.first(CALENDAR), found.first("99")) == ("mail%2F1f", "vevent%2Fpersonal", "")
    assert found.gone == frozenset()


def test_folders_that_went_are_told() -> None:
    """A store that is out of reach looks like this to a device that has keys."""
    changes = tag(0x0E, tag(0x17, "1"), folder(0x10, "mail%2F1f"))
    found = FolderSync(PHONE, "k").read(answer(hierarchy(tag(0x0C, "1"), tag(0x12, "k2"), changes)))
    assert (found.ids, found.gone) == ((), frozenset({"mail%2F1f"}))


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ((tag(0x0C, "9"),), "eas_folder_sync_9"),
        ((tag(0x0C, "142"),), "eas_142"),
        ((tag(0x12, "1"),), "eas_element_missing"),
        ((tag(0x0C, "1"),), "eas_element_missing"),
        ((tag(0x0C, "1"), tag(0x12, "1"), tag(0x0E, tag(0x0F, tag(0x0A, "2")))), "eas_element_missing"),
    ],
)
def test_anything_else_is_a_fault(inside: tuple[bytes, ...], code: str) -> None:
    """A status, or something that is missing."""
    assert refused(FolderSync(PHONE).read, answer(hierarchy(*inside))).kind.code == code
