"""The demo's own parts; the whole of it runs in the test of its command."""

from prober.rehearsal.demo import RULE, SCALE, SETTLING, _local, weather
from prober.rehearsal.ratio import Rule


def test_the_usual_weather_stays_below_what_is_called_failing() -> None:
    """Or a healthy demo would turn red by itself: what fails at all is a tenth of the ratio at most."""
    failing = sum(fault.pct for fault in weather().faults if fault.kind != "delay")
    assert 0 < failing <= RULE.ratio * 100 / 10


def test_a_minute_of_an_incident_takes_a_second() -> None:
    """And the rule looks back as far as the plain one does, on that scale or longer."""
    assert SCALE == 60
    assert Rule().window / SCALE <= RULE.window
    assert SETTLING >= 10


def test_an_address_to_open_is_one_of_this_machine() -> None:
    """Also where every address is listened on."""
    assert _local("[::]:10143") == "127.0.0.1:10143"
    assert _local("0.0.0.0:10143") == "127.0.0.1:10143"
    assert _local("127.0.0.1:1") == "127.0.0.1:1"
