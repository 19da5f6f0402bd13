"""Which attempts a fault has touched: by client, by mailbox or site, and by the time of the step it is meant for."""

import pytest

from prober.rehearsal.ledger import Entry, Ledger, Touch, touched
from prober.verdict import Judgement
from prober.vocabulary import Verdict
from tests.rehearsal.made import assignment, outcome


def entry(ended: float = 106.0, target: str = "ams1-1", **steps: float | None) -> Entry:
    """An attempt from 100 to 106: discover until 101, token_request until 103, folder_sync until 106."""
    one = assignment(target=target)
    return Entry(one, outcome(one, steps=steps or None), Judgement(Verdict.OK), ended)


def hit(touch: Touch, *entries: Entry) -> list[str]:
    found = touched(entries or (entry(),), [touch], lambda target: target.rpartition("-")[0])
    return [one.assignment.target.name for one in found]


def test_the_ledger_keeps_what_ended_and_when() -> None:
    """In order, with the clock's reading; `since` leaves out what ended before."""
    now = [1.0]
    ledger = Ledger(lambda: now[0])
    one = assignment()
    for moment in (6.0, 12.0, 18.0):
        now[0] = moment
        ledger(one, outcome(one), Judgement(Verdict.OK))
    assert [(each.began, each.ended) for each in ledger.entries] == [(0.0, 6.0), (6.0, 12.0), (12.0, 18.0)]
    assert [each.ended for each in ledger.since(6.0)] == [12.0, 18.0]


@pytest.mark.parametrize(("at", "inside"), [(99.0, False), (100.0, True), (103.0, True), (106.0, True), (107.0, False)])
def test_a_fault_for_any_step_touches_the_attempt_around_it(at: float, inside: bool) -> None:
    """From its beginning to its end."""
    assert bool(hit(Touch(at, "imap4"))) is inside


@pytest.mark.parametrize(
    ("at", "inside"), [(100.5, False), (101.0, True), (102.9, True), (103.5, False), (105.0, False)]
)
def test_a_fault_for_one_step_touches_attempts_that_were_at_that_step(at: float, inside: bool) -> None:
    """An attempt that is elsewhere at the time has nothing to do with it."""
    assert bool(hit(Touch(at, "imap4", steps=frozenset({"token_request"})))) is inside


def test_several_steps_are_each_looked_at() -> None:
    """The first and the last, and not what is in between."""
    steps = frozenset({"discover", "folder_sync"})
    assert [bool(hit(Touch(at, "imap4", steps=steps))) for at in (100.5, 102.0, 104.0)] == [True, False, True]


def test_a_step_that_asked_nobody_is_not_touched() -> None:
    """A token from the cache has no duration; what follows keeps its place in time."""
    cached = entry(104.0, discover=1.0, token_request=None, folder_sync=3.0)
    assert hit(Touch(101.0, "imap4", steps=frozenset({"token_request"})), cached) == []
    assert hit(Touch(101.5, "imap4", steps=frozenset({"folder_sync"})), cached) == ["ams1-1"]


def test_a_mailbox_is_known_by_its_address_and_a_site_by_its_targets() -> None:
    """The mailbox outweighs the site; with neither, every attempt of the client at the time is touched."""
    both = entry(target="ams1-1"), entry(target="iad1-1")
    assert hit(Touch(103.0, "imap4", mailbox="IAD1-1@contoso.example"), *both) == ["iad1-1"]
    assert hit(Touch(103.0, "imap4", site="ams1"), *both) == ["ams1-1"]
    assert hit(Touch(103.0, "imap4", mailbox="iad1-1@contoso.example", site="ams1"), *both) == ["iad1-1"]
    assert hit(Touch(103.0, "imap4"), *both) == ["ams1-1", "iad1-1"]


def test_another_clients_fault_touches_nothing() -> None:
    """Clients are told apart."""
    assert hit(Touch(103.0, "activesync")) == []


def test_an_attempt_touched_twice_is_listed_once() -> None:
    """The question is whether, not how often."""
    touches = [Touch(101.0, "imap4"), Touch(102.0, "imap4")]
    assert len(touched([entry()], touches, lambda target: target)) == 1
