"""Around an attempt: held back, in turn, measured alone, judged, told."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from prober.detection import RESULTS
from prober.exchange import Session
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.model import Assignment, Outcome
from prober.schedule.attempts import BUSY, Attempts, NotStarted, lane
from prober.schedule.health import Health
from prober.schedule.judging import Judging
from prober.schedule.records import Record, Records
from prober.transaction import Client, Step, Transaction
from prober.verdict import Judgement
from prober.vocabulary import Depth, Verdict
from tests.schedule import virtual
from tests.schedule.made import Sessions, Told, Watch, assignment, governor, pacer

SLOWLY = Kind("http_throttled", Reason.THROTTLED)
REJECTED = Kind("imap_login_refused", Reason.AUTH_REJECTED)


@dataclass
class Server:
    """How the one step of the one client fares: how long it takes and what goes wrong."""

    takes: float = 0.25
    fault: Kind | None = None
    blocks: float = 0.0

    def client(self) -> Client[None]:
        async def login(tx: Transaction, _: None) -> None:
            """Sign in."""
            await asyncio.sleep(self.takes)
            virtual.block(self.blocks)
            if self.fault:
                raise FaultError(self.fault)

        return Client("imap4", "IMAP", lambda: None, (Step(login, Depth.MAILBOX),), ("imap4",))


class Recorder:
    """Takes note of whom it was to watch."""

    def __init__(self) -> None:
        self.watched: list[Session] = []

    def watch(self, session: Session) -> Session:
        self.watched.append(session)
        return session

    def lines(self) -> list[str]:
        return []

    def request_ids(self) -> dict[str, list[str]]:
        return {}

    servers = request_ids


class World:
    """One set of attempts on virtual time, with everything it tells."""

    def __init__(self, server: Server, rate: float = 1000.0) -> None:
        self.recorders: list[Recorder] = []
        self.told = Told()
        self.sessions = Sessions()
        self.finished: list[tuple[Assignment, Outcome, Judgement]] = []
        self.again: list[tuple[Assignment, Outcome, Judgement]] = []
        records = Records({})
        self.judging = Judging(
            records,
            configuration={},
            control_of={},
            control_interval=60.0,
            secret_mark=lambda _: "",
            maintenance=lambda *_: False,
            clock=virtual.now,
            wall=Watch(),
        )
        self.records = records
        self.health = Health(lambda _: None, clock=virtual.now, wall=virtual.now, descriptors=lambda: 1000)
        clients = {"imap4": server.client()}
        self.governor = governor(clients, records, wall=Watch())
        self.attempts = Attempts(
            clients,
            self.sessions,
            pacer=pacer(rate),
            judging=self.judging,
            governor=self.governor,
            health=self.health,
            watch=self.told,
            tell=lambda *finished: self.finished.append(finished),
            tell_again=lambda *finished: self.again.append(finished),
            record=self.record,
            clock=virtual.now,
        )

    def record(self, one: Assignment) -> Recorder:
        self.recorders.append(Recorder())
        return self.recorders[-1]


def test_of_a_failure_it_is_known_what_passed_and_how_the_prober_was() -> None:
    """Of a success nothing is kept; whoever else watches sees the same session."""

    async def main() -> None:
        world = World(Server(fault=kinds.NO_ANSWER))
        await world.attempts.scheduled(assignment(), virtual.now() - 0.5)
        ((_, outcome, _),) = world.finished
        assert outcome.aside is not None
        assert outcome.aside.recording is world.recorders[0]
        assert outcome.aside.prober == {
            "loop_lag_seconds": 0.0,
            "late_seconds": 0.5,
            "sickness": "none",
            "control": "none",
        }
        assert world.recorders[0].watched == [world.sessions.opened[0]]
        assert "recording" not in repr(outcome)

        well = World(Server())
        outcome, _ = await well.attempts.by_hand(assignment())
        assert outcome.aside is None
        assert len(well.recorders[0].watched) == 1

    virtual.run(main())


def test_a_scheduled_attempt_is_run_judged_and_told() -> None:
    """Lag is from the intended start; inflight goes up and down; the session is closed; the sinks hear once."""

    async def main() -> None:
        world = World(Server())
        await world.attempts.scheduled(assignment(), virtual.now() - 0.004)
        assert world.told.events == [("lag", pytest.approx(0.004)), ("inflight", 1), ("inflight", -1)]
        ((one, outcome, judgement),) = world.finished
        assert (one, judgement.verdict) == (assignment(), Verdict.OK)
        assert outcome.duration == pytest.approx(0.25)
        assert isinstance(outcome.started_at, datetime)
        assert world.sessions.closed == len(world.sessions.opened) == 1

    virtual.run(main())


def test_waiting_for_a_turn_is_lag_and_never_latency() -> None:
    """Two due at once on one lane of one start per 10 s: the second lags 10 s and takes as long as the first."""

    async def main() -> None:
        world = World(Server(), rate=0.1)
        both = [assignment("hq"), assignment("lab")]
        now = virtual.now()
        await asyncio.gather(*(world.attempts.scheduled(one, now) for one in both))
        assert world.told.named("lag") == [(pytest.approx(0.0),), (pytest.approx(10.0),)]
        assert [outcome.duration for _, outcome, _ in world.finished] == pytest.approx([0.25, 0.25])

    virtual.run(main())


def test_a_start_held_back_is_counted_and_nothing_else_happens() -> None:
    """After a password was rejected that never worked: no session, no lag, no outcome, one start held back."""

    async def main() -> None:
        world = World(Server(fault=REJECTED))
        await world.attempts.scheduled(assignment(), virtual.now())
        assert [judgement.verdict for _, _, judgement in world.finished] == [Verdict.EXCLUDED]
        world.told.events.clear()
        await world.attempts.scheduled(assignment(), virtual.now())
        assert world.told.events == [("held back", "imap4/hq")]
        assert len(world.sessions.opened) == len(world.finished) == 1

    virtual.run(main())


def test_quiet_wished_while_one_waits_for_a_turn_is_kept() -> None:
    """Of five due at once on a lane of one start per 10 s, the first is throttled: none of the others starts."""

    async def main() -> None:
        world = World(Server(fault=SLOWLY), rate=0.1)
        five = [assignment(name) for name in ("a", "b", "c", "d", "e")]
        world.governor.consider(five[0], None)
        now = virtual.now()
        await asyncio.gather(*(world.attempts.scheduled(one, now) for one in five))
        assert len(world.sessions.opened) == 1
        assert [key for (key,) in world.told.named("held back")] == [one.key for one in five[1:]]

    virtual.run(main())


def test_a_password_that_is_wrong_is_shown_once_by_all_together() -> None:
    """Five clients start with it at the same moment, and five times again; a sixth is asked for by hand meanwhile."""

    async def main() -> None:
        world = World(Server(fault=REJECTED, takes=5.0))
        five = [assignment(name) for name in ("a", "b", "c", "d", "e")]
        for _ in range(5):
            await asyncio.gather(*(world.attempts.scheduled(one, virtual.now()) for one in five))
            await asyncio.sleep(60.0)
        assert len(world.sessions.opened) == 1
        assert len(world.told.named("held back")) == 24

    virtual.run(main())


def test_by_hand_waits_for_who_is_trying_the_password() -> None:
    """Three at once: one after the other, as long as it is not known to be right."""

    async def main() -> None:
        world, began = World(Server(takes=5.0)), virtual.now()
        await asyncio.gather(*(world.attempts.by_hand(assignment(name)) for name in ("a", "b", "c")))
        assert virtual.now() - began == pytest.approx(10.0)

    virtual.run(main())


def test_a_second_look_finds_room_or_is_held_back() -> None:
    """Three connections at one mailbox, whoever takes the looks; the schedule is not refused any."""

    async def main() -> None:
        world = World(Server(takes=20.0))
        world.governor.consider(assignment(), None)
        four = [assignment(name) for name in ("a", "b", "c", "d")]
        looks = [asyncio.create_task(world.attempts.second_look(one)) for one in four]
        await asyncio.sleep(1.0)
        assert world.told.named("held back") == [("imap4/d",)]
        await asyncio.gather(*looks, *(world.attempts.scheduled(one, virtual.now()) for one in four[3:]))
        assert len(world.finished) == 1
        assert len(world.again) == 3

    virtual.run(main())


def test_one_attempt_by_hand_is_told_to_nobody_and_not_held_back() -> None:
    """It returns what it saw; the schedule's counters and sinks stay as they were, its memory does not."""

    async def main() -> None:
        world = World(Server(fault=REJECTED))
        for _ in range(2):
            outcome, judgement = await world.attempts.by_hand(assignment())
            assert (outcome.fault is not None, judgement.verdict) == (True, Verdict.EXCLUDED)
        assert world.finished == []
        assert world.records.get("imap4/hq").rest is not None

    virtual.run(main())


