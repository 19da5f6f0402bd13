import pytest

from prober.timeline import Timeline
from prober.vocabulary import Phase


class Ticking:
    """A clock that advances by what it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_phases_add_up_and_only_those_that_happened_are_there() -> None:
    clock = Ticking()
    timeline = Timeline(clock)
    for seconds in (1.0, 2.0):
        with timeline.phase(Phase.WAIT):
            assert timeline.current is Phase.WAIT
            clock.now += seconds
    assert timeline.spent == {Phase.WAIT: 3.0}
    assert timeline.current is None
    assert timeline.interrupted is None


def test_an_interrupted_phase_is_named_and_its_time_is_kept() -> None:
    clock = Ticking()
    timeline = Timeline(clock)

    def broken() -> None:
        with timeline.phase(Phase.TLS):
            clock.now += 0.5
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        broken()
    assert timeline.interrupted is Phase.TLS
    assert timeline.spent == {Phase.TLS: 0.5}


def test_a_restart_forgets_the_last_step() -> None:
    timeline = Timeline(Ticking())
    timeline.add(Phase.DNS, 1)
    timeline.note(a=1)
    timeline.interrupted = Phase.DNS
    kept = timeline.spent
    timeline.restart()
    assert timeline.spent == {}
    assert timeline.facts == {}
    assert [timeline.interrupted, timeline.certificate] == [None, None]
    assert kept == {Phase.DNS: 1}


def test_phases_measured_elsewhere_are_added() -> None:
    timeline = Timeline(Ticking())
    timeline.add(Phase.DNS, 1)
    timeline.adopt({Phase.DNS: 2, Phase.WAIT: 3})
    assert timeline.spent == {Phase.DNS: 3, Phase.WAIT: 3}
