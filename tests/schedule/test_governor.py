"""The governor: who is held back by what whom was told, until when, and what it says about it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from prober.clients import catalogue
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.identity.spec import CredentialSpec, CredentialType
from prober.model import Assignment, Target
from prober.schedule.budgets import DEFAULTS
from prober.schedule.governor import back_off
from prober.schedule.records import Record, Records, Stamp
from prober.schedule.scopes import Parties
from prober.vocabulary import Depth, Environment
from tests.schedule import virtual
from tests.schedule.made import NOON, PHONE, Watch, assignment, governor

URLS = {"imap4": "imaps://mail.test:993", "activesync": "https://mail.test/a", "graph": "https://graph.test/v1.0"}
APP = CredentialSpec("app", CredentialType.CLIENT_CREDENTIALS, tenant="contoso", client_id="1")
SLOWLY = Kind("imap_throttled", Reason.THROTTLED)
AT_GRAPH = Kind("graph_throttled", Reason.THROTTLED)
REJECTED = Kind("imap_login_refused", Reason.AUTH_REJECTED)
WIPED = Kind("eas_remote_wipe", Reason.ACCESS_POLICY)


def one(client: str, target: str = "hq", credential: str = "app") -> Assignment:
    """A client at one mailbox per target, with a token or, as `phone`, a password."""
    where = Target(target, Environment.EXCHANGE_SERVER, f"{target}@corp.test", URLS)
    kind = "basic" if credential == "phone" else "client_credentials"
    return Assignment(client, where, Depth.MAILBOX, 60.0, 60.0, credential=credential, credential_kind=kind)


class World:
    """One governor with clock and configuration set by hand."""

    def __init__(self, before: "World | None" = None) -> None:
        self.records: dict[str, str] = before.records if before else {}
        self.section: dict[str, str] = before.section if before else {}
        self.wall: Watch = Watch(before.wall.now if before else NOON)
        self.now = Stamp("aa", "11")
        self.clock = 0.0
        self.governor = governor(
            catalogue(),
            Records(self.records),
            lambda _: self.now,
            wall=self.wall,
            credentials=(PHONE, APP),
            section=self.section,
            clock=lambda: self.clock,
        )

    def worked(self, *those: Assignment) -> "World":
        """Have attempts end well, and return what knows of it."""
        for who in those:
            self.met(who, None)
            Records(self.records).put(who.key, Record(NOON, self.now))
        return World(self)

    def met(self, who: Assignment, kind: Kind | None, retry_after: float | None = None) -> None:
        self.governor.consider(who, Fault(kind, retry_after=retry_after) if kind else None)

    @asynccontextmanager
    async def attempt(self, who: Assignment, *, added: bool = False) -> AsyncIterator[None]:
        """Be under way, as an attempt is."""
        async with self.governor.trial(who):
            used = self.governor.begin(who, added=added)
            try:
                yield
            finally:
                self.governor.end(who, used, added=added)

    def holds(self, who: Assignment) -> bool:
        return self.governor.holds(who)

    def wait(self, who: Assignment) -> float:
        """Let time pass until `who` may start; return how long that took."""
        until = self.governor.until(who)
        took = max(0.0, until - self.wall.now)
        self.wall.now += took - 0.001 if took else 0.0
        assert self.holds(who) == bool(took)
        self.wall.now += 0.001 if took else 0.0
        assert not self.holds(who)
        return took


def test_nobody_is_held_back_who_was_told_nothing() -> None:
    """A good end and an ordinary failure leave everybody as they were; busy is not throttled."""
    world = World()
    world.met(one("imap4"), None)
    world.met(one("imap4"), kinds.NO_ANSWER)
    world.met(one("imap4"), Kind("http_503", Reason.SERVER_BUSY), retry_after=300.0)
    assert not world.holds(one("imap4"))
    assert world.governor.until(one("imap4")) == 0.0
    assert world.governor.held_back(one("imap4")) is None
    assert world.section == {}


def test_a_wish_holds_for_all_who_share_what_was_meant_to_the_second() -> None:
    """Over a restart too; another mailbox and another protocol go on."""
    world = World()
    world.met(one("imap4"), SLOWLY, 300.0)
    later = World(world)
    later.wall.now += 299.999
    assert later.holds(one("imap4"))
    assert later.holds(one("outlook_mobile"))
    assert not later.holds(one("imap4", "lab"))
    assert not later.holds(one("activesync"))
    later.wall.now += 0.001
    assert not later.holds(one("imap4"))


def test_a_whole_app_is_held_back_when_it_is_throttled() -> None:
    """At every mailbox, by every client that asks Graph."""
    world = World()
    world.met(one("outlook_mobile"), AT_GRAPH, 120.0)
    assert world.holds(one("outlook_mac", "lab"))
    assert not world.holds(one("imap4", "lab"))
    assert (world.governor.quiet("app"), world.governor.quiet("mailbox"), world.governor.quiet("device")) == (1, 1, 0)
    world.wall.now += 120.0
    assert world.governor.quiet("app") == 0


@pytest.mark.parametrize("said", [None, 0.0])
def test_where_no_time_is_said_the_pause_doubles_until_something_goes_well(said: float | None) -> None:
    """From 30 s to 15 minutes, with up to a quarter on top."""
    world = World()
    for strike in range(8):
        world.met(one("imap4"), SLOWLY, said)
        least = min(30.0 * 2**strike, 720.0)
        assert least <= world.wait(one("imap4")) <= min(1.25 * least, 900.0)
    world.met(one("outlook_mobile"), None)
    world.met(one("imap4"), SLOWLY)
    assert world.wait(one("imap4")) <= 37.5


def test_those_refused_together_do_not_return_together() -> None:
    """The pause depends on who is meant, and is the same every time it is worked out."""
    pauses = [back_off(f"mailbox {number}", 3) for number in range(50)]
    assert pauses == [back_off(f"mailbox {number}", 3) for number in range(50)]
    assert len(set(pauses)) == 50
    assert all(240.0 <= pause <= 300.0 for pause in pauses)


def test_who_was_under_way_when_quiet_was_wished_does_not_make_it_shorter_or_longer_than_said() -> None:
    """A second signal of the same moment is the same wish: the later end holds, and it is no second strike."""
    world = World()
    world.met(one("imap4"), SLOWLY, 300.0)
    world.wall.now += 1.0
    world.met(one("outlook_mac"), SLOWLY, 60.0)
    world.met(one("outlook_mac"), SLOWLY)
    world.met(one("outlook_mac"), None)
    assert world.wait(one("imap4")) == pytest.approx(299.0)
    world.met(one("imap4"), SLOWLY)
    assert world.wait(one("imap4")) >= 60.0


def test_a_wish_of_a_century_is_granted_for_a_day() -> None:
    """A server's mistake must not silence a probe for ever."""
    world = World()
    world.met(one("imap4"), SLOWLY, 3e9)
    assert world.wait(one("imap4")) == pytest.approx(86_400.0)


