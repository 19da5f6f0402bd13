"""Every kind of fault, acted out by the tenant for every client it can happen to, lands on the reason it should.

What is expected stands in `faults.py`. The clients of a fault are struck at once, each by its own, on a loop whose
waiting is accelerated, so that limits of half a minute take half a second.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from prober.faults.taxonomy import Reason
from prober.history.casefile import text
from prober.history.database import FILE
from prober.history.history import History
from prober.model import Outcome
from prober.observe.metrics import Metrics
from prober.observe.report import Finished
from prober.simulator.faults.fault import KINDS, Level
from prober.verdict import Judgement
from prober.vocabulary import Verdict
from tests.rehearsal.faults import CLIENTS, WIRES, Cell, Wire
from tests.rehearsal.theatre import MARKER, Theatre, theatre

__all__ = ["theatre"]
pytestmark = pytest.mark.long(40)
FEWEST = 60
"""Faults that the matrix must have."""
IN_COMPANY = frozenset({"push_silent", "stale"})
"""Kinds that no client notices by itself: they are played in `test_news.py`."""
UNTOLD = frozenset({Reason.STALE_DATA, Reason.PROBE_INTERNAL})
"""Reasons that the wire of one attempt cannot give: age shows beside others, and what ails the prober is its own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was due, and what came of it."""

    due: Cell
    seen: Cell
    code: str

    @property
    def off(self) -> str:
        """Say what is wrong, empty for nothing."""
        return "" if self.due == self.seen else f"{self.due} came out as {self.seen} ({self.code})"


class Matrix:
    """Plays each fault once, when it is first asked for."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self._played: dict[str, tuple[Told, ...]] = {}
        self.finished: list[Finished] = []

    def of(self, wire: Wire) -> tuple[Told, ...]:
        """Return what the clients of a fault told."""
        if wire.name not in self._played:
            outcomes = self._theatre.together({cell.client: _fault(wire, cell) for cell in wire.cells})
            assignments = {one.client: one for one in self._theatre.settings.assignments}
            self.finished += [(assignments[client], *found) for client, found in outcomes.items()]
            self._played[wire.name] = tuple(_told(cell, *outcomes[cell.client]) for cell in wire.cells)
        return self._played[wire.name]


def _fault(wire: Wire, cell: Cell) -> Mapping[str, object]:
    asked = KINDS[wire.does["kind"]].level is Level.REQUEST
    return {**wire.does, "step": cell.step} if asked else wire.does


def _told(due: Cell, outcome: Outcome, judgement: Judgement) -> Told:
    """Read off what came; an attempt that breaks off nowhere is told of the step that was struck."""
    failure = outcome.failure
    step = failure.step if failure else due.step
    domain = judgement.domain.value if judgement.domain else ""
    seen = Cell(due.fault, due.client, step, judgement.verdict.value, judgement.reason or "", domain)
    assert failure is None or step not in outcome.skipped
    return Told(due, seen, judgement.code)


@pytest.fixture(scope="module")
def matrix(theatre: Theatre) -> Matrix:
    """One for all tests."""
    return Matrix(theatre)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_each_fault_means_to_every_client_what_it_should(matrix: Matrix, wire: Wire) -> None:
    """Verdict, reason, step and domain; the steps after it are skipped."""
    off = [told.off for told in matrix.of(wire) if told.off]
    assert not off, "\n".join(off)


def test_the_confusion_matrix_is_diagonal(matrix: Matrix) -> None:
    """Whatever reason is due is the one seen, over all faults and clients."""
    told = [one for wire in WIRES for one in matrix.of(wire)]
    counts = Counter((one.due.reason, one.seen.reason) for one in told)
    print(f"\n{len(WIRES)} faults, {len(told)} cells; due, seen, cells")  # noqa: T201 - the matrix itself
    for (due, seen), count in sorted(counts.items()):
        print(f"{due or 'well':24}{seen or 'well':24}{count:5}")  # noqa: T201 - the matrix itself
    off = [one.off for one in told if one.due.reason != one.seen.reason]
    assert not off, "\n".join(off)
    assert {reason for _, reason in counts} == {"", *(set(Reason) - UNTOLD)}


def test_no_evidence_of_any_fault_has_a_secret_or_a_name(matrix: Matrix, theatre: Theatre, tmp_path: Path) -> None:
    """Bundles, texts for support and the file itself, over every fault and client: nothing planted is there."""
    for wire in WIRES:
        matrix.of(wire)
    failed = [one for one in matrix.finished if one[1].fault is not None]
    shown = asyncio.run(_shown(failed, tmp_path)) + (tmp_path / FILE).read_bytes().decode("latin-1")
    tenant = theatre.simulator.tenant
    prober = theatre.assembly(theatre.settings)
    canaries = {
        *(user.password for user in tenant.users.values()),
        *(user.name for user in tenant.users.values()),
        *(one.secret for one in tenant.applications.values() if one.secret),
        *(prober.device(one).id for one in theatre.settings.assignments),
        *("eyJ", "Bearer ey", MARKER),
    }
    assert len(canaries) >= 15
    assert [canary for canary in canaries if canary.lower() in shown.lower()] == []
    counts = Counter(one[1].client for one in failed)
    assert all(counts[client] >= 20 for client in CLIENTS), counts
    for told in (
        "AADSTS",
        "trace id",
        "x-feserver",
        "request-id",
        "client-request-id",
        "! peer_reset",
        "> A1",
        "< 503",
    ):
        assert told in shown, told


async def _shown(failed: Sequence[Finished], folder: Path) -> str:
    """Return all that a history of these attempts shows; its file is left in `folder`."""
    history = History(folder, vantage="fra1", watch=Metrics((), {}, vantage="fra1"))
    for one in failed:
        history(*one)
        history(one[0], one[1], Judgement(Verdict.OK))
    listed = await history.failures(limit=10_000)
    bundles = [await history.bundle(one["id"]) for one in listed]
    assert len(bundles) == 2 * len(failed)
    shown = [json.dumps(listed), *(json.dumps(one) + text(one) for one in bundles if one is not None)]
    await history.close()
    return "\n".join(shown)


def test_there_are_enough_faults_and_nobody_is_left_out() -> None:
    """Every client is struck below HTTP and above, and no two faults are the same."""
    assert len({(str(wire.does), wire.part, wire.only) for wire in WIRES}) == len({wire.name for wire in WIRES})
    assert len(WIRES) >= FEWEST
    struck = {
        client: {cell.fault for wire in WIRES for cell in wire.cells if cell.client == client} for client in CLIENTS
    }
    assert all(len(faults) >= FEWEST / 2 for faults in struck.values()), {
        one: len(some) for one, some in struck.items()
    }


def test_every_kind_is_in_the_matrix_or_waits_for_somebody() -> None:
    """A new kind needs a row."""
    played = {wire.does["kind"] for wire in WIRES}
    assert played | IN_COMPANY == set(KINDS)
    assert not played & IN_COMPANY
