"""The keys of SEARCH."""

import pytest

from prober.simulator.imap import flags
from prober.simulator.imap.message import Letter
from prober.simulator.imap.scanner import BadSyntax, Scanner
from prober.simulator.imap.search import DEPTH, Candidate, Extent, read_keys
from prober.simulator.mailbox import FolderKind
from tests.simulator.imap.desk import NOON, alice


def found(keys: bytes) -> list[int]:
    """Search three messages: the first is read, the third flagged, of the day after, and longer."""
    mailbox = alice(2)
    mailbox.mark_read(FolderKind.INBOX, 1)
    item = mailbox.deliver("Grüße", sender="ann@b.example", body="long " * 50, received=NOON.replace(day=3))
    mailbox.set_flags(FolderKind.INBOX, item.uid, frozenset({"\\Flagged"}))
    scanner = Scanner(keys)
    test = read_keys(scanner, Extent(3, 3))
    scanner.end()
    items = enumerate(mailbox.inbox.visible(), 1)
    return [n for n, one in items if test(Candidate(n, Letter(one), flags.of(mailbox.inbox, one)))]


@pytest.mark.parametrize(
    ("keys", "numbers"),
    [
        (b"ALL", [1, 2, 3]),
        (b"UNSEEN", [2, 3]),
        (b"seen", [1]),
        (b"FLAGGED", [3]),
        (b"UNFLAGGED UNSEEN", [2]),
        (b"NEW", []),
        (b"OLD", [1, 2, 3]),
        (b"2:*", [2, 3]),
        (b"*", [3]),
        (b"UID 1,7:2", [1, 2, 3]),
        (b"UID 9:*", [3]),
        (b'SUBJECT "report 2"', [2]),
        ("SUBJECT {7}\r\ngrüße".encode(), [3]),
        (b"FROM b.example", [3]),
        (b"TO alice", [1, 2, 3]),
        (b"CC x", []),
        (b'HEADER Message-ID ""', [1, 2, 3]),
        (b"HEADER X-None y", []),
        (b"BODY LONG", [3]),
        (b'TEXT "subject: report"', [1, 2]),
        (b"SINCE 3-Mar-2026", [3]),
        (b"BEFORE 3-Mar-2026", [1, 2]),
        (b"ON 2-Mar-2026", [1, 2]),
        (b"SENTSINCE 3-Mar-2026", [3]),
        (b"LARGER 400", [3]),
        (b"SMALLER 400", [1, 2]),
        (b"NOT SEEN", [2, 3]),
        (b"OR SEEN FLAGGED", [1, 3]),
        (b"(OR (1) (2)) UNSEEN", [2]),
        (b"UNKEYWORD $x", [1, 2, 3]),
        (b"KEYWORD $x", []),
    ],
)
def test_each_key_finds_what_it_names(keys: bytes, numbers: list[int]) -> None:
    assert found(keys) == numbers


@pytest.mark.parametrize(
    "keys",
    [b"", b"NONSENSE", b"NONSENSE x", b"NOT", b"OR SEEN", b"(ALL", b"SINCE x", b"LARGER x", b"4", b"ALL ", b"HEADER a"],
)
def test_what_is_no_key_is_bad(keys: bytes) -> None:
    with pytest.raises(BadSyntax):
        found(keys)


@pytest.mark.parametrize("keys", [b"NOT " * 2000 + b"ALL", b"(" * 5000])
def test_keys_nested_without_end_are_bad(keys: bytes) -> None:
    """A client cannot make the server recurse as deep as it likes."""
    with pytest.raises(BadSyntax):
        found(keys)
    assert found(b"NOT " * DEPTH + b"ALL") == [1, 2, 3]
