"""Blame as it is kept up to date."""

from prober.blame.blame import Blame
from prober.faults import taxonomy as kinds
from prober.model import Assignment, Target
from prober.verdict import Judgement
from prober.vocabulary import Depth, Domain, Environment, Verdict
from tests.schedule.made import Watch, assignment, outcome

ONE = assignment()
CONTROL = Assignment("control", Target("control", Environment.INDEPENDENT), Depth.REACH, 60.0, 60.0)


class World:
    """A blame with a clock set by hand, and what it shows."""

    def __init__(self) -> None:
        self.wall = Watch()
        self.shown: dict[tuple[Environment, Domain], bool] = {}
        self.blame = Blame([ONE, CONTROL], self.show, wall=self.wall)

    def show(self, environment: Environment, domain: Domain, blamed: bool) -> None:
        self.shown[environment, domain] = blamed

    def fail(self, one: Assignment = ONE) -> None:
        kind = kinds.TLS_EXPIRED
        self.blame(one, outcome(one, kind), Judgement(Verdict.FAILED, kind.reason, kind.code, kind.domain))
        self.wall.now += 60.0

    @property
    def blamed(self) -> list[Domain]:
        return [domain for (_, domain), blamed in self.shown.items() if blamed]


def test_every_domain_is_there_from_the_start() -> None:
    """Of every environment but the control's."""
    world = World()
    assert set(world.shown) == {(Environment.EXCHANGE_SERVER, domain) for domain in Domain}
    assert world.blamed == []


def test_who_is_to_blame_is_shown_until_it_is_over() -> None:
    """After the second failure, and no longer than its attempts are of today."""
    world = World()
    world.fail()
    assert world.blamed == []
    world.fail()
    assert world.blamed == [Domain.TLS]
    assert [one.domain for one in world.blame.findings(Environment.EXCHANGE_SERVER)] == [Domain.TLS]
    world.wall.now += 300.0
    world.blame.tick()
    assert world.blamed == []


def test_what_goes_on_being_to_blame_waits_for_the_tick() -> None:
    """An outage of a thousand mailboxes must not cost a thousand solutions; another domain is looked into at once."""
    world = World()
    for _ in range(2):
        world.fail()
    world.shown.clear()
    world.fail()
    assert world.shown == {}
    kind = kinds.NO_ANSWER
    world.blame(ONE, outcome(ONE, kind), Judgement(Verdict.FAILED, kind.reason, kind.code, kind.domain))
    assert world.blamed == [Domain.TLS]
    world.shown.clear()
    world.blame.tick()
    assert world.blamed == [Domain.TLS]


def test_the_control_blames_nobody_elses_environment() -> None:
    """Nor has it a gauge of its own."""
    world = World()
    for _ in range(4):
        world.fail(CONTROL)
    assert world.blamed == []
    assert len(world.shown) == len(Domain)


def test_success_takes_the_blame_away() -> None:
    """With the next tick."""
    world = World()
    for _ in range(2):
        world.fail()
    for _ in range(3):
        world.blame(ONE, outcome(ONE), Judgement(Verdict.OK))
        world.wall.now += 60.0
    world.blame.tick()
    assert world.blamed == []
