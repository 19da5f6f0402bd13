"""Held push channels: held, renewed, lost, won back, and left politely."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from prober.exchange import Session
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, FaultError, Kind, Reason
from prober.model import Assignment, Outcome, PushSettings
from prober.schedule import channels
from prober.schedule.channels import Channels, pause
from prober.schedule.health import Health
from prober.schedule.judging import Judging
from prober.schedule.plan import fraction
from prober.schedule.records import Records, Stamp
from prober.transaction import Client, Held, Transaction
from prober.verdict import Judgement
from prober.vocabulary import Domain, Verdict
from tests.schedule import virtual
from tests.schedule.made import Sessions, Told, Watch, assignment, governor, outcome, pacer

REJECTED = Kind("imap_login_refused", Reason.AUTH_REJECTED)
KICKED = Kind("imap_bye", Reason.SERVER_BUSY)
PUSHED = assignment(push=PushSettings(hold=480.0, life=3600.0))


class Mailbox:
    """What a held channel meets: scripted answers for opening and waiting, then an endless quiet."""

    def __init__(self, opens: list[Kind | None] | None = None, waits: list[Any] | None = None) -> None:
        self.opens = opens or []
        self.waits = waits or []
        self.log: list[tuple[str, float]] = []

    def note(self, what: str) -> None:
        self.log.append((what, virtual.now()))

    def times(self, what: str) -> list[float]:
        return [at for said, at in self.log if said == what]

    def hold(self) -> "Phone":
        return Phone(self)

    def hold_and_mark(self) -> "MarkingPhone":
        return MarkingPhone(self)


class Phone:
    """A held channel in the hands of a `Mailbox`."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def open(self, tx: Transaction) -> None:
        self.mailbox.note("open")
        fault = self.mailbox.opens.pop(0) if self.mailbox.opens else None
        if fault:
            raise FaultError(fault)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        self.mailbox.note(f"wait {seconds:g}")
        step = self.mailbox.waits.pop(0) if self.mailbox.waits else (seconds, False)
        after, then = step
        await asyncio.sleep(after)
        if isinstance(then, Kind):
            raise FaultError(then)
        if isinstance(then, Exception):
            raise then
        return bool(then)

    async def close(self, tx: Transaction) -> None:
        self.mailbox.note("close")


class MarkingPhone(Phone):
    """One whose markers are told of after `delay` seconds, or never."""

    delay: float | None = 2.0
    refused: Kind | None = None

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self.news = asyncio.Event()

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        self.news.clear()
        waiting = asyncio.create_task(super().wait(tx, seconds))
        news = asyncio.create_task(self.news.wait())
        try:
            await asyncio.wait((waiting, news), return_when=asyncio.FIRST_COMPLETED)
            return news.done() or await waiting
        finally:
            waiting.cancel()
            news.cancel()

    async def mark(self, tx: Transaction) -> None:
        self.mailbox.note("mark")
        if self.refused is not None:
            raise FaultError(self.refused)
        if self.delay is not None:
            asyncio.get_running_loop().call_later(self.delay, self.news.set)


class Recorder:
    """What takes down one session: how often it was settled while that was held."""

    def __init__(self) -> None:
        self.watched = 0
        self.settled = 0

    def watch(self, session: Session) -> Session:
        self.watched += 1
        return session

    def settle(self) -> None:
        self.settled += 1

    def lines(self) -> list[str]:
        return [f"settled {self.settled} times"]

    def request_ids(self) -> dict[str, list[str]]:
        return {}

    def servers(self) -> dict[str, list[str]]:
        return {}


