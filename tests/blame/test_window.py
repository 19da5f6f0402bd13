"""The newest attempts."""

from dataclasses import replace

from prober.blame.evidence import Record
from prober.blame.window import KEPT, Window
from prober.vocabulary import Environment
from tests.blame.made import ONLINE, record
from tests.schedule.made import assignment

ONE = assignment("one")


def _all(window: Window, now: float, environment: Environment = ONLINE) -> list[Record]:
    return [record for records in window.picture(now).of(environment) for record in records]


def test_memory_is_bounded_and_what_is_old_falls_away() -> None:
    """Eight attempts of an assignment at most, none older than four of its intervals."""
    window = Window([ONE])
    for number in range(20):
        window.add(record("imap4", at=60.0 * number))
    assert len(_all(window, 19 * 60.0)) == 5
    assert len(_all(window, 19 * 60.0 + 241)) == 0
    for number in range(20):
        window.add(record("imap4", at=2000.0 + number))
    assert len(_all(window, 2020.0)) == KEPT


def test_environments_are_apart() -> None:
    """Nothing of another is given."""
    window = Window([ONE])
    window.add(record("imap4")._replace(environment=Environment.EXCHANGE_SERVER))
    assert _all(window, 0.0) == []
    assert len(_all(window, 0.0, Environment.EXCHANGE_SERVER)) == 1


def test_a_picture_stays_as_it_was() -> None:
    """What is heard later, what falls away and who comes or goes show in the next one."""
    window = Window([ONE])
    for number in range(KEPT):
        window.add(record("imap4", at=float(number)))
    picture = window.picture(8.0)
    window.add(record("imap4", at=8.0))
    window.replace([assignment("two")])
    assert [one.at for records in picture.of(ONLINE) for one in records] == [float(number) for number in range(KEPT)]
    assert _all(window, 8.0) == []


def test_who_stays_keeps_what_was_heard_and_who_moves_does_not() -> None:
    """Another environment is another place."""
    window = Window([ONE])
    window.add(record("imap4")._replace(environment=ONE.target.environment))
    window.replace([ONE, assignment("two")])
    assert len(_all(window, 0.0, ONE.target.environment)) == 1
    window.replace([replace(ONE, target=replace(ONE.target, environment=Environment.INDEPENDENT))])
    assert _all(window, 0.0, ONE.target.environment) == []
