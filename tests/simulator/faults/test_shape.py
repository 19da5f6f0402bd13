"""The course of an incident."""

import pytest

from prober.simulator.faults.shape import Relapse, Shape

HILL = Shape(ramp_min=10, decay_min=20)


@pytest.mark.parametrize(
    ("minutes", "intensity"), [(-1, 0), (0, 0), (5, 0.5), (10, 1), (59, 1), (60, 1), (70, 0.5), (80, 0), (500, 0)]
)
def test_it_grows_stays_and_dies_down(minutes: float, intensity: float) -> None:
    """Linearly, with the end at minute 60."""
    assert HILL.intensity(minutes, 60) == pytest.approx(intensity)


def test_without_an_end_it_stays() -> None:
    """Until somebody ends it."""
    assert HILL.intensity(1e6) == 1
    assert not HILL.over(1e6, None)


def test_what_has_not_grown_up_dies_down_from_where_it_is() -> None:
    """Ended half way up, it goes on from one half."""
    assert HILL.intensity(5, 5) == pytest.approx(0.5)
    assert HILL.intensity(15, 5) == pytest.approx(0.25)


def test_without_ramp_and_decay_it_is_there_and_gone() -> None:
    """At once."""
    plain = Shape()
    assert [plain.intensity(minute, 5) for minute in (0, 4.9, 5)] == [1, 1, 0]


def test_it_may_come_back() -> None:
    """For as long and as strong as it says; only then is it over."""
    shape = Shape(decay_min=2, relapses=(Relapse(10, 5, 0.3),))
    assert [shape.intensity(minute, 60) for minute in (65, 70, 74.9, 75)] == [0, 0.3, 0.3, 0]
    assert not shape.over(70, 60)
    assert shape.over(75, 60)
