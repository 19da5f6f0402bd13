"""The healthy model of a way out."""

import pytest

from prober.detect.blips import RHO, Blips
from prober.detect.mixture import ratios


def step(blips: Blips, at: float, *, failed: bool) -> float:
    """Take in one result; return the probability of a blip before it."""
    blip = blips.probability(at)
    blips.saw(at, blip, ratios(blip, blips.certainty, 0.0006, failed=failed)[0], failed=failed)
    return blip


def test_before_anything_is_known_a_blip_is_as_likely_as_ever() -> None:
    """The share of time spent in blips."""
    assert Blips().probability(0.0) == RHO


def test_a_failure_makes_the_next_one_likely_for_a_minute() -> None:
    """And a success in between takes it all back."""
    blips = Blips()
    step(blips, 0.0, failed=True)
    assert blips.probability(1.0) > 0.25
    step(blips, 1.0, failed=True)
    assert blips.probability(2.0) > 0.9
    assert blips.probability(600.0) < 0.001
    step(blips, 2.0, failed=False)
    assert blips.probability(3.0) < 0.5


def test_a_clock_set_back_breaks_nothing() -> None:
    """No time has passed."""
    blips = Blips()
    step(blips, 100.0, failed=True)
    assert blips.probability(50.0) == pytest.approx(blips.probability(100.0))


def test_it_survives_a_restart() -> None:
    """And refuses what is no state of its own."""
    one, two = Blips(), Blips()
    step(one, 5.0, failed=True)
    two.load(one.dump())  # type: ignore[arg-type]  # a number where one was seen
    assert two.probability(9.0) == one.probability(9.0)
    with pytest.raises(ValueError, match="not a state"):
        two.load([3.0, 1.0])