def test_a_second_look_is_told_apart_from_the_attempts() -> None:
    """It has neither lag nor place among them, and obeys what holds an attempt back."""

    async def main() -> None:
        world = World(Server(fault=REJECTED))
        await world.attempts.second_look(assignment())
        assert world.finished == []
        assert [judgement.verdict for _, _, judgement in world.again] == [Verdict.EXCLUDED]
        assert world.told.events == [("inflight", 1), ("inflight", -1), ("confirmed", "imap4/hq")]
        world.told.events.clear()
        await world.attempts.second_look(assignment())
        assert world.told.events == [("held back", "imap4/hq")]

    virtual.run(main())


def test_the_schedule_ends_a_second_look_that_is_in_its_way() -> None:
    """The look is never heard of; its connection is closed; the attempt starts at once."""

    async def main() -> None:
        world = World(Server(takes=20.0))
        looking = asyncio.create_task(world.attempts.second_look(assignment()))
        await asyncio.sleep(5.0)
        began = virtual.now()
        await world.attempts.scheduled(assignment(), began)
        await looking
        assert virtual.now() - began == pytest.approx(20.0)
        assert world.again == []
        assert len(world.finished) == 1
        assert world.told.named("confirmed") == []
        assert world.sessions.closed == 2

    virtual.run(main())


