"""Half-arrived bytes become whole responses, the same for every slicing, within bounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import BAD_REPLY, REPLY_TOO_LARGE, FaultError, Kind
from prober.protocols.imap.framing import Framer

HEADER = b"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\n"
WIRE_AND_RESPONSES = [
    (b"", []),
    (b"* OK ready\r\n", [b"* OK ready"]),
    (b"* OK rea", []),
    (b"* OK ready\r", []),
    (b"* OK one\r\n* OK two\r\n", [b"* OK one", b"* OK two"]),
    (b"\r\n", [b""]),
    (b"* 1 FETCH (BODY[] {0}\r\n)\r\nA1 OK\r\n", [b"* 1 FETCH (BODY[] {0}\r\n)", b"A1 OK"]),
    (
        b"* 4 FETCH (UID 9 BODY[HEADER.FIELDS (DATE)] {%d}\r\n%s)\r\nA8 OK done\r\n" % (len(HEADER), HEADER),
        [b"* 4 FETCH (UID 9 BODY[HEADER.FIELDS (DATE)] {%d}\r\n%s)" % (len(HEADER), HEADER), b"A8 OK done"],
    ),
    (
        b"* 1 FETCH (BINARY[1] ~{4}\r\n\r\n\x00\n X {2}\r\n{1)\r\n",
        [b"* 1 FETCH (BINARY[1] ~{4}\r\n\r\n\x00\n X {2}\r\n{1)"],
    ),
    (b'* LIST () "/" {5}\r\nINBOX\r\n', [b'* LIST () "/" {5}\r\nINBOX']),
    (b'* LIST () "/" "{5}"\r\nA1 OK\r\n', [b'* LIST () "/" "{5}"', b"A1 OK"]),
    (
        b"* OK it holds {12}\r\nA1 NO told {3}\r\n+ more {3}\r\n",
        [b"* OK it holds {12}", b"A1 NO told {3}", b"+ more {3}"],
    ),
    (b"* bye for {9}\r\n* OKAY {2}\r\nab\r\n", [b"* bye for {9}", b"* OKAY {2}\r\nab"]),
    (b"* LIST () NIL {5}\r\nIN", []),
]
CHUNKS = [1, 2, 7, 4096]


def framed(wire: bytes, cuts: list[int], framer: Framer | None = None) -> tuple[list[bytes], Kind | None]:
    """Return what comes out of `wire` cut at `cuts`, and the kind it ended with."""
    framer = framer or Framer()
    got: list[bytes] = []
    try:
        for start, end in pairwise([0, *cuts, len(wire)]):
            framer.feed(wire[start:end])
            while (whole := framer.next_response()) is not None:
                got.append(whole)
    except FaultError as error:
        return got, error.fault.kind
    return got, None


@pytest.mark.parametrize(("wire", "expected"), WIRE_AND_RESPONSES)
@pytest.mark.parametrize("chunk", CHUNKS)
def test_any_chunking_gives_the_same_responses(wire: bytes, expected: list[bytes], chunk: int) -> None:
    """The same responses come out for every way of slicing the same bytes."""
    assert framed(wire, list(range(chunk, len(wire), chunk))) == (expected, None)


REFUSED = [
    (b"* OK fine\r\n* OK bare\nrest\r\n", [b"* OK fine"], BAD_REPLY),
    (b"\n", [], BAD_REPLY),
    (b"* LIST () NIL {2}\r\nab\n", [], BAD_REPLY),
    (b"* OK " + b"x" * 94 + b"\r\n", [], REPLY_TOO_LARGE),
    (b"x" * 101, [], REPLY_TOO_LARGE),
    (b"* A {51}\r\n", [], REPLY_TOO_LARGE),
    (b"* A {99999999999999999999}\r\n", [], REPLY_TOO_LARGE),
    ((b"* A" + b" {50}\r\n" + b"y" * 50) * 4, [], REPLY_TOO_LARGE),
    (b"* A" + (b" {50}\r\n" + b"y" * 50) * 2 + b" {50}\r\n", [], REPLY_TOO_LARGE),
    (b"* A {50}\r\n" + b"y" * 50 + b" {50}\r\n" + b"y" * 50 + b"z" * 40 + b"\r\n", [], REPLY_TOO_LARGE),
]


@pytest.mark.parametrize(("wire", "expected", "kind"), REFUSED)
@pytest.mark.parametrize("chunk", CHUNKS)
def test_what_is_out_of_bounds_or_no_line_is_refused_at_the_same_place(
    wire: bytes, expected: list[bytes], kind: Kind, chunk: int
) -> None:
    """Limits and bare line feeds raise after the same responses, whatever the slicing."""
    framer = Framer(line_limit=100, literal_limit=50, response_limit=150)
    assert framed(wire, list(range(chunk, len(wire), chunk)), framer) == (expected, kind)


def test_a_line_of_exactly_the_limit_passes() -> None:
    """Limits are the longest allowed, not the first refused."""
    limits = {"line_limit": 12, "literal_limit": 3, "response_limit": 20}
    exact = b"* OK 56789\r\n* LIST {3}\r\nabcdef\r\n"
    assert framed(exact, [], Framer(**limits)) == ([b"* OK 56789", b"* LIST {3}\r\nabcdef"], None)
    longer = b"* LIST {3}\r\nabcdefg\r\n"
    assert framed(longer, [], Framer(**limits)) == ([], REPLY_TOO_LARGE)


def test_what_is_pending_is_counted() -> None:
    """Bytes of a response not yet given out are known: before STARTTLS there must be none."""
    framer = Framer()
    framer.feed(b"* OK a\r\n* OK")
    framer.next_response()
    assert framer.pending == 4
    framer.feed(b" b\r\n* OK c\r\n* OK d\r\n")
    framer.feed(b"* ")
    assert framer.next_response() == b"* OK b"
    assert framer.pending == len(b"* OK c\r\n* OK d\r\n* ")


def test_lines_that_came_together_are_all_taken_at_once() -> None:
    """Which is no faster if each is looked for again."""
    framer = Framer()
    framer.feed(b"* OK a\r\n* LIST () NIL {\r\n* OK b\r\n* O")
    assert framer.next_response() == b"* OK a"
    assert framer._buffer == b"* O"
    assert [framer.next_response() for _ in range(3)] == [b"* LIST () NIL {", b"* OK b", None]


@given(
    wire=st.lists(
        st.sampled_from(
            [
                b"* ",
                b"OK ",
                b"LIST ",
                b"{3}",
                b"{12+}",
                b"~{1}",
                b"\r\n",
                b"\n",
                b"\r",
                b"abc",
                b"{99999999}",
                b'"',
                b"A1 ",
            ]
        ),
        max_size=40,
    ).map(b"".join),
    data=st.data(),
)
def test_no_bytes_make_slicing_matter(wire: bytes, data: st.DataObject) -> None:
    """Whole or cut anywhere, the same responses and the same end come out; nothing but `FaultError` does."""
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(wire) - 1, 1)), max_size=12))) if len(wire) > 1 else []
    assert framed(wire, cuts) == framed(wire, [])


def test_one_byte_at_a_time_looks_at_each_byte_once() -> None:
    """Time is linear: searching begins where the last search ended, even within a large literal."""

    class Counting(bytearray):
        looked = 0

        def find(self, sub: object, start: object = 0, end: object = None, /) -> int:
            assert isinstance(start, int)
            Counting.looked += len(self) - start
            return bytearray.find(self, b"\n", start)

        def rfind(self, sub: object, start: object = 0, end: object = None, /) -> int:
            Counting.looked += len(self)
            return bytearray.rfind(self, b"\r\n")

    framer = Framer()
    framer._buffer = Counting()
    wire = b"* 1 FETCH (BODY[] {20000}\r\n" + b"x" * 20_000 + b" " * 20_000 + b")\r\n"
    for at in range(len(wire)):
        framer.feed(wire[at : at + 1])
        whole = framer.next_response()
    assert whole == wire[:-2]
    assert Counting.looked <= 2 * len(wire)