class World:
    """Channels on virtual time over scripted mailboxes."""

    def __init__(
        self,
        mailbox: Mailbox,
        *assignments: Assignment,
        held: bool = True,
        make: Callable[[], Held] | None = None,
    ) -> None:
        self.mailbox = mailbox
        self.told, self.sessions, self.wall = Told(), Sessions(), Watch()
        self.lost: list[tuple[Assignment, Outcome, Judgement]] = []
        self.recorders: list[Recorder] = []
        self.window = (0.0, 0.0)
        make = (make or mailbox.hold) if held else None
        client: Client[None] = Client("imap4", "IMAP", lambda: None, (), ("imap4",), held=make)
        self.records = Records({})
        self.stamp = Stamp("aa", "11")
        self.governor = governor({"imap4": client}, self.records, lambda _: self.stamp, wall=self.wall)
        self.judging = Judging(
            self.records,
            configuration={},
            control_of={"hq": "way-out"},
            control_interval=60.0,
            secret_mark=lambda _: "",
            maintenance=lambda _, *times: any(self.window[0] <= when.timestamp() < self.window[1] for when in times),
            clock=virtual.now,
            wall=self.wall,
        )
        self.health = Health(lambda _: None, clock=virtual.now, wall=virtual.now, descriptors=lambda: 1000)
        self.channels = Channels(
            assignments or (PUSHED,),
            {"imap4": client},
            self.sessions,
            pacer=pacer(),
            governor=self.governor,
            judging=self.judging,
            health=self.health,
            watch=self.told,
            tell=lambda *lost: self.lost.append(lost),
            record=self.record,
            clock=virtual.now,
            wall=self.wall,
        )

    def record(self, _: Assignment) -> Recorder:
        self.recorders.append(Recorder())
        return self.recorders[-1]

    async def during(self, seconds: float) -> None:
        """Keep the channels for so long, then drain them."""
        self.channels.start()
        await asyncio.sleep(seconds)
        await self.channels.drain()


def test_a_channel_is_held_again_and_again_and_renewed_at_the_end_of_its_life() -> None:
    """Holds of 480 s in a life of 3,600 s: seven and a half, a polite end, and the next session at once."""

    async def main() -> None:
        mailbox = Mailbox()
        world = World(mailbox)
        await world.during(3700.0)
        said = [what for what, _ in mailbox.log]
        assert said == ["open", *["wait 480"] * 7, "wait 240", "close", "open", "wait 480", "close"]
        opened, again = mailbox.times("open")
        assert again - opened == pytest.approx(3600.0, abs=0.1)
        assert world.told.events == [("session", "imap4/hq", pytest.approx(3600.0))]
        assert world.sessions.closed == len(world.sessions.opened) == 2

    virtual.run(main())


def test_news_ends_a_hold_and_not_the_session() -> None:
    """Told of a change after 100 s, the channel is held again, in the same session."""

    async def main() -> None:
        mailbox = Mailbox(waits=[(100.0, True)] * 3)
        world = World(mailbox)
        await world.during(400.0)
        assert [what for what, _ in mailbox.log] == ["open", *["wait 480"] * 4, "close"]

    virtual.run(main())


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (kinds.PEER_RESET, Reason.PUSH_CHANNEL_LOST),
        (kinds.NO_ANSWER, Reason.PUSH_CHANNEL_LOST),
        (KICKED, Reason.SERVER_BUSY),
        (ConnectionResetError(104, "reset"), Reason.PUSH_CHANNEL_LOST),
        (ValueError("bug"), Reason.PROBE_INTERNAL),
    ],
)
def test_a_lost_channel_is_counted_with_its_life_and_won_back(loss: Kind | Exception, reason: Reason) -> None:
    """Broken after 200 s: one session of 200 s, one disconnect, no leave-taking, and a new session a second later."""

    async def main() -> None:
        mailbox = Mailbox(waits=[(200.0, loss)])
        world = World(mailbox)
        await world.during(400.0)
        assert world.told.events == [
            ("session", "imap4/hq", pytest.approx(200.0)),
            ("disconnect", "imap4/hq", reason),
        ]
        opened, again = mailbox.times("open")
        assert 200.5 <= again - opened <= 201.0
        assert [what for what, _ in mailbox.log].count("close") == 1
        assert world.sessions.closed == len(world.sessions.opened) == 2

    virtual.run(main())


def test_how_a_channel_fares_can_be_asked_at_any_time() -> None:
    """Not open yet, open since when, lost and why, and open again."""

    async def main() -> None:
        world = World(Mailbox(waits=[(200.0, kinds.PEER_RESET)]))
        (before,) = world.channels.states()
        assert (before.client, before.target, before.open_since, before.opened) == ("imap4", "hq", None, 0)
        world.channels.start()
        await asyncio.sleep(120.0)
        (held,) = world.channels.states()
        assert (held.opened, held.losses, held.loss) == (1, 0, "")
        assert held.open_since is not None
        await asyncio.sleep(280.0)
        (again,) = world.channels.states()
        assert (again.opened, again.losses, again.loss) == (2, 1, "push_channel_lost")
        await world.channels.drain()
        assert world.channels.states()[0].open_since is None

    virtual.run(main())