def test_what_is_long_over_is_forgotten() -> None:
    """The state file holds what matters."""
    world = World()
    world.met(one("imap4"), SLOWLY, 60.0)
    world.wall.now += 60.0 + 7201.0
    world.met(one("imap4", "lab"), SLOWLY, 60.0)
    assert len(world.section) == 1


def test_what_cannot_be_read_was_never_wished() -> None:
    """A broken line of the state file stops nobody."""
    world = World()
    world.met(one("imap4"), SLOWLY, 600.0)
    (key,) = world.section
    world.section[key] = "{"
    assert not World(world).holds(one("imap4"))


def test_a_rejected_password_stops_everybody_who_would_show_it() -> None:
    """Whichever client, target and mailbox; another credential goes on. A changed secret ends it."""
    world = World()
    world.met(one("imap4", credential="phone"), REJECTED)
    other = one("activesync", "lab", "phone")
    world.wall.now += 1e6
    assert world.holds(other)
    assert not world.holds(one("outlook_mac", "lab"))
    assert world.governor.until(other) == inf
    world.now = Stamp("aa", "22")
    assert not world.holds(other)


def test_one_that_worked_for_anybody_is_tried_by_anybody_after_half_an_hour() -> None:
    """By one: the next rejection begins another half hour for all."""
    imap, phone = one("imap4", credential="phone"), one("activesync", credential="phone")
    world = World().worked(phone)
    world.met(imap, REJECTED)
    assert world.wait(phone) == pytest.approx(1800.0)
    world.met(phone, REJECTED)
    assert world.wait(phone) == pytest.approx(1800.0)


def test_what_is_refused_to_one_while_others_are_let_in_is_his_own_affair() -> None:
    """A protocol that is off for the user must not keep his other clients from being probed for ever."""
    imap, phone = one("imap4", credential="phone"), one("activesync", credential="phone")
    world = World().worked(phone, imap)
    world.met(imap, REJECTED)
    assert world.wait(phone) == pytest.approx(1800.0)
    world.met(phone, None)
    assert not world.holds(phone)
    world.wall.now += 5.0
    world.met(imap, REJECTED)
    assert world.holds(imap)
    assert not world.holds(phone)


def test_a_wipe_is_one_devices_affair() -> None:
    """The others go on."""
    world = World()
    world.met(one("activesync"), WIPED)
    assert world.holds(one("activesync"))
    assert not world.holds(one("imap4"))
    held = world.governor.held_back(one("activesync"))
    assert held is not None
    assert (held.until, held.parked) == (inf, True)


