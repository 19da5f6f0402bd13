from datetime import UTC, datetime, timedelta

from prober.settings.settings import ConfigurationError, MaintenanceWindow, Problem

START = datetime(2026, 12, 5, 22, tzinfo=UTC)
WINDOW = MaintenanceWindow(START, START + timedelta(hours=4))


def test_a_window_is_open_from_its_start_until_just_before_its_end() -> None:
    assert WINDOW.active("a", START)
    assert WINDOW.active("a", START + timedelta(hours=4) - timedelta(microseconds=1))
    assert not WINDOW.active("a", START + timedelta(hours=4))
    assert not WINDOW.active("a", START - timedelta(microseconds=1))


def test_a_window_may_return_and_may_be_for_some_targets_only() -> None:
    weekly = MaintenanceWindow(START, START + timedelta(hours=4), timedelta(days=7), frozenset({"a"}))
    assert weekly.active("a", START + timedelta(days=70, hours=1))
    assert not weekly.active("a", START + timedelta(days=70, hours=5))
    assert not weekly.active("a", START - timedelta(days=7))
    assert not weekly.active("b", START)


def test_a_problem_reads_as_compilers_write_them() -> None:
    with_path = Problem("f.yml", 3, 5, "targets[0].name", "is required")
    without = Problem("f.yml", 1, 1, "", "is empty")
    assert (
        str(ConfigurationError((with_path, without))) == "f.yml:3:5: targets[0].name: is required\nf.yml:1:1: is empty"
    )
