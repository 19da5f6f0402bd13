"""What the governor exports and shows is asked for when somebody looks."""

from dataclasses import dataclass
from math import inf

from prober.clients import catalogue
from prober.model import Assignment
from prober.observe import exposition
from prober.observe.metrics import Metrics
from prober.observe.restraints import RestraintPanel, export
from tests.schedule.made import NOON, assignment

WAITS = "clientaccess_governor_wait_until_timestamp_seconds"


@dataclass
class Line:
    """One who is held back."""

    client: str
    target: str
    until: float
    because: str
    parked: bool


class Governor:
    """One that says what it is told to."""

    names = (("mailbox", "open_connections"),)

    def __init__(self) -> None:
        self.ends = 0.0
        self.used = 0.25
        self.because = "imap_throttled: the server wants quiet from <this mailbox>"

    @property
    def budgets(self) -> "Governor":
        return self

    def fullest(self, name: str) -> float:
        return self.used

    def until(self, one: Assignment) -> float:
        return self.ends

    def quiet(self, kind: str) -> int:
        return 3 if kind == "app" else 0

    def held_back(self, one: Assignment) -> Line | None:
        return Line(one.client, one.target.name, self.ends, self.because, self.ends == inf) if self.ends else None


def exported(governor: Governor) -> str:
    metrics = Metrics([assignment()], catalogue(), vantage="here")
    export(metrics, governor, [assignment()], ("app", "mailbox"))
    return exposition.render(metrics.registry)[0].decode()


def test_the_gauges_follow_what_is_asked_for() -> None:
    """0 when it may start, the deadline while it may not, +Inf when somebody has to do something."""
    governor = Governor()
    assert f'{WAITS}{{client="imap4",target="hq"}} 0.0' in exported(governor)
    governor.ends, governor.used = NOON, 1.5
    text = exported(governor)
    assert f'{WAITS}{{client="imap4",target="hq"}} 1.8000144e+09' in text
    assert 'clientaccess_governor_quiet_scopes{scope="app"} 3.0' in text
    assert 'clientaccess_governor_quiet_scopes{scope="mailbox"} 0.0' in text
    assert 'clientaccess_governor_used_ratio{budget="open_connections",scope="mailbox"} 1.5' in text
    governor.ends = inf
    assert f'{WAITS}{{client="imap4",target="hq"}} +Inf' in exported(governor)


def test_the_page_says_who_waits_and_why() -> None:
    """Nothing where nobody does; nothing of it is markup."""
    governor = Governor()
    panel = RestraintPanel([assignment()], governor.held_back)
    assert (panel.page(), panel.data()) == ("", [])
    governor.ends = NOON
    assert panel.data() == [
        {
            "client": "imap4",
            "target": "hq",
            "until": "2027-01-15T12:00:00Z",
            "parked": False,
            "because": governor.because,
        }
    ]
    assert "imap4 on hq waits until 2027-01-15T12:00:00Z: imap_throttled" in panel.page()
    assert "&lt;this mailbox&gt;" in panel.page()
    governor.ends = inf
    assert panel.data()[0]["until"] is None
    assert "is parked until it is changed" in panel.page()
