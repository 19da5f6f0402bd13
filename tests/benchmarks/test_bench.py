"""The table says what holds, and the bench can be asked for a part."""

import json
import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from benchmarks.detection import bench, table, targets
from benchmarks.detection.metrics import Estimate
from benchmarks.detection.scenarios import HOUR, ONSET
from benchmarks.detection.targets import TARGETS, Effort, Runs
from benchmarks.detection.work import Setting


def test_a_row_holds_or_does_not() -> None:
    """At most, at least, or nothing asked."""
    one = Estimate(2.0, 1.5, 2.5)
    assert table.Row("T3", "mean", one, "min", 2.0).holds
    assert table.Row("T3", "mean", one, "min", 1.9).holds is False
    assert table.Row("T4", "factor", one, "times", 2.0, least=True).holds
    assert table.Row("T4", "factor", one, "times", 2.1, least=True).holds is False
    assert table.Row("T4", "factor", one, "times").holds is None


def test_the_table_is_shown_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON beside the other figures; infinite limits are null; a missed target is named and fails the run."""
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    rows = [
        table.Row("T2", "days", Estimate(75.0, 30.0, float("inf")), "days", 30.0, least=True, reference="75"),
        table.Row("T3", "mean", Estimate(3.0, 2.0, 4.0), "min", 2.2),
    ]
    assert not table.show(rows, "a test")
    assert table.show(rows[:1], "a test")
    assert [
        (one["name"], one["holds"], one["high"]) for one in json.loads((tmp_path / "detection.json").read_text())
    ] == [("T2 days", True, None)]
    said = capsys.readouterr().out
    assert "1 targets hold, 1 missed:\n    mean" in said
    assert "MISSED" in said


def test_the_effort_is_what_was_asked_for() -> None:
    """Short, whole, or in proportion."""
    assert bench.effort_of({}) == bench.SHORT
    assert bench.effort_of({"FULL": "1"}) == bench.FULL
    asked = bench.effort_of({"REPLICATES": "150", "KNOWN": "1"})
    assert (asked.incidents, asked.nulls, asked.series) == (150, bench.SHORT.nulls // 2, bench.SHORT.series // 2)
    assert asked.setting == Setting(ONSET - HOUR, known=True)


def test_an_unknown_target_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By name, with those there are."""
    monkeypatch.setitem(os.environ, "TARGETS", "T3,T12")
    assert not bench.main()
    assert "no target 'T12'; there are T1, T2" in capsys.readouterr().err


def test_delays_are_compared_and_scopes_counted() -> None:
    """T4 with four replicates: nine rows, each with limits around its value; every target is there."""
    effort = Effort(incidents=4, nulls=2, series=100, hours=1, setting=Setting(ONSET - HOUR // 4))
    with get_context("fork").Pool(2) as pool:
        rows = targets.t4(Runs(pool, effort))
    assert [row.name for row in rows if "geometric" in row.name] == [
        "geometric mean, with second looks",
        "geometric mean, fixed schedule",
    ]
    assert all(row.measured.low <= row.measured.value <= row.measured.high for row in rows)
    assert list(TARGETS) == [f"T{one}" for one in range(1, 10)]


def test_a_restart_changes_nothing() -> None:
    """Half an hour of an incident with and without restarts, bit by bit."""
    assert targets.restarts_alike()


def test_costs_are_measured() -> None:
    """Some microseconds, some hundred bytes; a healthy group is within its goal, which no machine changes."""
    costs = targets.update_costs(rounds=3, count=20)
    assert len(costs) == 3
    assert 0.05 < min(costs) < 100.0
    assert 100 < targets.memory(1) < 20_000
    healthy, suspect = (targets.own_memory(suspect=one, count=20) for one in (False, True))
    assert 100 < healthy < suspect < 5_000
    assert targets.own_memory(suspect=False, count=1000) <= 200.0
