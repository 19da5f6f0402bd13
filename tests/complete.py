"""pytest plugin: real servers are used where they are installed; with `CI=true` nothing may be missing or skipped."""

import os
from collections.abc import Generator

import pytest

from tests.servers.fixtures import REAL
from tests.servers.packages import missing

LEFT_OUT = pytest.StashKey[str]()
Report = pytest.TestReport | pytest.CollectReport


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what uses a real server; leave it out where the servers are missing, or refuse to run in CI.

    What takes long comes first, so that no process is left alone with it at the end.
    """
    items.sort(key=_longest_first)
    for item in items:
        if REAL & set(getattr(item, "fixturenames", ())):
            item.add_marker("real")
    lacking = ", ".join(missing())
    real = [item for item in items if item.get_closest_marker("real")]
    if not lacking or not real:
        return
    if _in_ci():
        raise pytest.UsageError(f"CI=true, and these packages are missing: {lacking} (make servers)")
    items[:] = [item for item in items if item not in real]
    config.hook.pytest_deselected(items=real)
    config.stash[LEFT_OUT] = f"{len(real)} tests with real servers left out, for want of {lacking} (make servers)"


def _longest_first(item: pytest.Item) -> float:
    mark = item.get_closest_marker("long")
    return -float(mark.args[0]) if mark else 0.0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out."""
    if LEFT_OUT in config.stash:
        terminalreporter.write_sep("-", "note")
        terminalreporter.write_line(config.stash[LEFT_OUT])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one in CI."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failed one in CI."""
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: Report) -> None:
    if _in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {report.longrepr}"


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"