def test_draining_ends_a_second_look() -> None:
    """Cancelled from outside, it leaves no task behind."""

    async def main() -> None:
        world = World(Server(takes=20.0))
        looking = asyncio.create_task(world.attempts.second_look(assignment()))
        await asyncio.sleep(5.0)
        looking.cancel()
        await asyncio.wait([looking])
        await asyncio.sleep(1.0)
        assert len(asyncio.all_tasks()) == 1
        assert world.sessions.closed == 1

    virtual.run(main())


def test_sickness_during_the_attempt_reaches_the_verdict() -> None:
    """A loop blocked for a second while the step ran makes its failure inconclusive."""

    async def main() -> None:
        world = World(Server(fault=kinds.NO_ANSWER, blocks=1.0))
        world.health.start()
        _, judgement = await world.attempts.by_hand(assignment())
        world.health.stop()
        assert (judgement.verdict, judgement.code) == (Verdict.INCONCLUSIVE, "loop_blocked")

    virtual.run(main())


@pytest.mark.parametrize(("late", "verdict"), [(0.9, Verdict.FAILED), (1.1, Verdict.INCONCLUSIVE)])
def test_an_attempt_that_starts_late_proves_nothing_by_failing(late: float, verdict: Verdict) -> None:
    """A second after it was due, its turn aside: whatever kept the loop busy may do so again."""

    async def main() -> None:
        world = World(Server(fault=kinds.NO_ANSWER))
        await world.attempts.scheduled(assignment(), virtual.now() - late)
        ((_, _, judgement),) = world.finished
        assert judgement.verdict is verdict
        assert (judgement.code == "started_late") is (verdict is Verdict.INCONCLUSIVE)

    virtual.run(main())


def test_an_attempt_that_waited_for_its_turn_is_not_late() -> None:
    """Ten seconds behind another one on its lane: a failure counts, a success is timed."""

    async def main() -> None:
        world = World(Server(fault=kinds.NO_ANSWER), rate=0.1)
        now = virtual.now()
        await asyncio.gather(*(world.attempts.scheduled(assignment(name), now) for name in ("a", "b")))
        assert [judgement.verdict for _, _, judgement in world.finished] == [Verdict.FAILED] * 2
        asyncio.get_running_loop().call_later(9.0, virtual.block, 3.0)
        await world.attempts.scheduled(assignment("c"), virtual.now())
        assert world.finished[-1][2].code == "started_late"

    virtual.run(main())


def test_a_second_look_on_a_blocked_loop_confirms_nothing() -> None:
    """It is told of as inconclusive, which is no evidence for whoever hears of second looks."""

    async def main() -> None:
        world = World(Server(fault=kinds.NO_ANSWER, blocks=0.5))
        world.health.start()
        await world.attempts.second_look(assignment())
        world.health.stop()
        ((_, _, judgement),) = world.again
        assert judgement.verdict is Verdict.INCONCLUSIVE
        assert judgement.verdict not in RESULTS

    virtual.run(main())


def test_a_loop_that_lags_without_being_blocked_spoils_the_time_and_no_more() -> None:
    """A fifth of a second within five: ok, and its time is not observed."""

    async def main() -> None:
        world = World(Server(takes=5.0))
        world.health.start()
        asyncio.get_running_loop().call_later(2.05, virtual.block, 0.2)
        _, judgement = await world.attempts.by_hand(assignment())
        world.health.stop()
        assert (judgement.verdict, judgement.timed) == (Verdict.OK, False)

    virtual.run(main())


def test_a_cancelled_attempt_is_no_outcome_and_leaves_nothing_open() -> None:
    """Cancelled in its step: nobody is told, inflight is back at nought, the session is closed."""

    async def main() -> None:
        world = World(Server(takes=100.0))
        task = asyncio.create_task(world.attempts.scheduled(assignment(), virtual.now()))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert world.finished == []
        assert world.told.named("inflight") == [(1,), (-1,)]
        assert world.sessions.closed == 1
        assert world.records.get("imap4/hq") == Record()

    virtual.run(main())