def test_it_says_who_waits_until_when_and_why() -> None:
    """The longest wait, in words; more than a quarter of an hour is parked."""
    world = World()
    world.met(one("imap4"), SLOWLY, 120.0)
    held = world.governor.held_back(one("outlook_mac"))
    assert held is not None
    assert (held.client, held.target, held.until, held.parked) == ("outlook_mac", "hq", NOON + 120.0, False)
    assert held.because == "imap_throttled: the server wants quiet from this mailbox by imap"
    world.met(one("imap4"), SLOWLY, 1000.0)
    held = world.governor.held_back(one("outlook_mac"))
    assert held is not None
    assert (held.until, held.parked) == (NOON + 1000.0, True)


async def test_what_is_added_needs_room_and_what_is_configured_does_not() -> None:
    """Five channels and attempts are open at a mailbox: the schedule goes on, a second look waits."""
    world = World()
    looked = one("imap4")
    async with (
        world.governor.connection(one("imap4")),
        world.attempt(one("outlook_mac"), added=True),
        world.attempt(one("activesync"), added=True),
    ):
        assert world.governor.holds(looked, added=True)
        assert not world.governor.holds(looked)
        assert not world.governor.holds(one("imap4", "lab"), added=True)
        assert world.governor.budgets.fullest("open_connections") == pytest.approx(1.0)
    assert not world.governor.holds(looked, added=True)
    assert world.governor.budgets.fullest("open_connections") == 0.0


async def test_requests_at_graph_are_counted_for_whoever_makes_them() -> None:
    """Those of second looks apart: when they have used up their share, looks at Graph wait, and others do not."""
    world = World()
    mobile = one("outlook_mobile")
    for _ in range(100):
        world.governor.asked(mobile, "graph.test")
        world.governor.asked(mobile, "mail.test")
    assert world.governor.budgets.fullest("graph_requests_per_minute") == pytest.approx(0.333, abs=0.01)
    async with world.attempt(mobile, added=True):
        for _ in range(250):
            world.governor.asked(mobile, "graph.test")
    assert world.governor.holds(mobile, added=True)
    assert not world.governor.holds(mobile)
    assert not world.governor.holds(one("activesync"), added=True)
    world.clock += 3600.0
    assert not world.governor.holds(mobile, added=True)


def test_tokens_are_counted_by_credential() -> None:
    """One an hour is what is allowed."""
    world = World()
    for _ in range(6):
        world.governor.requested("app")
        world.governor.failed("app", Reason.THROTTLED)
        world.governor.issued("app", NOON)
        world.clock += 3600.0
    assert 0.5 < world.governor.budgets.fullest("tokens_per_hour") < 1.0


def test_a_password_on_trial_stands_in_the_way_of_who_starts_now() -> None:
    """Nobody else shows it meanwhile; before its turn has come, nobody asks."""

    async def main() -> None:
        world = World()
        async with world.attempt(one("imap4", credential="phone")):
            other = one("activesync", credential="phone")
            assert world.governor.holds(other, now=True)
            assert not world.governor.holds(other)
            assert not world.governor.holds(one("outlook_mac"), now=True)
        assert not world.governor.holds(other, now=True)

    virtual.run(main())


def test_what_was_found_for_an_assignment_holds_as_long_as_the_configuration() -> None:
    """Its credential becomes a password: from then on it is shown by one at a time."""
    world = World()
    who = one("imap4")
    used = world.governor.begin(who)
    assert world.governor.unproven(who) is None
    password = CredentialSpec("app", CredentialType.BASIC, username="probe@corp.test")
    world.governor.configure(Parties(catalogue(), {"app": password}), DEFAULTS)
    assert world.governor.unproven(who) is not None
    world.governor.end(who, used)
    assert world.governor.budgets.fullest("open_connections") == 0.0


def test_a_made_up_assignment_is_a_party_too() -> None:
    """One without mailbox or known credential is held back by what it is told itself."""
    world = World()
    bare = assignment(credential=None)
    world.met(bare, kinds.Kind("http_throttled", Reason.THROTTLED), 60.0)
    assert world.holds(bare)


def test_a_wish_that_another_process_was_told_of_is_kept_here() -> None:
    """Both keep to it by the same name; what cannot be read, or was forgotten, holds nobody back."""
    told, other = World(), World()
    told.met(one("imap4"), SLOWLY, 600.0)
    assert told.section
    other.governor.adopt(dict(told.section))
    assert other.holds(one("imap4"))
    assert not other.section
    other.governor.adopt(dict.fromkeys(told.section, "not a wish"))
    assert not other.holds(one("imap4"))
    other.governor.adopt(dict(told.section))
    other.governor.adopt(dict.fromkeys(told.section))
    assert not other.holds(one("imap4"))
