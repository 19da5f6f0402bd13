"""The words of the grammar, from literal bytes."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import BAD_REPLY, FaultError, Kind
from prober.protocols.imap.grammar import Cursor, Value

VALUES: list[tuple[bytes, Value]] = [
    (b"NIL", None),
    (b"nil", None),
    (b"42", 42),
    (b"123456789012345678901", "123456789012345678901"),
    (b"INBOX", "INBOX"),
    (b"\\Seen", "\\Seen"),
    (b"\\*", "\\*"),
    (b"$Junk]", "$Junk]"),
    (b'"NIL"', b"NIL"),
    (b'""', b""),
    (b'"a \\"b\\" \\\\ c"', b'a "b" \\ c'),
    (b'"{5}"', b"{5}"),
    ('"ä"'.encode(), "ä".encode()),
    (b"{3}\r\na\r\n", b"a\r\n"),
    (b'{3+}\r\n")(', b'")('),
    (b"~{2}\r\n\x00\xff", b"\x00\xff"),
    (b"()", ()),
    (b'( a  (b NIL) "c" {1}\r\nd 5 )', ("a", ("b", None), b"c", b"d", 5)),
    (b'("a""b")("c")'[:8], (b"a", b"b")),
]


@pytest.mark.parametrize(("data", "expected"), VALUES)
def test_a_value_is_read_for_what_it_is(data: bytes, expected: Value) -> None:
    """Numbers, atoms, quoted strings, literals, lists and NIL keep their types."""
    cursor = Cursor(data, "test")
    assert cursor.value() == expected
    cursor.end()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" a",
        b'"a',
        b'"a\\n"',
        b'"a\r"',
        b'"\x00"',
        b"{5}\r\nabc",
        b"{5}",
        b"{x}\r\n",
        b"(a",
        b"(a]",
        b")",
        b"\xff",
        b"\x01",
    ],
)
def test_what_is_no_value_is_a_bad_reply(data: bytes) -> None:
    """Anything else raises the one exception, with the rule and none of the bytes in evidence."""
    with pytest.raises(FaultError) as caught:
        Cursor(data, "TEST").value()
    assert caught.value.fault.kind is BAD_REPLY
    assert caught.value.fault.evidence["grammar"].endswith("in TEST")


def test_deep_lists_are_refused_before_the_stack_ends() -> None:
    """A list of a hundred thousand parentheses is a bad reply, not a crash."""
    with pytest.raises(FaultError):
        Cursor(b"(" * 100_000, "test").value()
    assert Cursor(b"(" * 32 + b")" * 32, "test").value() is not None
    with pytest.raises(FaultError):
        Cursor(b"(" * 33 + b")" * 33, "test").value()


ITEM_NAMES = [
    (b"UID 5", "UID"),
    (b"Rfc822.Size 5", "RFC822.SIZE"),
    (b"BODY[] x", "BODY[]"),
    (b"body[header.fields (Date)] x", "BODY[HEADER.FIELDS (DATE)]"),
    (b'BODY[HEADER.FIELDS ("DATE"  "from")] x', "BODY[HEADER.FIELDS (DATE FROM)]"),
    (b"BODY[HEADER.FIELDS ({4}\r\nDATE)]<0> x", "BODY[HEADER.FIELDS (DATE)]"),
    (b"BODY[1.2.MIME]<12> x", "BODY[1.2.MIME]"),
    (b"X-GM-MSGID 5", "X-GM-MSGID"),
]


@pytest.mark.parametrize(("data", "expected"), ITEM_NAMES)
def test_item_names_come_out_in_one_spelling(data: bytes, expected: str) -> None:
    """Case, quoting and partial ranges of a FETCH item's name do not matter."""
    cursor = Cursor(data, "test")
    assert cursor.item_name() == expected
    cursor.space()


@pytest.mark.parametrize("data", [b"BODY[", b"BODY[HEADER.FIELDS (", b"BODY[HEADER.FIELDS (DATE)", b"[x]", b""])
def test_a_broken_item_name_is_a_bad_reply(data: bytes) -> None:
    """A section must end."""
    with pytest.raises(FaultError):
        Cursor(data, "test").item_name()


def test_astring_takes_the_atom_nil_as_a_name_and_nstring_does_not() -> None:
    """A mailbox may be called NIL; a string that is NIL is absent."""
    assert Cursor(b"NIL", "test").astring() == b"NIL"
    assert Cursor(b"NIL", "test").nstring() is None
    assert Cursor(b'"x"', "test").nstring() == b"x"
    with pytest.raises(FaultError):
        Cursor(b"NILS", "test").nstring()


def test_plain_rules_insist() -> None:
    """`number`, `space`, `expect`, `end` and `string` raise where their word is not."""
    for rule in (Cursor.number, Cursor.space, Cursor.string, Cursor.end):
        with pytest.raises(FaultError):
            rule(Cursor(b"x", "test"))
    with pytest.raises(FaultError):
        Cursor(b"x", "test").expect(b")")
    assert Cursor(b"12x", "test").number() == 12
    assert Cursor(b"rest of it", "test").rest() == b"rest of it"


def kind_of(read: Callable[[], object]) -> Kind | None:
    """Return the kind of the one exception that may come, or `None`."""
    try:
        read()
    except FaultError as error:
        return error.fault.kind
    return None


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_the_one_exception(data: bytes) -> None:
    """Readers raise `FaultError` and nothing else."""
    for rule in (Cursor.value, Cursor.item_name, Cursor.astring, Cursor.nstring):
        assert kind_of(lambda rule=rule: rule(Cursor(data, "test"))) in (None, BAD_REPLY)  # type: ignore[misc]  # bound now


@given(
    st.lists(
        st.sampled_from(
            [b"(", b")", b" ", b'"', b"\\", b"a", b"{2}\r\n", b"~{1}\r\n", b"NIL", b"BODY[", b"]", b"7", b"<0>"]
        ),
        max_size=60,
    ).map(b"".join)
)
def test_any_words_of_the_grammar_give_a_value_or_the_one_exception(data: bytes) -> None:
    """The same with bytes that look like IMAP."""
    test_any_bytes_give_a_value_or_the_one_exception.hypothesis.inner_test(data)  # type: ignore[attr-defined]  # hypothesis adds it
