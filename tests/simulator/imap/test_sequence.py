"""Sequence sets."""

import pytest

from prober.simulator.imap.scanner import BadSyntax, Scanner
from prober.simulator.imap.sequence import read_set, write_set


def numbers(written: bytes, largest: int) -> list[int]:
    scanner = Scanner(written)
    resolved = read_set(scanner).within(largest)
    scanner.end()
    return [number for number in range(1, 20) if number in resolved]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"1", [1]),
        (b"*", [9]),
        (b"1:*", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (b"*:8", [8, 9]),
        (b"5:3", [3, 4, 5]),
        (b"7,1:2,2:3", [1, 2, 3, 7]),
        (b"12:*", [9, 10, 11, 12]),
        (b"1,3,5:6,4", [1, 3, 4, 5, 6]),
        (b"4294967295:8", [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]),
    ],
)
def test_a_set_means_what_the_grammar_says(written: bytes, found: list[int]) -> None:
    """RFC 3501: `*` is the largest, and a range may be written either way round."""
    assert numbers(written, 9) == found


@pytest.mark.parametrize("written", [b"0", b"0:1", b"", b"a", b":1", b"4294967296", b"99999999999"])
def test_what_is_no_set_is_bad(written: bytes) -> None:
    with pytest.raises(BadSyntax):
        numbers(written, 9)


@pytest.mark.parametrize("written", [b"1,", b"1:", b"1::2", b"1 2"])
def test_a_set_ends_where_it_stops_making_sense(written: bytes) -> None:
    """What is left over is for the command to refuse."""
    scanner = Scanner(written)
    read_set(scanner)
    with pytest.raises(BadSyntax):
        scanner.end()


def test_bounds_are_those_of_all_ranges() -> None:
    assert read_set(Scanner(b"7,2:4,*")).within(9).bounds == (2, 9)


def test_a_very_long_set_is_one_range_after_all() -> None:
    """Thousands of ranges cost a client's line, not a walk per message."""
    assert read_set(Scanner(b"5:4,1:2,2:3,7")).within(9).ranges == ((1, 5), (7, 7))
    assert read_set(Scanner(b",".join([b"1:*"] * 2000))).within(5).ranges == ((1, 5),)


@pytest.mark.parametrize(("given", "written"), [([1], "1"), ([1, 2, 3, 7, 9, 10], "1:3,7,9:10"), ([], "")])
def test_numbers_are_written_as_runs(given: list[int], written: str) -> None:
    assert write_set(given) == written
