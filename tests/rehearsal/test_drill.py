"""Drills against the real tenant, in a short form, and the pieces that keep them within their time."""

import asyncio
import gc
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from prober.faults.taxonomy import Reason
from prober.rehearsal.clock import Accelerated
from prober.rehearsal.drill import SELDOM, Pace, collecting_seldom, drill, play, plot_of, trouble
from prober.rehearsal.expectation import expectation
from prober.rehearsal.probing import Watch
from prober.rehearsal.report import Result
from prober.rehearsal.script import script, sites_of
from prober.simulator.faults.read import Incident, read_scenarios
from prober.vocabulary import Verdict
from tests.rehearsal.made import Scene, assignment
from tests.rehearsal.test_clock import World

HEAD = "format: probe-scenarios/1\nscenarios:\n"
REJECTED = """\
- id: T01
  source: a busy store
  regions: [eu]
  population_pct: 100
  stick: attempt
  duration_min: 600
  faults:
  - {client: imap4, step: namespace, pct: 60, kind: imap_tagged, text: "BAD User is authenticated but not connected."}
  shape: {ramp_min: 1, decay_min: 60}
  expect: {red: [imap4, imap4@eu], green: [activesync], class: [mailbox_unavailable]}
"""
UNGRANTED = """\
decoys:
- {id: T02, title: never granted, expect: {verdict: excluded, class: [mailbox_unavailable]}, faults: [
    {client: imap4, step: namespace, pct: 100, kind: imap_tagged, since: setup,
     text: "BAD User is authenticated but not connected."}]}
"""


def incident(text: str) -> Incident:
    (one,) = read_scenarios(text, "test.yaml")
    return one


def shortly(one: Incident, **acts: Any) -> Result:
    """Play an incident in acts of a few minutes, in one region at four sites."""
    expected = expectation(one.expect, recovery=one.shape.decay_min > 0)
    how = script(plot_of(one), expected, ("activesync", "imap4"))
    short = replace(how, sites=sites_of(["eu"], 4), **acts)
    with asyncio.Runner(loop_factory=Accelerated) as runner:
        return runner.run(play(one, expected, short))


def test_an_incident_is_seen_in_its_class_and_over_when_it_is_over() -> None:
    """The real prober and the real tenant: IMAP turns red and recovers, the phone stays green."""
    result = shortly(incident(HEAD + REJECTED), warm=2, ramp=1, plateau=10, decay=1, after=12)
    assert result.holds, result
    assert [finding.expected for finding in result.findings] == [
        *("red imap4", "red imap4@eu", "green activesync", "class mailbox_unavailable", "recovery"),
    ]
    assert result.detected is not None
    assert 0.3 <= result.detected <= 5.0
    assert 15 <= result.minutes < 30
    assert result.attempts > 15 * 8
    assert result.seconds < 120


def test_an_expectation_that_does_not_hold_is_reported() -> None:
    """The same incident, expected the wrong way round: a drill that cannot fail would prove nothing."""
    wrong = REJECTED.replace("[imap4, imap4@eu], green: [activesync]", "[activesync], green: [imap4]")
    wrong = wrong.replace("[mailbox_unavailable]", "[tls_handshake]")
    result = shortly(incident(HEAD + wrong), plateau=8, decay=0, after=0)
    holds = {finding.expected: finding.holds for finding in result.findings}
    assert not result.holds
    assert holds == {
        "red activesync": False,
        "green imap4": False,
        "class tls_handshake": False,
        "recovery": False,
    }


def test_a_decoy_that_was_there_from_the_beginning_is_excluded() -> None:
    """A permission never granted looks like an outage on the wire, and is a matter of set-up."""
    result = shortly(incident(HEAD.removesuffix("scenarios:\n") + UNGRANTED), plateau=6)
    assert result.holds, result
    assert [finding.observed.split(" ", 1)[1] for finding in result.findings[1:]] == ["excluded", "mailbox_unavailable"]


def test_what_lacks_a_client_is_not_played() -> None:
    """It is listed with what is missing."""
    one = incident(HEAD + REJECTED.replace("red: [imap4, imap4@eu]", "red: [owa]"))
    assert list(drill([one], ["imap4"])) == [Result("T01", one.title, missing=("owa",))]


async def test_a_drill_needs_an_accelerated_loop() -> None:
    """On any other, an hour would take an hour."""
    one = incident(HEAD + REJECTED)
    expected = expectation(one.expect, recovery=False)
    with pytest.raises(TypeError, match="accelerated"):
        await play(one, expected, script(plot_of(one), expected, ("imap4",)))


def on(world: World, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)


def test_an_act_lasts_as_long_as_it_should() -> None:
    """In minutes of the scenario."""
    world = World()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(40, real=world.real)
        began = loop.time()
        await pace.act(10)
        await pace.act(0.5)
        assert loop.time() - began == pytest.approx(630)

    on(world, main())


def test_an_act_ends_when_it_has_shown_enough() -> None:
    """Not before its least, and within a minute after."""
    world = World()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(80, real=world.real)
        began = loop.time()
        await pace.act(40, lambda: loop.time() - began >= 300, least=2)
        assert loop.time() - began == pytest.approx(300, abs=61)
        began = loop.time()
        await pace.act(40, lambda: True, least=20)
        assert loop.time() - began == pytest.approx(1200, abs=61)

    on(world, main())


def test_an_act_is_cut_where_the_machine_is_too_slow() -> None:
    """A machine so busy that nothing is accelerated: each act has its share of the limit, and no more."""
    world = World()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(20, limit=100, real=world.real)
        lags = [loop.call_later(second, world.work, 1.0) for second in range(2000)]
        await pace.act(10)
        assert world.now - 500 == pytest.approx(50, abs=12)
        await pace.act(10)
        assert world.now - 500 == pytest.approx(100, abs=12)
        for lag in lags:
            lag.cancel()

    on(world, main())


def test_trouble_of_our_own_is_told_from_the_tenants() -> None:
    """Crashes, broken observers, a machine too busy to measure; a few unwell attempts are none."""
    scene = Scene()
    for number in range(100):
        unwell = number < 2
        scene.finish(assignment(), Verdict.INCONCLUSIVE if unwell else Verdict.OK, Reason.PROBE_INTERNAL)
    assert trouble(scene.ledger, Watch()) == ""
    scene.finish(assignment(), Verdict.INCONCLUSIVE, Reason.PROBE_INTERNAL)
    said = trouble(scene.ledger, Watch(crashed_attempts=2, broken_sinks=3))
    assert said == ("2 attempts crashed, an observer failed 3 times, the machine was too busy during 3 of 101 attempts")


def test_garbage_is_collected_as_usual_after_a_drill() -> None:
    """Whatever came of it."""
    usual = gc.get_threshold()
    with suppress(RuntimeError), collecting_seldom():
        assert gc.get_threshold() == SELDOM
        raise RuntimeError("a defect")
    assert gc.get_threshold() == usual
