"""The grammar of arguments."""

import pytest

from prober.simulator.imap.scanner import LIST_MAILBOX, BadSyntax, Scanner, nstring, quoted


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"INBOX", "INBOX"),
        (b'"a \\"b\\" \\\\"', 'a "b" \\'),
        (b'""', ""),
        (b"{4}\r\na\r\n)", "a\r\n)"),
        (b"{2+}\r\n\xc3\xbc", "ü"),
        (b"a]b", "a]b"),
    ],
)
def test_an_astring_is_an_atom_a_quoted_string_or_a_literal(written: bytes, text: str) -> None:
    scanner = Scanner(written)
    assert scanner.astring() == text
    scanner.end()


@pytest.mark.parametrize(
    "written", [b"", b" ", b'"open', b'"a\x00"', b"{4}\r\nabc", b"{4}abcd", b"\xff", b"*", b'"\\n"']
)
def test_what_is_no_astring_is_bad(written: bytes) -> None:
    with pytest.raises(BadSyntax):
        Scanner(written).astring()


def test_a_list_pattern_may_hold_wildcards() -> None:
    assert Scanner(b"In*%").astring(LIST_MAILBOX) == "In*%"


def test_nil_is_no_string() -> None:
    scanner = Scanner(b'NIL "NIL" other')
    assert scanner.nstring() is None
    scanner.space()
    assert scanner.nstring() == "NIL"
    scanner.space()
    with pytest.raises(BadSyntax):
        scanner.nstring()


@pytest.mark.parametrize(("written", "flags"), [(b"()", set()), (b"(\\Seen $A)", {"\\Seen", "$A"})])
def test_flags_stand_in_parentheses(written: bytes, flags: set[str]) -> None:
    assert Scanner(written).flags() == flags


@pytest.mark.parametrize("written", [b"(", b"(\\Seen", b"(\\Seen\\Draft)", b"\\Seen"])
def test_half_a_flag_list_is_bad(written: bytes) -> None:
    with pytest.raises(BadSyntax):
        Scanner(written).flags()


def test_the_rest_is_everything() -> None:
    scanner = Scanner(b"PLAIN AAA=")
    assert scanner.atom() == "PLAIN"
    assert (scanner.rest(), scanner.done) == (b" AAA=", True)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"plain", b'"plain"'),
        (b'with "quotes" and \\', b'"with \\"quotes\\" and \\\\"'),
        (b"two\r\nlines", b"{10}\r\ntwo\r\nlines"),
        (b"\xc3\xbc", b"{2}\r\n\xc3\xbc"),
        (b"x" * 201, b"{201}\r\n" + b"x" * 201),
        (b"", b'""'),
    ],
)
def test_strings_are_written_the_shortest_safe_way(text: bytes, written: bytes) -> None:
    assert quoted(text) == written


def test_nothing_is_nil() -> None:
    assert (nstring(None), nstring("a")) == (b"NIL", b'"a"')
