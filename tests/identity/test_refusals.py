"""Refusals: what one resource was refused, and when the credential may ask again."""

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.identity.refusals import Refusals
from tests.schedule.made import Watch

BROKEN = Fault(Kind("token_service_broken", Reason.TOKEN_SERVICE_ERROR))
LOOP = Fault(Kind("aadsts_50196", Reason.THROTTLED), {"aadsts": "50196"})


def aadsts(code: int) -> Fault:
    return Fault(Kind(f"aadsts_{code}", Reason.AUTH_REJECTED), {"aadsts": str(code)})


class World:
    def __init__(self, *, password: bool = False) -> None:
        self.watch = Watch(0.0)
        self.refusals = Refusals("phone", password=password, clock=self.watch)

    def met(self, fault: Fault, scope: str = "mail", mark: str = "one") -> None:
        self.refusals.refused(scope, fault, mark)

    def told(self, scope: str = "mail", mark: str = "one") -> str:
        fault = self.refusals.remembered(scope, mark)
        return fault.kind.code if fault else ""

    def wait(self, scope: str = "mail") -> float:
        """Let time pass until asking is allowed; return how long that took, to the tenth of a second."""
        began = self.watch.now
        while self.told(scope):
            self.watch.now += 0.1
        return self.watch.now - began


@pytest.mark.parametrize("code", [50126, 7000215])
def test_a_wrong_secret_is_shown_once_for_all_resources(code: int) -> None:
    """Until it changes."""
    world = World()
    world.met(aadsts(code), "mail")
    world.watch.now += 1e6
    assert world.told("graph") == f"aadsts_{code}"
    assert world.told("graph", "two") == ""


def test_a_password_is_wrong_for_all_resources_whatever_the_refusal_is_called() -> None:
    """Without a number as well; of other grants that says nothing."""
    refused = Fault(Kind("token_grant_refused", Reason.AUTH_REJECTED))
    world, other = World(password=True), World()
    for one in (world, other):
        one.met(refused, "mail")
        one.watch.now += 3600.0
    assert (world.told("graph"), other.told("graph")) == ("token_grant_refused", "")


def test_one_that_had_worked_gets_another_chance_after_half_an_hour() -> None:
    world = World(password=True)
    world.refusals.granted("mail")
    world.met(aadsts(50126), "graph")
    assert world.told("mail") == "aadsts_50126"
    assert world.wait() == pytest.approx(1800.0, abs=0.2)


def test_a_renewed_secret_does_not_wait_for_the_old_one() -> None:
    """An application secret that worked and expired is renewed in the file: the new one is shown at once."""
    world = World()
    world.refusals.granted("mail")
    world.met(aadsts(7000222), mark="old")
    assert (world.told(mark="old"), world.told(mark="new")) == ("aadsts_7000222", "")


def test_a_locked_account_is_left_alone_for_half_an_hour() -> None:
    """Whether or not it ever worked."""
    world = World(password=True)
    world.met(aadsts(50053))
    assert world.told(mark="another secret") == "aadsts_50053"
    assert world.told("graph", "two") == "aadsts_50053"
    assert world.wait("graph") == pytest.approx(1800.0, abs=0.2)


def test_throttling_without_a_time_is_kept_to_and_doubles() -> None:
    """From 30 s to 15 min, with up to a quarter on top; a token begins it anew."""
    world = World()
    waits = []
    for _ in range(8):
        world.met(LOOP)
        assert world.told("graph") == "aadsts_50196"
        waits.append(world.wait())
    for strike, wait in enumerate(waits):
        least = min(30.0 * 2**strike, 720.0)
        assert least - 0.2 <= wait <= min(least * 1.25, 900.0) + 0.2
    world.refusals.granted("mail")
    world.met(LOOP)
    assert world.wait() < 38.0


def test_a_wish_is_kept_to_the_second() -> None:
    """And what is left of it is what the next is told."""
    world = World()
    world.met(Fault(LOOP.kind, LOOP.evidence, retry_after=60.0))
    world.watch.now += 20.0
    fault = world.refusals.remembered("graph", "one")
    assert fault is not None
    assert fault.retry_after == pytest.approx(40.0)
    assert world.wait() == pytest.approx(40.0, abs=0.2)


def test_a_service_in_trouble_is_asked_less_and_less_and_never_less_than_twice_a_minute() -> None:
    """One resource's trouble is not another's; a token ends it."""
    world = World()
    waits = []
    for _ in range(10):
        world.met(BROKEN)
        waits.append(world.wait())
    assert world.told("graph") == ""
    assert waits[0] <= 1.1
    assert all(15.0 - 0.2 <= wait <= 30.0 + 0.2 for wait in waits[6:])
    world.refusals.granted("mail")
    world.met(BROKEN)
    assert world.wait() <= 1.1


def test_what_was_never_asked_is_not_remembered() -> None:
    """A file that cannot be read is looked at again."""
    world = World()
    world.met(Fault(kinds.SECRET_UNREADABLE))
    assert world.told() == ""
