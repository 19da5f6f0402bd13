"""Budgets: what is allowed, what is one too many, and when there is room again."""

from contextlib import ExitStack

import pytest

from prober.simulator import quotas
from prober.simulator.quotas import PUBLISHED, Budget, Limits, OverQuota, Quotas
from prober.simulator.tenant import Clocks, Site, Tenant

ALICE, BOB = "alice@x.test", "bob@x.test"


class Counted:
    """Quotas on a clock that is set."""

    def __init__(self, budget: Budget | None, service: str = "s") -> None:
        self.now = 0.0
        self.service = service
        tenant = Tenant("x.test", [Site("ams1", "eu", "AMS")], clocks=Clocks(lambda: self.now))
        self.quotas = Quotas(tenant, Limits({service: budget}) if budget else None)

    def ask(self, who: str = ALICE, *, asker: str = "", weight: int = 1) -> float:
        """Ask once; return 0 when that was allowed, else how long to wait."""
        try:
            with self.quotas.enter(self.service, who, asker=asker, weight=weight):
                return 0.0
        except OverQuota as over:
            return over.retry_after


def test_without_limits_nobody_is_refused() -> None:
    """Nor is a service that no budget is named for."""
    for counted in (Counted(None), Counted(Budget(rate=1), "other")):
        counted.service = "s"
        assert [counted.ask() for _ in range(50)] == [0.0] * 50


def test_one_more_than_the_rate_is_refused_until_the_window_has_passed() -> None:
    """The wait that is named is long enough, and no longer."""
    counted = Counted(Budget(rate=3, window=60))
    for counted.now in (0.0, 10.0, 20.0):
        assert counted.ask() == 0
    counted.now = 25.0
    assert counted.ask() == 35.0
    counted.now = 59.9
    assert counted.ask() > 0
    counted.now = 60.0
    assert counted.ask() == 0
    assert counted.ask() == 10.0


def test_what_is_refused_uses_up_nothing() -> None:
    """Who insists is not shut out for longer."""
    counted = Counted(Budget(rate=1, window=60))
    assert counted.ask() == 0
    for counted.now in range(1, 60):
        assert counted.ask() > 0
    counted.now = 60.0
    assert counted.ask() == 0


def test_a_batch_counts_for_as_many_as_it_holds() -> None:
    """And has to wait until there is room for all of them."""
    counted = Counted(Budget(rate=10, window=60))
    assert counted.ask(weight=6) == 0
    counted.now = 30.0
    assert counted.ask(weight=4) == 0
    assert counted.ask(weight=7) == 60.0
    assert counted.ask(weight=6) == 30.0
    assert counted.ask(weight=11) == 60.0


def test_every_mailbox_and_every_asker_has_a_rate_of_its_own() -> None:
    """Addresses compare without case."""
    counted = Counted(Budget(rate=1, window=60))
    assert (counted.ask(ALICE), counted.ask(BOB), counted.ask(ALICE, asker="phone")) == (0, 0, 0)
    assert counted.ask(ALICE.upper()) > 0


def test_too_many_at_once_are_refused_until_one_has_left() -> None:
    """Others are let in meanwhile."""
    counted = Counted(Budget(at_once=2, back_off=90))
    with counted.quotas.enter("s", ALICE):
        with counted.quotas.enter("s", ALICE):
            assert counted.ask() == 90
            assert counted.ask(BOB) == 0
        assert counted.ask() == 0


def test_who_leaves_with_an_error_has_left() -> None:
    """A request that fails or is broken off holds no place."""
    counted = Counted(Budget(at_once=1))
    with pytest.raises(RuntimeError), counted.quotas.enter("s", ALICE):
        raise RuntimeError
    assert counted.ask() == 0


def test_waiting_for_news_is_counted_apart() -> None:
    """Streams that are open keep no ordinary request out, nor the other way round."""
    counted = Counted(Budget(at_once=1, pushes=2))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(counted.quotas.enter("s", ALICE, push=True))
        assert counted.ask() == 0
        with pytest.raises(OverQuota), counted.quotas.enter("s", ALICE, push=True):
            pass


def test_requests_of_one_application_are_counted_together_where_that_is_the_rule() -> None:
    """Whichever mailbox they are about; who names none is not counted."""
    counted = Counted(Budget(at_once=1, by_asker=True))
    with counted.quotas.enter("s", ALICE, asker="app"):
        assert counted.ask(BOB, asker="app") > 0
        assert counted.ask(BOB, asker="other") == 0
        assert counted.ask(ALICE) == 0


@pytest.mark.parametrize(
    ("service", "count", "asker"),
    [("graph", 10_000, "app"), ("activesync", 120, "device"), ("imap", 30, ""), ("login", 15, "app client scope")],
)
def test_the_published_rates(service: str, count: int, asker: str) -> None:
    """That many within the window, and not one more."""
    counted = Counted(PUBLISHED[service], service)
    assert not any(counted.ask(asker=asker) for _ in range(count))
    assert counted.ask(asker=asker) == PUBLISHED[service].window


@pytest.mark.parametrize(
    ("service", "count", "push", "seconds"),
    [("graph", 4, False, 10), ("ews", 27, False, 300), ("ews", 10, True, 300), ("imap", 16, False, 90)],
)
def test_the_published_numbers_at_once(service: str, count: int, push: bool, seconds: float) -> None:
    """That many under way, and not one more."""
    counted = Counted(PUBLISHED[service], service)
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(counted.quotas.enter(service, ALICE, asker="app", push=push))
        with pytest.raises(OverQuota) as over, counted.quotas.enter(service, ALICE, asker="app", push=push):
            pass
    assert over.value.retry_after == seconds


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the number of those who ask, and in what is kept of each; nobody who has left is remembered as being there."""
    monkeypatch.setattr(quotas, "REMEMBERED", 10)
    counted = Counted(Budget(rate=1_000_000, window=60, at_once=5))
    for number in range(1000):
        counted.now += 0.1
        counted.ask(f"{number}@x.test")
        counted.ask()
    kept = counted.quotas._windows
    assert len(kept) == 10
    assert len(kept["s", "", ALICE]._entries) > 90
    assert max(len(window._entries) for window in kept.values()) <= quotas.GRAINS + 1
    assert not counted.quotas._inside