def test_what_is_known_of_a_lost_channel_is_told() -> None:
    """When it was opened, how long it was held and how often, where it broke, how we were, and what passed."""

    async def main() -> None:
        world = World(Mailbox(waits=[(480.0, False), (100.0, True), (20.0, kinds.PEER_RESET)]))
        world.wall.now = 1_800_000_000.0
        await world.during(700.0)
        ((one, outcome, judgement),) = world.lost
        opening, held = outcome.results
        assert (one, outcome.client, outcome.target) == (PUSHED, "imap4", "hq")
        assert outcome.started_at.timestamp() == 1_800_000_000.0
        assert outcome.duration == pytest.approx(600.0)
        assert (opening.step, opening.fault, held.step) == ("push_open", None, "push_wait")
        assert outcome.failure is held
        assert held.fault is not None
        assert held.fault.kind is kinds.PEER_RESET
        assert held.elapsed == pytest.approx(600.0)
        assert held.facts["holds"] == 3
        assert outcome.skipped == ("push_leave",)
        assert (judgement.verdict, judgement.reason, judgement.code) == (
            *(Verdict.FAILED, Reason.PUSH_CHANNEL_LOST),
            "peer_reset",
        )
        assert (judgement.domain, judgement.because) == (Domain.FRONTEND, "the channel was lost while it was held")
        assert outcome.aside is not None
        assert outcome.aside.recording is world.recorders[0]
        assert outcome.aside.prober == {"loop_lag_seconds": 0.0, "sickness": "none", "control": "well"}
        assert [(one.watched, one.settled) for one in world.recorders] == [(1, 4), (1, 2)]

    virtual.run(main())


def test_a_channel_that_keeps_silent_broke_while_it_was_held() -> None:
    """No hold failed by itself: that is what it is told by."""

    async def main() -> None:
        world = World(Mailbox(waits=[(100.0, False)] * 3))
        await world.during(500.0)
        ((_, outcome, judgement),) = world.lost
        assert [result.step for result in outcome.results] == ["push_open", "push_wait"]
        assert (judgement.verdict, judgement.code) == (Verdict.FAILED, "push_ended_early")
        assert outcome.results[1].facts == {"holds": 3}

    virtual.run(main())


def test_every_opening_in_vain_is_told_though_two_in_a_row_are_a_loss() -> None:
    """By its own reason; what was not reached is named, and a rejected password is a matter of set-up."""

    async def main() -> None:
        world = World(Mailbox(opens=[kinds.TCP_REFUSED, kinds.TCP_REFUSED, REJECTED]))
        await world.during(100.0)
        assert world.told.named("disconnect") == [("imap4/hq", Reason.PUSH_CHANNEL_LOST)]
        told = [(judgement.verdict, judgement.reason, judgement.because) for _, _, judgement in world.lost]
        assert told == [
            (Verdict.FAILED, Reason.CONNECT_REFUSED, "the channel could not be opened"),
            (Verdict.FAILED, Reason.CONNECT_REFUSED, "the channel could not be opened"),
            (Verdict.EXCLUDED, Reason.AUTH_REJECTED, "the channel could not be opened"),
        ]
        _, outcome, _ = world.lost[0]
        assert [result.step for result in outcome.results] == ["push_open"]
        assert outcome.skipped == ("push_wait", "push_leave")

    virtual.run(main())


def test_a_server_that_asks_for_quiet_is_told_as_that() -> None:
    """As an attempt would be, with the same verdict."""

    async def main() -> None:
        world = World(Mailbox(waits=[(200.0, Kind("imap_slow_down", Reason.THROTTLED))]))
        await world.during(300.0)
        assert [one.verdict for _, _, one in world.lost] == [Verdict.THROTTLED]

    virtual.run(main())


