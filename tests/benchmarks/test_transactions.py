"""The bench of whole transactions: what is measured by parts, what is left, and what ends it."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import transactions
from benchmarks.attribution import PLACES, Stopwatch
from benchmarks.transactions import Case
from prober.protocols.imap.framing import Framer


class Clock:
    """Tells later each time: the first readings are for what a reading costs."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_what_reading_the_clock_costs_is_taken_off() -> None:
    clock = Clock(0.25)
    watch = Stopwatch(clock)

    def work() -> str:
        clock.now += 2.0
        return "done"

    assert watch.timed("TLS", work)() == "done"
    assert watch.seconds == {"TLS": 2.0}


def test_what_runs_within_another_part_belongs_to_that() -> None:
    """Nothing is counted twice, also when it is left by an error."""
    clock = Clock(0.0)
    watch = Stopwatch(clock)

    def inner() -> None:
        clock.now += 1.0

    def outer() -> None:
        clock.now += 1.0
        watch.timed("parsing", inner)()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        watch.timed("TLS", outer)()
    watch.timed("parsing", inner)()
    assert watch.seconds == {"TLS": 2.0, "parsing": 1.0}


def test_every_place_is_measured_and_left_as_it_was() -> None:
    """A name that is not there any more is an error at once, and no part that shrinks unseen."""
    before = [getattr(owner, name) for places in PLACES.values() for owner, name in places]
    watch = Stopwatch()
    with watch.running():
        within = [getattr(owner, name) for places in PLACES.values() for owner, name in places]
        assert not set(map(id, before)) & set(map(id, within))
        framer = Framer()
        framer.feed(b"* OK ready\r\n")
        assert framer.next_response() == b"* OK ready"
    assert before == [getattr(owner, name) for places in PLACES.values() for owner, name in places]
    assert watch.calls == 2
    assert watch.seconds["parsing"] > 0.0
    assert watch.seconds["TLS"] == 0.0


def test_the_share_is_taken_within_its_round() -> None:
    """The second round is twice as slow in all parts: the share is the same, and the median of the rounds."""
    one = {"cpu": 4.0, "TLS": 1.5, "kernel": 0.5, "parsing": 1.0}
    twice = {part: 2 * value for part, value in one.items()}
    worse = one | {"parsing": 0.6}
    figures = {
        figure.name: figure for figure in transactions.figures([{"imap4": one}, {"imap4": twice}, {"imap4": worse}])
    }
    assert figures["imap4"].value == 4.0
    assert figures["  outside of these"].value == pytest.approx(1.4)
    share = figures["imap4, share outside"]
    assert (share.value, share.goal) == (0.25, transactions.GOAL)
    assert share.holds


def test_the_kernel_has_the_share_of_all_rounds_in_each() -> None:
    """Ticks come by chance: none in one round, in another twice what there were."""
    one = {"cpu": 4.0, "TLS": 1.5, "kernel": 0.0, "parsing": 1.0}
    rounds = [{"imap4": one | {"cpu": cpu, "kernel": kernel}} for cpu, kernel in ((4.0, 0.0), (4.0, 1.2), (2.0, 0.3))]
    figures = {figure.name: figure.value for figure in transactions.figures(rounds)}
    assert figures["  kernel"] == pytest.approx(0.15 * 4.0)
    assert figures["  outside of these"] == pytest.approx(4.0 - 2.5 - 0.6)


@pytest.fixture
def _said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the measured side say what the test says."""
    done = subprocess.CompletedProcess([], 0, json.dumps(request.param).encode())
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)


ALL = 2 * transactions.WANTED
RESULT = {"cpu": 0.6, "kernel": 0.06, "TLS": 0.12, "parsing": 0.03, "good": ALL}


@pytest.mark.parametrize("_said", [RESULT], indirect=True)
@pytest.mark.usefixtures("_said")
def test_a_transaction_costs_its_share() -> None:
    spent = transactions._spent("imap4", Case(Path(), "imap4"))
    assert spent == {
        part: pytest.approx(1000 * RESULT[part] / transactions.WANTED) for part in ("cpu", "TLS", "kernel", "parsing")
    }


@pytest.mark.parametrize("_said", [RESULT | {"good": ALL - 1}], indirect=True)
@pytest.mark.usefixtures("_said")
def test_one_failed_transaction_ends_the_bench() -> None:
    with pytest.raises(SystemExit, match=f"imap4: only {ALL - 1} of {ALL} succeeded"):
        transactions._spent("imap4", Case(Path(), "imap4"))


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that it needs, and no others."""
    monkeypatch.setattr(transactions, "missing", lambda: ["chromium", "dovecot-imapd", "sogo"])
    assert transactions.main() is False
    assert capsys.readouterr().err == "transactions: dovecot-imapd, sogo not installed (make servers)\n"


def test_whole_transactions_of_the_tenant_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clients succeed against the simulated tenant, and each part has something in it."""
    monkeypatch.setattr(transactions, "MAILBOXES", 2)
    with transactions._tenant(tmp_path) as configuration:
        for client in transactions.ENTRIES:
            spent = transactions._spent(client, Case(configuration, client, 4))
            assert 0 < spent["TLS"] < spent["cpu"]
            assert 0 < spent["parsing"] < spent["cpu"]
