"""The newest attempts."""

from dataclasses import replace

from prober.blame.window import KEPT, Window
from prober.vocabulary import Environment
from tests.blame.made import ONLINE, record
from tests.schedule.made import assignment

ONE = assignment("one")


def test_memory_is_bounded_and_what_is_old_falls_away() -> None:
    """Eight attempts of an assignment at most, none older than four of its intervals."""
    window = Window([ONE])
    for number in range(20):
        window.add(record("imap4", at=60.0 * number))
    assert len(window.of(ONLINE, 19 * 60.0)) == 5
    assert len(window.of(ONLINE, 19 * 60.0 + 241)) == 0
    for number in range(20):
        window.add(record("imap4", at=2000.0 + number))
    assert len(window.of(ONLINE, 2020.0)) == KEPT


def test_environments_are_apart() -> None:
    """Nothing of another is given."""
    window = Window([ONE])
    window.add(replace(record("imap4"), environment=Environment.EXCHANGE_SERVER))
    assert window.of(ONLINE, 0.0) == ()
    assert len(window.of(Environment.EXCHANGE_SERVER, 0.0)) == 1