def test_a_channel_that_ends_in_good_order_is_not_told_of() -> None:
    async def main() -> None:
        world = World(Mailbox())
        await world.during(4000.0)
        assert world.told.events
        assert world.lost == []

    virtual.run(main())


def blocked_at(*times: float) -> None:
    """Keep the loop busy for half a second at each of `times`, in seconds from now."""
    for seconds in times:
        asyncio.get_running_loop().call_later(seconds, virtual.block, 0.5)


@pytest.mark.parametrize("loss", [kinds.PEER_RESET, KICKED, kinds.NO_ANSWER])
def test_a_channel_lost_just_after_our_own_loop_was_blocked_is_won_back_and_not_counted(loss: Kind) -> None:
    """Blocked for half a second at 280 s of a channel that breaks 300 s after its opening at 30 s or so."""

    async def main() -> None:
        mailbox = Mailbox(waits=[(300.0, loss)])
        world = World(mailbox)
        world.health.start()
        opening = fraction("imap4/hq/push") * PUSHED.interval
        blocked_at(opening + 280.0)
        await world.during(opening + 400.0)
        world.health.stop()
        assert world.told.events == []
        assert len(mailbox.times("open")) == 2
        ((_, outcome, judgement),) = world.lost
        assert (judgement.verdict, judgement.code) == (Verdict.INCONCLUSIVE, loss.code)
        assert outcome.aside is not None
        assert outcome.aside.prober["sickness"] == "loop_blocked"

    virtual.run(main())


def test_a_channel_lost_long_after_our_loop_was_blocked_is_lost() -> None:
    """A minute later nothing of it is left."""

    async def main() -> None:
        world = World(Mailbox(waits=[(300.0, kinds.PEER_RESET)]))
        world.health.start()
        opening = fraction("imap4/hq/push") * PUSHED.interval
        blocked_at(opening + 200.0)
        await world.during(opening + 400.0)
        world.health.stop()
        assert world.told.named("disconnect") == [("imap4/hq", Reason.PUSH_CHANNEL_LOST)]

    virtual.run(main())


def test_openings_that_fail_while_we_are_unwell_are_no_loss_however_many() -> None:
    """Four refused openings, each just after a blocked loop, and then one that succeeds."""

    async def main() -> None:
        mailbox = Mailbox(opens=[kinds.TCP_REFUSED] * 4)
        world = World(mailbox)
        world.health.start()
        opened, ill = mailbox.note, iter([True] * 4)

        def note(what: str) -> None:
            opened(what)
            if what == "open" and next(ill, False):
                virtual.block(0.5)

        mailbox.note = note  # type: ignore[method-assign]  # sick while it opens
        await world.during(200.0)
        assert world.told.events == []
        assert len(mailbox.times("open")) == 5
        world.health.stop()

    virtual.run(main())


def test_a_channel_lost_while_the_control_fails_or_under_maintenance_is_not_counted() -> None:
    """The way out of the vantage, and a window of the operator's, excuse what they may have caused."""

    async def main(*, control: bool) -> None:
        world = World(Mailbox(waits=[(200.0, kinds.PEER_RESET)]))
        way_out = replace(assignment("way-out", "control"), credential=None)
        if control:
            asyncio.get_running_loop().call_later(
                200.0, lambda: world.judging.judge(way_out, outcome(way_out, kinds.TCP_TIMEOUT))
            )
        else:
            world.window = (0.0, 1e12)
        await world.during(400.0)
        assert world.told.events == []

    virtual.run(main(control=True))
    virtual.run(main(control=False))


def test_silence_past_the_hold_is_a_lost_channel() -> None:
    """A hold that returns neither news nor quiet is given up 30 s after its time."""

    async def main() -> None:
        mailbox = Mailbox(waits=[(1e6, False)])
        world = World(mailbox)
        await world.during(600.0)
        assert world.told.events[0] == ("session", "imap4/hq", pytest.approx(510.0))
        assert world.told.events[1] == ("disconnect", "imap4/hq", Reason.PUSH_CHANNEL_LOST)

    virtual.run(main())


