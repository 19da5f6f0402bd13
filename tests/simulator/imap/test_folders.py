"""Folders under their IMAP names."""

import pytest

from prober.simulator.imap import folders
from prober.simulator.mailbox import FolderKind
from tests.simulator.imap.desk import alice


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("INBOX", FolderKind.INBOX),
        ("inbox", FolderKind.INBOX),
        ("Deleted Items", FolderKind.DELETED),
        ("drafts/", FolderKind.DRAFTS),
    ],
)
def test_a_folder_is_found_by_its_name(name: str, kind: FolderKind) -> None:
    found = folders.find(alice(0), name)
    assert found is not None
    assert found.kind is kind


def test_there_is_no_other_folder() -> None:
    assert folders.find(alice(0), "Nowhere") is None


def names(pattern: str) -> list[bytes]:
    return [line.split(b'"/" ')[1] for line in folders.listed(alice(0), "LIST", pattern)]


@pytest.mark.parametrize("pattern", ["*", "%", "%%", "***"])
def test_wildcards_list_every_folder(pattern: str) -> None:
    assert len(names(pattern)) == len(FolderKind)
    assert b"INBOX" in names(pattern)
    assert b'"Sent Items"' in names(pattern)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("inbox", [b"INBOX"]), ("D*s", [b'"Deleted Items"', b"Drafts"]), ("%/%", []), ("I.BOX", [])],
)
def test_a_pattern_lists_what_fits(pattern: str, found: list[bytes]) -> None:
    assert names(pattern) == found


def test_a_folder_says_what_it_is_for_and_that_it_has_no_children() -> None:
    assert folders.listed(alice(0), "LIST", "Drafts") == [b'* LIST (\\HasNoChildren \\Drafts) "/" Drafts']


def test_the_root_tells_the_separator() -> None:
    assert folders.root("LIST") == b'* LIST (\\Noselect) "/" ""'


def test_status_counts() -> None:
    mailbox = alice()
    mailbox.mark_read(FolderKind.INBOX, 1)
    line = folders.status(mailbox.inbox, mailbox.inbox.visible(), ["MESSAGES", "UNSEEN", "UIDNEXT"], None)
    assert line == b"* STATUS INBOX (MESSAGES 3 UNSEEN 2 UIDNEXT 4)"