def test_a_lane_is_the_host_of_the_principal_endpoint_and_the_credential() -> None:
    """Ports do not matter; without a URL or a credential there is still a lane."""
    client = Server().client()
    assert lane(client, assignment()) == ("mail.test", "phone")
    bare = assignment(credential=None)
    assert lane(client, replace(bare, target=replace(bare.target, endpoints={}))) == ("hq", "")
    assert lane(replace(client, endpoints=()), assignment()) == ("hq", "phone")


def test_an_attempt_on_demand_is_answered_and_told_to_nobody() -> None:
    """Who asked gets outcome and judgement; neither the sinks nor those of second looks hear of it, nor of a start."""

    async def main() -> None:
        world = World(Server())
        outcome, judgement = await demanded(world, 5.0)
        assert judgement.verdict is Verdict.OK
        assert outcome.duration == pytest.approx(0.25)
        assert world.finished == world.again == []
        assert world.told.events == [("inflight", 1), ("inflight", -1)]

    virtual.run(main())


async def demanded(world: World, seconds: float) -> tuple[Outcome, Judgement]:
    found = await world.attempts.on_demand(assignment(), seconds)
    assert not isinstance(found, NotStarted)
    return found


def test_an_attempt_on_demand_ends_when_its_time_is_over() -> None:
    """With a classified fault, and well before whoever waits gives up; the device's own time-out is the longest."""

    async def main() -> None:
        for seconds, ends in ((2.0, 2.0), (600.0, 60.0)):
            began = virtual.now()
            outcome, judgement = await demanded(World(Server(takes=1e6)), seconds)
            assert virtual.now() - began == pytest.approx(min(ends, 30.0))
            assert outcome.fault is not None
            assert judgement.reason is Reason.READ_TIMEOUT

    virtual.run(main())


def test_an_attempt_on_demand_waits_for_the_one_under_way_and_gives_up_in_time() -> None:
    """Never two of one assignment; half of its time gone, it does not begin any more."""

    async def main() -> None:
        world = World(Server(takes=4.0))
        scheduled = asyncio.create_task(world.attempts.scheduled(assignment(), virtual.now()))
        await asyncio.sleep(0.5)
        assert world.attempts.busy(assignment().key)
        began = virtual.now()
        assert await world.attempts.on_demand(assignment(), 2.0) is BUSY
        assert virtual.now() - began == pytest.approx(2.0)
        assert len(world.sessions.opened) == 1
        late = await world.attempts.on_demand(assignment(), 2.5)
        assert late is BUSY
        assert len(world.sessions.opened) == 1
        await scheduled
        outcome, _ = await demanded(world, 10.0)
        assert outcome.duration == pytest.approx(4.0)
        assert not world.attempts.busy(assignment().key)

    virtual.run(main())


def test_the_schedule_waits_for_an_attempt_on_demand() -> None:
    """What it waits is lag and never latency."""

    async def main() -> None:
        world = World(Server(takes=2.0))
        asked = asyncio.create_task(world.attempts.on_demand(assignment(), 10.0))
        await asyncio.sleep(0.5)
        await world.attempts.scheduled(assignment(), virtual.now())
        assert world.told.named("lag") == [(pytest.approx(1.5),)]
        assert [outcome.duration for _, outcome, _ in world.finished] == pytest.approx([2.0])
        assert asked.done()

    virtual.run(main())


def test_what_holds_others_back_holds_an_attempt_on_demand_back() -> None:
    """A rejected password is not shown again because somebody looks; and no start is counted as held back."""

    async def main() -> None:
        world = World(Server(fault=REJECTED))
        await world.attempts.scheduled(assignment(), virtual.now())
        world.told.events.clear()
        refused = await world.attempts.on_demand(assignment(), 5.0)
        assert isinstance(refused, NotStarted)
        assert refused.code == "held_back"
        assert "imap_login_refused" in refused.because
        assert world.told.events == []
        assert len(world.sessions.opened) == 1

    virtual.run(main())


def test_what_an_attempt_on_demand_is_told_holds_for_the_schedule() -> None:
    """It shares the governor: throttled there, quiet here."""

    async def main() -> None:
        world = World(Server(fault=SLOWLY))
        _, judgement = await demanded(world, 5.0)
        assert judgement.verdict is Verdict.THROTTLED
        await world.attempts.scheduled(assignment(), virtual.now())
        assert world.told.named("held back") == [(assignment().key,)]

    virtual.run(main())


def test_who_asks_may_watch() -> None:
    """The session of that one attempt, and of no other."""

    async def main() -> None:
        world = World(Server())
        watched: list[Session] = []

        def watching(session: Session) -> Session:
            watched.append(session)
            return session

        await world.attempts.on_demand(assignment(), 5.0, watching)
        await world.attempts.on_demand(assignment(), 5.0)
        assert watched == world.sessions.opened[:1]

    virtual.run(main())
