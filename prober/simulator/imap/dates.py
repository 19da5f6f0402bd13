"""Dates as IMAP writes them (RFC 3501 `date`, `date-time`), in English whatever the locale."""

import re
from datetime import UTC, date, datetime

from prober.simulator.imap.scanner import BadSyntax, Scanner

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
DATE_TIME = re.compile(r"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d:\d\d:\d\d [+-]\d{4})")


def written(moment: datetime) -> bytes:
    """Return an INTERNALDATE."""
    moment = moment.astimezone(UTC)
    return f'"{moment.day:2d}-{MONTHS[moment.month - 1]}-{moment.year:04d} {moment:%H:%M:%S} +0000"'.encode()


def read_date(scanner: Scanner) -> date:
    """Take a date, quoted or not. Raises `BadSyntax`."""
    found = DATE.fullmatch(scanner.astring())
    if found is None:
        raise BadSyntax
    try:
        return date(int(found[3]), _month(found[2]), int(found[1]))
    except ValueError:
        raise BadSyntax from None


def read_date_time(scanner: Scanner) -> datetime:
    """Take a date with time and zone, in UTC. Raises `BadSyntax`."""
    found = DATE_TIME.fullmatch(scanner.string().decode("latin-1"))
    if found is None:
        raise BadSyntax
    try:
        whole = f"{found[3]}-{_month(found[2]):02d}-{int(found[1]):02d} {found[4]}"
        return datetime.strptime(whole, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSyntax from None


def _month(name: str) -> int:
    """Return the number of a month. Raises `ValueError`."""
    return MONTHS.index(name.title()) + 1
