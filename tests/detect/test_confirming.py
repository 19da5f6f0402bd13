"""Second looks: so many, so far apart, within a budget, and none while throttled."""

from prober.detect.confirming import Confirming, Pace


def takes(confirming: Confirming, at: float = 0.0) -> int:
    """Return how many second looks are given in a row."""
    count = 0
    while (at_next := confirming.next(at)) is not None:
        assert at_next == at + 5.0
        at = at_next
        count += 1
    return count


def test_a_failure_is_looked_at_again_and_again() -> None:
    """Every five seconds, as many times as the pace says; nothing without a failure."""
    confirming = Confirming(Pace(probes=12))
    assert takes(confirming) == 0
    confirming.failed(0.0)
    assert takes(confirming) == 12
    assert takes(confirming) == 0


def test_the_budget_is_a_share_of_the_schedule() -> None:
    """Used up by one trouble, it comes back a tenth at a time."""
    confirming = Confirming(Pace(probes=12))
    confirming.failed(0.0)
    takes(confirming)
    for _ in range(35):
        confirming.attempted()
    confirming.failed(900.0)
    assert takes(confirming) == 3


def test_a_server_that_wants_quiet_has_it() -> None:
    """For ten minutes."""
    confirming = Confirming(Pace())
    confirming.failed(0.0)
    assert not confirming.hushed(1.0)
    confirming.throttled(1.0)
    assert takes(confirming) == 0
    assert [confirming.hushed(at) for at in (1.0, 600.0, 601.0)] == [True, True, False]
    confirming.failed(600.0)
    assert takes(confirming) == 0
    confirming.failed(601.0)
    assert takes(confirming) == 36


def test_what_is_known_needs_no_second_look() -> None:
    """Once trouble was found, there is nothing left to confirm."""
    confirming = Confirming(Pace())
    confirming.failed(0.0)
    confirming.stop()
    assert takes(confirming) == 0
