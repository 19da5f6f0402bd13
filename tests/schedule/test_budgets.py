"""Budgets: what is configured is counted, what is added has to find room."""

from dataclasses import replace

import pytest

from prober.schedule.budgets import CONNECTIONS, DEFAULTS, GRAPH_REQUESTS, TRANSACTIONS, Budgets, Use
from tests.schedule.made import Watch


def rate(use: Use, per_minute: float, minutes: int, began: float = 0.0, *, beyond: bool = False) -> float:
    """Use so many a minute, evenly; return when that was over."""
    for minute in range(minutes):
        use.add(per_minute, began + 60.0 * minute, beyond=beyond)
    return began + 60.0 * minutes


def test_a_steady_rate_is_measured_as_what_it_is() -> None:
    """Five a minute for hours are half of ten a minute, and fade away in as many hours."""
    use = Use(GRAPH_REQUESTS)
    now = rate(use, 5.0, 600)
    assert use.ratio(now) == pytest.approx(0.5, abs=0.02)
    assert use.ratio(now + 36_000.0) < 1e-6


def test_what_is_configured_is_counted_beyond_its_budget() -> None:
    """Nineteen a minute, as three clients at Graph need them, are nearly twice the budget, and no start is lost."""
    use = Use(GRAPH_REQUESTS)
    now = rate(use, 19.0, 600)
    assert use.ratio(now) == pytest.approx(1.9, abs=0.05)
    assert use.room(now)


@pytest.mark.parametrize(("configured", "most"), [(0.0, 10.0), (4.0, 6.0), (9.0, 5.0), (19.0, 5.0), (100.0, 10.0)])
def test_what_is_added_finds_the_room_that_is_left_and_some_in_any_case(configured: float, most: float) -> None:
    """The rest of the budget, half of it at least, or a tenth of what is configured."""
    use = Use(GRAPH_REQUESTS)
    now = rate(use, configured, 600)
    use.add(most * 30 * 0.95, now, beyond=True)
    assert use.room(now)
    use.add(most * 30 * 0.1, now, beyond=True)
    assert not use.room(now)


def test_a_burst_of_second_looks_is_no_breach() -> None:
    """Thirty-six of them in three minutes, of eight requests each, beside one client: they pass."""
    use = Use(GRAPH_REQUESTS)
    now = rate(use, 4.0, 600)
    for look in range(22):
        assert use.room(now + 5.0 * look)
        use.add(8.0, now + 5.0 * look, beyond=True)


def test_what_is_used_at_once_is_given_back() -> None:
    """Three connections at most, where one more was added of the prober's own accord."""
    watch = Watch(0.0)
    budgets = Budgets(DEFAULTS, watch)
    budgets.use(CONNECTIONS, "a")
    assert budgets.room(CONNECTIONS, "a")
    for _ in range(2):
        budgets.use(CONNECTIONS, "a", beyond=True)
    assert not budgets.room(CONNECTIONS, "a")
    assert budgets.room(CONNECTIONS, "b")
    assert budgets.fullest("open_connections") == 1.0
    budgets.of(CONNECTIONS, "a").give_back(beyond=True)
    assert budgets.room(CONNECTIONS, "a")


def test_the_fullest_member_speaks_for_its_budget() -> None:
    """One that nobody uses is empty."""
    budgets = Budgets(DEFAULTS, Watch(0.0))
    assert budgets.fullest("transactions_per_minute") == 0.0
    budgets.use(TRANSACTIONS, "imap4/a")
    budgets.use(TRANSACTIONS, "imap4/b", 5.0)
    assert budgets.fullest("transactions_per_minute") == pytest.approx(0.5)
    assert ("mailbox", "open_connections") in budgets.names


def test_another_limit_holds_for_what_is_in_use_already() -> None:
    """What was used stays used."""
    budgets = Budgets(DEFAULTS, Watch(0.0))
    budgets.use(CONNECTIONS, "a", 3.0)
    budgets.limit({**DEFAULTS, CONNECTIONS.name: replace(CONNECTIONS, limit=6)})
    assert budgets.fullest("open_connections") == 0.5
