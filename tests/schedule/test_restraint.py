"""Restraint: who must not start, until when, and what ends it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Assignment
from prober.schedule.records import Record, Records, Stamp
from prober.schedule.restraint import Restraint
from prober.vocabulary import Environment
from tests.schedule.made import NOON, Watch, assignment

REJECTED = Kind("imap_login_refused", Reason.AUTH_REJECTED)
THROTTLED = Kind("http_429", Reason.THROTTLED)
WIPES = [Kind("eas_remote_wipe", Reason.ACCESS_POLICY), Kind("eas_140", Reason.ACCESS_POLICY)]


class World:
    """One restraint with clock and configuration set by hand."""

    def __init__(self, section: dict[str, str] | None = None) -> None:
        self.section = {} if section is None else section
        self.wall = Watch()
        self.now = Stamp("aa", "11")
        self.records = Records(self.section)
        self.restraint = Restraint(self.records, lambda _: self.now, wall=self.wall)

    def met(self, kind: Kind, retry_after: float | None = None, one: Assignment | None = None) -> None:
        self.restraint.consider(one or assignment(), Fault(kind, retry_after=retry_after))

    def holds(self, one: Assignment | None = None) -> bool:
        return self.restraint.rest(one or assignment()) is not None

    def worked(self) -> None:
        self.records.put("imap4/hq", Record(succeeded_at=NOON - 60.0, stamp=self.now))


def test_nothing_holds_back_who_met_with_nothing() -> None:
    """No record, a good end and an ordinary failure all leave the schedule as it is."""
    world = World()
    assert not world.holds()
    world.restraint.consider(assignment(), None)
    world.met(kinds.NO_ANSWER, retry_after=60.0)
    assert not world.holds()
    assert world.section == {}


@pytest.mark.parametrize("kind", WIPES)
def test_a_remote_wipe_stops_until_the_configuration_changes(kind: Kind) -> None:
    """Neither time, nor a restart, nor a new secret ends it."""
    world = World()
    world.worked()
    world.met(kind)
    later = World(world.section)
    later.wall.now += 1e9
    assert later.holds()
    later.now = Stamp("aa", "22")
    assert later.holds()
    later.now = Stamp("bb", "22")
    assert not later.holds()


def test_throttling_is_not_the_business_of_one_alone() -> None:
    """The governor holds back whom the signal speaks of."""
    world = World()
    world.met(THROTTLED, retry_after=300.0)
    assert not world.holds()


@pytest.mark.parametrize("kind", ["basic", "ntlm", "negotiate", "ropc"])
def test_a_password_that_never_worked_is_tried_once(kind: str) -> None:
    """It stops after one rejection, for ever, until configuration or secret changes."""
    world = World()
    one = assignment(credential_kind=kind)
    world.met(REJECTED, one=one)
    world.wall.now += 1e9
    assert world.holds(one)
    for change in (Stamp("bb", "11"), Stamp("aa", "22")):
        world.now = change
        assert not world.holds(one)


def test_a_password_that_worked_is_tried_every_thirty_minutes() -> None:
    """Each rejection begins another half hour; a changed secret ends it at once."""
    world = World()
    world.worked()
    for _ in range(3):
        world.met(REJECTED)
        world.wall.now += 1799.0
        assert world.holds()
        world.wall.now += 1.0
        assert not world.holds()
    world.met(REJECTED)
    world.now = Stamp("aa", "22")
    assert not world.holds()


@pytest.mark.parametrize("kind", ["client_credentials", "refresh_token", "managed_identity"])
def test_a_rejected_token_keeps_the_schedule(kind: str) -> None:
    """Tokens lock no account, and their rejection may be the outage to be seen."""
    world = World()
    one = assignment(credential_kind=kind)
    world.met(REJECTED, one=one)
    assert not world.holds(one)


def test_what_is_withdrawn_is_asked_for_by_the_hour() -> None:
    """Unless somebody changes the configuration, and only where it is withdrawn: not on a server of one's own."""
    withdrawn = Kind("ews_retired", Reason.CLIENT_MISCONFIG)
    online = replace(assignment(), target=replace(assignment().target, environment=Environment.EXCHANGE_ONLINE))
    world = World()
    world.wall.now = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    world.met(withdrawn)
    assert not world.holds()
    world.met(withdrawn, one=online)
    assert world.holds(online)
    world.now = Stamp("bb", "11")
    assert not world.holds(online)
    world.now = Stamp("aa", "11")
    world.wall.now += 3600.0
    assert not world.holds(online)
