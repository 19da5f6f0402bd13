"""A message as IMAP shows it."""

from prober.simulator.imap.message import Letter
from tests.simulator.imap.desk import NOON, alice


def letter(body: str = "Text 1.\r\n", subject: str = "Report 1", sender: str = "sender1@fabrikam.example") -> Letter:
    mailbox = alice(0)
    return Letter(mailbox.deliver(subject, sender=sender, body=body, received=NOON.replace(hour=9)))


def test_head_and_text_make_the_message() -> None:
    one = letter()
    assert one.head + one.text == one.raw
    assert one.head.endswith(b"\r\n\r\n")
    assert one.text == b"Text 1.\r\n"


def test_every_line_ends_with_crlf() -> None:
    assert letter("a\nb\r\nc").raw.replace(b"\r\n", b"").count(b"\n") == 0


def test_fields_come_whole_with_an_empty_line_after_them() -> None:
    assert letter().fields(lambda name: name == "date") == b"Date: Mon, 02 Mar 2026 09:00:00 +0000\r\n\r\n"
    assert letter().fields(lambda name: False) == b"\r\n"


def test_a_folded_field_keeps_its_continuations() -> None:
    found = letter(subject="word " * 40).fields(lambda name: name == "subject")
    assert found.count(b"\r\n ") >= 2
    assert found.startswith(b"Subject: word")


def test_an_envelope_has_its_ten_parts() -> None:
    """RFC 3501 section 7.4.2: sender and reply-to are the from address where they are not given."""
    address = b'((NIL NIL "sender1" "fabrikam.example"))'
    start = b'("Mon, 02 Mar 2026 09:00:00 +0000" "Report 1" ' + b" ".join([address] * 3)
    envelope = letter().envelope()
    assert envelope.startswith(start + b' ((NIL NIL "alice" "contoso.example")) NIL NIL NIL "<')


def test_an_envelope_gives_names_of_people() -> None:
    assert b'(("Ann B." NIL "ann" "b.example"))' in letter(sender='"Ann B." <ann@b.example>').envelope()


def test_a_structure_counts_octets_and_lines() -> None:
    assert letter("one\r\ntwo\r\n").structure(extended=False) == (
        b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 10 2)'
    )
    assert letter("one\r\n").structure(extended=True).endswith(b'"7bit" 5 1 NIL NIL NIL NIL)')


def test_a_structure_says_how_other_letters_are_coded() -> None:
    assert b'"8bit"' in letter("hällo\r\n").structure(extended=False)
