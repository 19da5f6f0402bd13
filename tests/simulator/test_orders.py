"""What the control interface is told: what is read, and how mistakes are told."""

from datetime import UTC, datetime, timedelta

import pytest

from prober.simulator.document import DocumentError
from prober.simulator.mailbox import FolderKind
from prober.simulator.orders import Delivery, End, Entry, body_of, order, plain


def _entry(text: str) -> Entry:
    return order(Entry, body_of(text.encode()))


def test_json_and_yaml_are_both_read() -> None:
    """A pair of escapes in JSON is one character; tabs between JSON's words are no mistake."""
    told = order(Delivery, body_of(b'{"mailbox":\t"a@b",\n\t"subject": "\\ud83d\\ude00 hello"}'))
    assert (told.mailbox, told.subject, told.kind) == ("a@b", "\U0001f600 hello", FolderKind.INBOX)
    told = order(Delivery, body_of(b"mailbox: a@b\nfolder: Sent Items\nage_min: 45\n"))
    assert (told.kind, told.age) == (FolderKind.SENT, timedelta(minutes=45))


def test_nothing_is_an_empty_order() -> None:
    """Where everything has a default."""
    assert not order(End, body_of(b"")).now


def test_times_have_offsets() -> None:
    """In JSON as text, in YAML as they stand."""
    start = datetime(2026, 5, 1, 9, tzinfo=UTC)
    json = '{"mailbox": "a@b", "subject": "s", "start": "2026-05-01T11:00:00+02:00", "end": "2026-05-01T09:30:00Z"}'
    assert _entry(json).start == start
    yaml = "{mailbox: a@b, subject: s, start: 2026-05-01T09:00:00Z, end: 2026-05-01T09:30:00Z}"
    assert (_entry(yaml).start, _entry(yaml).end) == (start, start + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("times", "line"),
    [
        ("start: 2026-05-01T09:00:00, end: 2026-05-01T10:00:00Z", "body:1:28: start: input should have timezone"),
        ("start: 2026-05-01T09:00:00Z, end: 2026-05-01T09:00:00Z", "the end must come after the start"),
        ('start: "0001-01-01T00:00:00+14:00", end: 2026-05-01T09:00:00Z', "start: must lie between 1970 and 2200"),
        ("start: soon, end: 2026-05-01T09:00:00Z", "start: input should be a valid datetime"),
    ],
)
def test_times_that_make_no_sense_are_told(times: str, line: str) -> None:
    """With the field, and in YAML with its place."""
    with pytest.raises(DocumentError, match=line):
        _entry(f"{{mailbox: a@b, subject: s, {times}}}")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"[]", "body:1:1: expected a mapping"),
        (b"\xff", "body:1:1: not UTF-8"),
        (b"{mailbox: [", "body:1:12: "),
        (b"{}", "mailbox: is missing"),
        (b"{mailbox: a, mailbocks: b}", "body:1:14: mailbocks: unknown key"),
        (b'{"mailbox": "a", "mailbox": "b"}', "mailbox: stands here twice"),
        (b'{"mailbox": "a", "age_min": NaN}', "NaN is no number in JSON"),
        (b"{mailbox: a, age_min: .nan}", "age_min: "),
        (b'{"mailbox": "a", "age_min": 1e999}', "age_min: "),
        (b"{mailbox: a, age_min: -1}", "age_min: input should be greater than or equal to 0"),
        (b"{mailbox: a, folder: calendar}", "folder: is no folder for mail"),
        (b"{mailbox: a, folder: inbx}", "folder: is no folder for mail; did you mean 'inbox'"),
        (b'{"mailbox": "a", "subject": "a\\r\\nBcc: b"}', "subject: has characters that mail cannot carry"),
        (b'{"mailbox": "a", "subject": "\\ud800"}', "subject: "),
        (b'{"mailbox": "a", "body": "a\\u0000b"}', "body: has characters that mail cannot carry"),
        (b"{mailbox: a, ? [x] : y}", "body:1:"),
        (b"&a [*a]", "body:1:1: "),
    ],
)
def test_a_mistake_is_a_line(body: bytes, line: str) -> None:
    """Never a traceback; and nothing that a protocol could not carry later."""
    with pytest.raises(DocumentError) as told:
        order(Delivery, body_of(body))
    assert any(line in problem for problem in told.value.problems), told.value.problems


def test_line_ends_may_stand_in_a_body() -> None:
    """They are what it is made of."""
    assert order(Delivery, body_of(b'{"mailbox": "a", "body": "one\\r\\n\\ttwo"}')).body == "one\r\n\ttwo"


@pytest.mark.parametrize("body", [b"[2026-05-01]", b"[.inf]", b'["\\ud800"]', b"{2026-05-01: 1}"])
def test_what_json_cannot_say_is_not_plain(body: bytes) -> None:
    """It could not be told again."""
    with pytest.raises(DocumentError, match="JSON cannot say"):
        plain(body_of(body))
