"""Lines, commands and literals out of a stream that is cut anywhere."""

import pytest

from prober.simulator.imap.reader import LINE_LIMIT, Overlong, Reader, Wanted

STREAM = b"a1 NOOP\r\na2 APPEND Drafts {5}\r\nab\r\nc {3+}\r\nxyz tail\r\na3 LOGIN {0}\r\n {1+}\nq\na4 LOGOUT\r\n"
COMMANDS = [
    b"a1 NOOP",
    b"a2 APPEND Drafts {5}\r\nab\r\nc {3+}\r\nxyz tail",
    b"a3 LOGIN {0}\r\n {1+}\nq",
    b"a4 LOGOUT",
]


def read_all(reader: Reader) -> list[bytes | Wanted]:
    found: list[bytes | Wanted] = []
    while (one := reader.command()) is not None:
        found.append(one)
    return found


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_commands_come_out_the_same_wherever_the_stream_is_cut(cut: int) -> None:
    """Two pieces at every place; each literal that asks for it gets exactly one go-ahead."""
    reader, found = Reader(), []
    for piece in (STREAM[:cut], STREAM[cut:]):
        reader.feed(piece)
        found += read_all(reader)
    assert [one for one in found if isinstance(one, bytes)] == COMMANDS
    assert found.count(Wanted.LITERAL) == 2


def test_commands_come_out_the_same_byte_by_byte() -> None:
    reader, found = Reader(), []
    for position in range(len(STREAM)):
        reader.feed(STREAM[position : position + 1])
        found += read_all(reader)
    assert [one for one in found if isinstance(one, bytes)] == COMMANDS
    assert reader.waiting == 0


def test_a_line_of_the_longest_length_is_taken_and_one_octet_more_is_not() -> None:
    reader = Reader()
    reader.feed(b"x" * LINE_LIMIT + b"\n")
    assert reader.line() == b"x" * LINE_LIMIT
    reader.feed(b"a1 " + b"x" * (LINE_LIMIT - 2))
    with pytest.raises(Overlong) as raised:
        reader.command()
    assert raised.value.lost
    assert raised.value.start.startswith(b"a1 xxx")


def test_the_text_around_literals_counts_as_one_line() -> None:
    """Many literals do not make a command of any length."""
    reader = Reader()
    reader.feed(b"a {1+}\r\nx" * 5000)
    with pytest.raises(Overlong):
        read_all(reader)


def test_too_large_a_literal_is_refused_before_it_is_sent() -> None:
    """A client that waits for a go-ahead has lost nothing: what follows is its next command."""
    reader = Reader(literal_limit=10)
    reader.feed(b"a1 LOGIN {11}\r\n")
    with pytest.raises(Overlong) as raised:
        reader.command()
    assert not raised.value.lost
    reader.feed(b"a2 NOOP\r\n")
    assert reader.command() == b"a2 NOOP"


@pytest.mark.parametrize("size", [b"11", b"99999999999999999999"])
def test_too_large_a_literal_that_comes_unasked_cannot_be_survived(size: bytes) -> None:
    reader = Reader(literal_limit=10)
    reader.feed(b"a1 LOGIN {" + size + b"+}\r\n")
    with pytest.raises(Overlong) as raised:
        reader.command()
    assert raised.value.lost


def test_lines_know_nothing_of_literals() -> None:
    reader = Reader()
    reader.feed(b"dGV4dA== {4}\r\nDONE\r\n")
    assert [reader.line(), reader.line(), reader.line()] == [b"dGV4dA== {4}", b"DONE", None]


def test_clearing_forgets_half_a_literal() -> None:
    reader = Reader()
    reader.feed(b"a {9+}\r\nxx")
    assert reader.command() is None
    reader.clear()
    reader.feed(b"b NOOP\r\n")
    assert reader.command() == b"b NOOP"
