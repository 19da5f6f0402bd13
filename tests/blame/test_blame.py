"""Blame as it is kept up to date."""

from collections.abc import Iterable
from dataclasses import replace

from prober.blame.blame import Blame
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind
from prober.model import Assignment, Target
from prober.verdict import Judgement
from prober.vocabulary import Depth, Domain, Environment, Verdict
from tests.schedule.made import Watch, assignment, outcome

ONE = assignment()
MANY = [assignment(f"mailbox-{number}", client) for number in range(100) for client in ("imap4", "owa")]
ELSEWHERE = replace(ONE, target=replace(ONE.target, name="cloud", environment=Environment.EXCHANGE_ONLINE))
CONTROL = Assignment("control", Target("control", Environment.INDEPENDENT), Depth.REACH, 60.0, 60.0)


class World:
    """A blame with a clock set by hand, and what it shows."""

    def __init__(self, assignments: Iterable[Assignment] = (ONE, CONTROL)) -> None:
        self.wall = Watch()
        self.shown: dict[tuple[Environment, Domain], bool] = {}
        self.blame = Blame(assignments, self.show, wall=self.wall)

    def show(self, environment: Environment, domain: Domain, blamed: bool) -> None:
        self.shown[environment, domain] = blamed

    def fail(self, one: Assignment = ONE, kind: Kind = kinds.TLS_EXPIRED, took: float = 60.0) -> None:
        self.blame(one, outcome(one, kind), Judgement(Verdict.FAILED, kind.reason, kind.code, kind.domain))
        self.wall.now += took

    def succeed(self, one: Assignment) -> None:
        self.blame(one, outcome(one), Judgement(Verdict.OK))

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


def test_a_look_in_steps_goes_by_one_picture_whatever_is_heard_between_them() -> None:
    """Everything fails; while that is looked at, everything recovers, and something else breaks."""
    world = World(MANY)
    world.blame.later = lambda: None
    for one in MANY * 2:
        world.fail(one, took=0.1)
    steps = 0
    for number, _ in enumerate(world.blame.look()):
        for one in MANY[number % len(MANY) :: 7]:
            world.succeed(one)
            world.fail(one, kinds.DNS_TIMEOUT, took=0.0)
        steps += 1
    assert steps > len(MANY) / 64
    assert world.blamed == [Domain.TLS]
    world.blame.tick()
    assert Domain.DNS in world.blamed
    assert set(world.blamed) == {one.domain for one in world.blame.findings(Environment.EXCHANGE_SERVER)}


def test_what_was_shown_while_one_looks_is_newer_and_stays() -> None:
    """On the spot another domain was found; the look that began before does not know of it."""
    world = World()
    steps = world.blame.look()
    next(steps)
    for _ in range(2):
        world.fail()
    assert world.blamed == [Domain.TLS]
    for _ in steps:
        pass
    assert world.blamed == [Domain.TLS]


def test_an_environment_that_goes_while_one_looks_blames_nobody() -> None:
    """It was in the picture, and is not shown any more."""
    world = World([ONE, ELSEWHERE])
    for one in (ONE, ELSEWHERE) * 2:
        world.fail(one, took=0.0)
    assert world.blamed == [Domain.TLS, Domain.TLS]
    steps = world.blame.look()
    next(steps)
    world.blame.replace([ONE])
    for _ in steps:
        pass
    assert [key for key, blamed in world.shown.items() if blamed] == [(Environment.EXCHANGE_SERVER, Domain.TLS)]


def test_what_is_new_is_left_to_who_looks_later() -> None:
    """He is told of what is neither well nor blamed already, and of nothing else."""
    world, told = World(), []
    world.blame.later = lambda: told.append(world.wall.now)
    world.succeed(ONE)
    assert told == []
    for _ in range(2):
        world.fail()
    assert (len(told), world.blamed) == (2, [])
    world.blame.tick()
    assert world.blamed == [Domain.TLS]
    world.fail()
    assert len(told) == 2