def test_three_holds_in_a_row_that_end_early_without_news_are_a_lost_channel() -> None:
    """Quiet reported in less than half the time, three times running, is no health; twice, with news between, is."""

    async def main(waits: list[Any]) -> list[tuple[Any, ...]]:
        world = World(Mailbox(waits=waits))
        await world.during(1000.0)
        return world.told.named("disconnect")

    early, news = (100.0, False), (100.0, True)
    assert virtual.run(main([early] * 3)) == [("imap4/hq", Reason.PUSH_CHANNEL_LOST)]
    assert virtual.run(main([early, early, news, early, early])) == []


def test_a_server_that_answers_every_hold_at_once_is_asked_once_a_second() -> None:
    """News without end is no reason for a busy loop."""

    async def main() -> None:
        mailbox = Mailbox(waits=[(0.0, True)] * 1000)
        world = World(mailbox)
        await world.during(100.0)
        assert len(mailbox.times("wait 480")) <= 101

    virtual.run(main())


def test_the_second_try_in_vain_is_a_lost_channel_and_the_third_no_other() -> None:
    """Five refused tries: one disconnect, at the second; no session was held."""

    async def main() -> None:
        mailbox = Mailbox(opens=[kinds.TCP_REFUSED] * 5)
        world = World(mailbox)
        await world.during(120.0)
        assert world.told.events == [("disconnect", "imap4/hq", Reason.PUSH_CHANNEL_LOST)]
        assert len(mailbox.times("open")) == 6
        gaps = [again - before for before, again in pairwise(mailbox.times("open"))]
        assert all(2 * later > earlier for earlier, later in pairwise(gaps))

    virtual.run(main())


def test_pauses_double_from_a_second_to_five_minutes_and_differ_between_channels() -> None:
    """Each lies between half of its full length and all of it, and depends on nothing but name and count."""
    for failures in range(100):
        longest = min(2.0**failures, 300.0)
        assert longest / 2 < pause("imap4/hq", failures) <= longest
        assert pause("imap4/hq", failures) == pause("imap4/hq", failures)
    assert len({round(pause(f"imap4/t{number}", 9)) for number in range(50)}) > 30


def test_a_session_that_held_for_a_minute_begins_the_pauses_anew() -> None:
    """Lost every 30 s the pauses grow; lost every 100 s they stay at a second."""

    async def main(lasts: float) -> list[float]:
        mailbox = Mailbox(waits=[(lasts, kinds.PEER_RESET)] * 6)
        await World(mailbox).during(1500.0)
        return [again - before - lasts for before, again in pairwise(mailbox.times("open"))]

    assert virtual.run(main(30.0))[-1] > 20.0
    assert max(virtual.run(main(100.0))) <= 1.01


def test_a_rejected_password_is_not_tried_again_by_the_channel() -> None:
    """The restraint of attempts holds for channels too: one try, then starts held back until the secret changes."""

    async def main() -> None:
        mailbox = Mailbox(opens=[REJECTED])
        world = World(mailbox)
        world.channels.start()
        await asyncio.sleep(3600.0)
        assert len(mailbox.times("open")) == 1
        assert len(world.told.named("held back")) == pytest.approx(60, abs=2)
        world.stamp = Stamp("aa", "22")
        await asyncio.sleep(61.0)
        assert len(mailbox.times("open")) == 2
        await world.channels.drain()

    virtual.run(main())


def test_draining_takes_leave_of_open_channels_and_closes_them() -> None:
    """DONE and LOGOUT are said in the middle of a hold; the interrupted session is neither lost nor observed."""

    async def main() -> None:
        mailbox = Mailbox()
        world = World(mailbox)
        before = virtual.now()
        await world.during(200.0)
        assert [what for what, _ in mailbox.log] == ["open", "wait 480", "close"]
        assert virtual.now() - before == pytest.approx(200.0)
        assert world.told.events == []
        assert world.sessions.closed == 1

    virtual.run(main())


def test_a_leave_taking_that_hangs_is_given_up() -> None:
    """Ten seconds for politeness, then the connection is closed all the same."""

    async def hang(self: Phone, tx: Transaction) -> None:
        await asyncio.sleep(1e6)

    async def main() -> None:
        world = World(Mailbox())
        before = virtual.now()
        await world.during(200.0)
        assert virtual.now() - before == pytest.approx(210.0)
        assert world.sessions.closed == 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Phone, "close", hang)
        virtual.run(main())


