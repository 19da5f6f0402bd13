"""Incidents and decoys that come along, replayed as a user would, side by side: some of each kind, with FULL=1 all."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import files

import psutil
import pytest

from prober.clients import catalogue
from prober.rehearsal.expectation import expectation
from prober.rehearsal.script import missing
from prober.simulator.faults.catalogue import incidents
from prober.simulator.faults.read import Incident
from tests.servers.process import until

pytestmark = pytest.mark.long(200)

AT_ONCE = 3
"""Drills side by side: most of the time each waits."""
ENOUGH = 600.0
FULL = bool(os.environ.get("FULL"))
SOME = frozenset(
    {
        *("S02", "S03", "S08", "S12", "S16"),
        *("D01", "D02", "D03", "D06", "D07", "D12", "D13"),
    }
)
"""What two cores play in a few minutes: a private path, one client with its end, one region, one edge, one portal, and
of the decoys about one client or a secret one of each verdict and protocol. Those in which every client takes part, or
a mailbox in ten, are left to the long form."""


def playable() -> list[Incident]:
    """Return the incidents to play, the long ones first."""
    return sorted((one for one in incidents() if FULL or one.id in SOME), key=lambda one: one.decoy)


@contextmanager
def drilled(chosen: Sequence[Incident]) -> Iterator[subprocess.Popen[str]]:
    """Run `prober drill` on some incidents; at the end of the block nothing of it is left, however that comes."""
    file = files("prober.simulator").joinpath("incidents.yaml")
    command = [sys.executable, "-m", "prober", "drill", f"--scenario={file}", "--format=json"]
    command += [f"--id={one.id}" for one in chosen]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: itself, and whatever it has started
        process.communicate()


def alone(incident: Incident) -> dict[str, object]:
    """Play an incident again of which the drill said itself that the machine was too busy to prove anything."""
    with drilled([incident]) as process:
        output, _ = process.communicate(timeout=ENOUGH)
    result: dict[str, object] = json.loads(output)
    return result


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, object]]:
    """Each incident's result by its id."""
    every = playable()
    told: dict[str, dict[str, object]] = {}
    with ExitStack() as stack:
        processes = [stack.enter_context(drilled(every[first::AT_ONCE])) for first in range(AT_ONCE)]
        for process in processes:
            output, errors = process.communicate(timeout=ENOUGH)
            assert "Traceback" not in errors, errors
            told |= {one["id"]: one for one in map(json.loads, output.splitlines())}
        told |= {one.id: alone(one) for one in every if told[one.id]["trouble"]}
    return told


@pytest.mark.parametrize("name", [one.id for one in playable()])
def test_it_turns_out_as_expected(results: dict[str, dict[str, object]], name: str) -> None:
    """Who is to be red is, who is to stay green does, for the reasons that were to be given."""
    assert results[name]["holds"] is True, json.dumps(results[name], indent=1)


CHILD = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


def test_a_drill_that_is_given_up_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither itself nor what it has started."""
    popen = subprocess.Popen
    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", lambda _, **how: popen([sys.executable, "-c", PARENT], **how))
        with suppress(TimeoutError), drilled(incidents()[:1]) as process:
            assert process.stdout is not None
            child = psutil.Process(int(process.stdout.readline()))
            raise TimeoutError
    assert process.returncode == -signal.SIGKILL
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "its child is gone")


def test_every_one_that_comes_along_can_be_played() -> None:
    """Their clients are all there, and those chosen for the short form are among them."""
    known = tuple(catalogue())
    for one in incidents():
        assert not missing(one.faults, expectation(one.expect, recovery=one.shape.decay_min > 0), known), one.id
    assert {one.id for one in incidents()} >= SOME
