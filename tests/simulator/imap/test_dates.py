"""Dates as IMAP writes them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from prober.simulator.imap.dates import read_date, read_date_time, written
from prober.simulator.imap.scanner import BadSyntax, Scanner


def test_an_internal_date_has_two_places_for_the_day() -> None:
    """RFC 3501 `date-day-fixed`."""
    assert written(datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)) == b'" 2-Mar-2026 04:05:06 +0000"'


def test_an_internal_date_is_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert written(datetime(2026, 12, 24, 1, 0, tzinfo=east)) == b'"23-Dec-2026 23:00:00 +0000"'


@pytest.mark.parametrize("text", [b"1-Feb-1994", b'"1-Feb-1994"', b"01-FEB-1994"])
def test_a_date_is_read_quoted_or_not(text: bytes) -> None:
    assert read_date(Scanner(text)) == date(1994, 2, 1)


@pytest.mark.parametrize("text", [b"1994-02-01", b"31-Feb-1994", b"1-Foo-1994", b"1-Feb-0000", b"x"])
def test_what_is_no_date_is_bad(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        read_date(Scanner(text))


def test_a_date_with_time_is_taken_to_utc() -> None:
    """The example of RFC 3501 section 6.3.11."""
    found = read_date_time(Scanner(b'" 7-Feb-1994 21:52:25 -0800"'))
    assert found == datetime(1994, 2, 8, 5, 52, 25, tzinfo=UTC)


@pytest.mark.parametrize("text", [b'"7-Feb-1994 21:52:25 -0800"', b'"07-Feb-1994"', b'"01-Jan-0001 00:00:00 +1200"'])
def test_what_is_no_date_with_time_is_bad(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        read_date_time(Scanner(text))