def test_draining_in_a_pause_or_before_the_start_has_nothing_to_wait_for() -> None:
    """Channels that are not open end at once."""

    async def main() -> None:
        world = World(Mailbox(opens=[kinds.TCP_REFUSED] * 100))
        before = virtual.now()
        await world.during(100.5)
        assert virtual.now() - before == pytest.approx(100.5)
        await World(Mailbox()).during(0.0)

    virtual.run(main())


def test_machinery_that_breaks_is_counted_and_the_channel_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that could not even be made costs five minutes and nothing else."""
    made: list[int] = []

    def broken(one: Assignment) -> Transaction:
        made.append(1)
        raise RuntimeError("no session")

    async def main() -> None:
        world = World(Mailbox())
        monkeypatch.setattr(world.channels, "_open", broken)
        await world.during(1000.0)
        assert world.told.events == [("crashed", "imap4/hq")] * len(made)
        assert len(made) == 4

    virtual.run(main())


def test_only_assignments_with_push_and_clients_that_can_hold_have_channels() -> None:
    """Either alone gives no channel."""

    async def main() -> None:
        mailbox = Mailbox()
        assert len(World(mailbox, assignment()).channels) == 0
        assert len(World(mailbox, PUSHED, held=False).channels) == 0
        assert len(World(mailbox, PUSHED, replace(assignment("b"), push=PUSHED.push)).channels) == 2

    virtual.run(main())


def test_first_openings_are_spread() -> None:
    """A hundred channels do not all open in the first seconds."""

    async def main() -> None:
        mailbox = Mailbox()
        many = [replace(assignment(f"t{number}"), push=PushSettings()) for number in range(100)]
        await World(mailbox, *many).during(61.0)
        opened = mailbox.times("open")
        assert len(opened) == 100
        assert all(later - at > 3.0 for at, later in zip(opened, opened[20:], strict=False))

    virtual.run(main())


MARKED = assignment(push=PushSettings(hold=480.0, life=3600.0, marker=600.0))


def marked(
    seconds: float, *, delay: float | None = 2.0, refused: Kind | None = None, waits: list[Any] | None = None
) -> World:
    """Hold a channel with markers for so long."""

    async def main() -> World:
        mailbox = Mailbox(waits=waits)

        def make() -> MarkingPhone:
            phone = mailbox.hold_and_mark()
            phone.delay, phone.refused = delay, refused
            return phone

        world = World(mailbox, MARKED, make=make)
        await world.during(seconds)
        await asyncio.sleep(1.0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return world

    return virtual.run(main())


def test_markers_are_left_in_their_rhythm_and_the_push_that_tells_of_one_is_timed() -> None:
    """Every ten minutes by a transaction of its own; two seconds from the confirmation to the push."""
    world = marked(3590.0)
    assert [round(later - at) for at, later in pairwise(world.mailbox.times("mark"))] == [600] * 4
    assert world.told.events == [("latency", "imap4/hq", pytest.approx(2.0))] * 5
    assert world.sessions.closed == len(world.sessions.opened) == 6


def test_the_rhythm_of_markers_goes_on_over_sessions() -> None:
    """A session lost every five minutes does not keep a marker of every ten minutes from being left."""
    world = marked(3600.0, waits=[(300.0, kinds.PEER_RESET)] * 100)
    assert len(world.mailbox.times("mark")) >= 4


def test_a_channel_that_is_silent_about_a_marker_is_lost_within_a_minute() -> None:
    """It is open, it answers, and it does not tell: a new session, and no leave-taking from the old one."""
    world = marked(900.0, delay=None)
    left, *_ = world.mailbox.times("mark")
    assert world.told.events == [
        ("session", "imap4/hq", pytest.approx(660.0, abs=1.0)),
        ("disconnect", "imap4/hq", Reason.PUSH_CHANNEL_LOST),
    ]
    assert world.mailbox.times("open")[1] - left == pytest.approx(61.0, abs=1.0)
    assert world.sessions.closed == len(world.sessions.opened)


def test_a_marker_that_cannot_be_left_is_counted_and_is_no_loss() -> None:
    """The channel says nothing wrong when there is nothing to tell of."""
    world = marked(1900.0, refused=kinds.TCP_REFUSED)
    assert world.told.events == [("marker failed", "imap4/hq")] * 3
    assert world.sessions.closed == len(world.sessions.opened) == 4


def test_markers_are_held_back_where_the_assignment_is() -> None:
    """A password refused to the marker's sign-in is tried no more by the markers either."""
    world = marked(3500.0, refused=REJECTED)
    assert world.told.named("marker failed") == [("imap4/hq",)]
    assert len(world.told.named("held back")) == 4


