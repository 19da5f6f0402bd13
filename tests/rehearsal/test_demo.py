"""The demo's own parts; the whole of it runs in the test of its command."""

from prober.detect.baseline import CEILING
from prober.rehearsal.demo import INTERVAL, PAGE_BUDGET, SCALE, SETTLING, _local, weather


def test_the_usual_weather_is_what_the_detector_can_learn_as_healthy() -> None:
    """Or a healthy demo would turn red by itself: what fails at all is a tenth of what it gets used to at most."""
    failing = sum(fault.pct for fault in weather().faults if fault.kind != "delay")
    assert 0 < failing <= CEILING * 100 / 10


def test_a_minute_of_an_incident_takes_a_second() -> None:
    """And the budget of false pages is shorter by about as much as the attempts come faster, or more."""
    assert SCALE == 60
    assert PAGE_BUDGET <= 30 * INTERVAL / 60
    assert SETTLING >= 10


def test_an_address_to_open_is_one_of_this_machine() -> None:
    """Also where every address is listened on."""
    assert _local("[::]:10143") == "127.0.0.1:10143"
    assert _local("0.0.0.0:10143") == "127.0.0.1:10143"
    assert _local("127.0.0.1:1") == "127.0.0.1:1"
