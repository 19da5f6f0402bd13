"""The real prober on accelerated time, against ports where nobody listens."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from prober.clients import catalogue
from prober.model import Assignment, Outcome
from prober.rehearsal.clock import Accelerated
from prober.rehearsal.ledger import Ledger
from prober.rehearsal.probing import Probing, Watch
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.verdict import Judgement
from prober.vocabulary import Verdict
from tests.cli.program import configuration
from tests.rehearsal.made import assignment


def settings_of(folder: Path) -> Settings:
    return load([configuration(folder, "http://127.0.0.1:1/")], catalogue())


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Accelerated) as runner:
        runner.run(main)


def loop_of_now() -> Accelerated:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Accelerated)
    return loop


def test_it_probes_by_the_loops_clock_and_tells_its_observers(tmp_path: Path) -> None:
    """Five minutes: five attempts of the target and of the control, a minute apart, the control's first at once."""

    async def main() -> None:
        loop = loop_of_now()
        ledger = Ledger(loop.time)
        probing = Probing(settings_of(tmp_path), [ledger], clock=loop.time, wall=loop.wall)
        began = loop.time()
        probing.start()
        await asyncio.sleep(300)
        await probing.stop()
        imap = [entry.ended for entry in ledger.entries if entry.assignment.client == "imap4"]
        gaps = [later - earlier for earlier, later in pairwise(imap)]
        assert len(imap) == 5
        assert all(59.0 < gap < 61.0 for gap in gaps)
        first = ledger.entries[0]
        assert (first.assignment.client, first.ended - began < 5.0) == ("control", True)
        assert {entry.judgement.verdict for entry in ledger.entries[1:]} <= {Verdict.INCONCLUSIVE, Verdict.FAILED}
        verdicts = [entry.judgement.verdict for entry in ledger.entries if entry.assignment.client == "imap4"]
        assert verdicts == [Verdict.INCONCLUSIVE] * 5, "the control failed as well"
        assert probing.watch.second_looks > 0, "the control failed, and was looked at again"
        assert replace(probing.watch, second_looks=0) == Watch()

    run(main())


def test_an_observer_that_breaks_harms_no_other(tmp_path: Path) -> None:
    """It is counted, as a defect of the drill."""

    def broken(assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        raise RuntimeError("a bug")

    async def main() -> None:
        loop = loop_of_now()
        ledger = Ledger(loop.time)
        probing = Probing(settings_of(tmp_path), [broken, ledger], clock=loop.time, wall=loop.wall)
        probing.start()
        await asyncio.sleep(120)
        await probing.stop()
        assert len(ledger.entries) == probing.watch.broken_sinks > 0

    run(main())


def test_it_can_be_stopped_before_it_began(tmp_path: Path) -> None:
    """When the stage broke in between."""

    async def main() -> None:
        loop = loop_of_now()
        await Probing(settings_of(tmp_path), [], clock=loop.time, wall=loop.wall).stop()

    run(main())


def test_the_watch_counts_what_matters_to_a_drill() -> None:
    """Missed slots, starts held back, crashes and broken observers; lag means nothing on such a clock."""
    watch, one = Watch(), assignment()
    watch.scheduler_lag(5.0)
    watch.inflight(1)
    assert watch == Watch()
    watch.missed(one, 2)
    watch.held_back(one)
    watch.confirmed(one)
    watch.crashed(one)
    watch.sink_error("Ledger")
    assert watch == Watch(missed_slots=2, held=1, second_looks=1, crashed_attempts=1, broken_sinks=1)