def test_draining_while_a_marker_is_outstanding_leaves_nothing_open() -> None:
    """Both the channel and the marker's transaction are closed."""
    world = marked(630.0 + 60.0 * fraction("imap4/hq/push"), delay=None)
    assert world.mailbox.times("mark")
    assert world.told.events == []
    assert world.sessions.closed == len(world.sessions.opened) == 2


def test_the_early_kind_belongs_to_the_push_reason() -> None:
    """A code of its own, under the reason of lost channels."""
    assert channels.PUSH_ENDED_EARLY.reason is Reason.PUSH_CHANNEL_LOST


THROTTLED = Kind("imap_throttled", Reason.THROTTLED)


def test_while_a_server_wants_quiet_an_open_channel_asks_for_nothing() -> None:
    """A sibling at the same mailbox was throttled: the hold under way goes on to its end, the next waits."""

    async def main() -> None:
        mailbox = Mailbox()
        world = World(mailbox)
        world.channels.start()
        await asyncio.sleep(400.0)
        world.governor.consider(assignment(), Fault(THROTTLED, retry_after=900.0))
        await asyncio.sleep(300.0)
        assert [what for what, _ in mailbox.log] == ["open", "wait 480"]
        world.wall.now += 900.0
        await asyncio.sleep(channels.QUIET)
        assert [what for what, _ in mailbox.log] == ["open", "wait 480", "wait 480"]
        await world.channels.drain()
        assert world.told.named("disconnect") == []

    virtual.run(main())


def test_a_throttled_channel_holds_back_its_siblings() -> None:
    """What a channel is told on opening holds for attempts at the mailbox, too."""

    async def main() -> None:
        world = World(Mailbox(opens=[THROTTLED]))
        world.channels.start()
        await asyncio.sleep(PUSHED.interval + 1.0)
        assert world.governor.holds(assignment(client="imap4"))
        assert world.told.named("held back") != []
        await world.channels.drain()

    virtual.run(main())


def test_a_held_channel_counts_as_a_connection_and_proves_its_password() -> None:
    """For as long as it is held; whoever else shows the password need not wait."""

    async def main() -> None:
        world = World(Mailbox())
        world.channels.start()
        await asyncio.sleep(PUSHED.interval + 1.0)
        assert world.governor.budgets.fullest("open_connections") == pytest.approx(1 / 3)
        assert not world.governor.holds(assignment("lab"), now=True)
        await world.channels.drain()
        assert world.governor.budgets.fullest("open_connections") == 0.0

    virtual.run(main())


def test_of_another_configuration_only_what_differs_is_opened_and_closed() -> None:
    """Who stays is held on; who goes takes leave; who changed takes leave before it is opened anew."""

    async def main() -> None:
        mailbox = Mailbox()
        stays, goes, changes = (replace(assignment(name), push=PUSHED.push) for name in "abc")
        world = World(mailbox, stays, goes, changes)
        world.channels.start()
        await asyncio.sleep(120.0)
        before_it = len(mailbox.log)
        before = world.channels._holding["imap4/a"]
        comes, changed = replace(assignment("d"), push=PUSHED.push), replace(changes, interval=30.0)
        world.channels.replace(["imap4/b", "imap4/c", "imap4/unknown"], [comes, changed])
        await asyncio.sleep(120.0)
        assert world.channels._holding["imap4/a"] is before
        assert not before.done()
        assert set(world.channels._holding) == {"imap4/a", "imap4/c", "imap4/d"}
        assert len(world.channels) == 3
        said = [what for what, _ in mailbox.log[before_it:]]
        assert (said.count("close"), said.count("open")) == (2, 2)
        assert world.told.events == []
        await world.channels.drain()

    virtual.run(main())
