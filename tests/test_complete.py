"""The rules of CI hold in a pytest of their own."""

import pytest

ONE_REAL_ONE_NOT = """
import pytest

@pytest.fixture
def sogo():
    return 1

def test_real(sogo): pass

@pytest.mark.real
def test_marked(): pass

def test_plain(): pass
"""

SKIPPING = """
import pytest

def test_skipped(): pytest.skip("not today")

@pytest.mark.skipif(True, reason="nor tomorrow")
def test_skipped_too(): pass

@pytest.mark.xfail
def test_expected(): assert False
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A directory for a pytest with our plugin, in CI, with all servers installed."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("tests.complete.missing", list)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    marks = "markers =\n  real: a server\n  long(seconds): begins early"
    pytester.makeini(f"[pytest]\naddopts = -p tests.complete\n{marks}")
    return pytester


def lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one package missing."""
    monkeypatch.setattr("tests.complete.missing", lambda: ["dovecot-core"])


def test_in_ci_a_missing_package_stops_everything(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test runs, and the reason is told."""
    lack(monkeypatch)
    run.makepyfile(ONE_REAL_ONE_NOT)
    result = run.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*these packages are missing: dovecot-core*"])


def test_elsewhere_tests_of_missing_servers_are_left_out_with_a_note(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are marked, or merely use a fixture."""
    lack(monkeypatch)
    monkeypatch.delenv("CI")
    run.makepyfile(ONE_REAL_ONE_NOT)
    result = run.runpytest()
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["2 tests with real servers left out, for want of dovecot-core (make servers)"])


def test_with_all_packages_everything_runs(run: pytest.Pytester) -> None:
    """Nothing is left out, and nothing is said."""
    run.makepyfile(ONE_REAL_ONE_NOT)
    result = run.runpytest()
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*left out*")


def test_in_ci_a_skipped_test_is_a_failure(run: pytest.Pytester) -> None:
    """Skipped by mark or by itself; what is expected to fail may."""
    run.makepyfile(SKIPPING)
    result = run.runpytest()
    result.assert_outcomes(failed=1, errors=1, xfailed=1)  # a mark skips before the test itself
    result.stdout.fnmatch_lines(["*skipped, which CI=true forbids:*not today*"])


def test_in_ci_a_skipped_module_is_an_error(run: pytest.Pytester) -> None:
    """Also when nothing of it was collected."""
    run.makepyfile('import pytest\npytest.importorskip("no_such_module")')
    run.runpytest().assert_outcomes(errors=1)


def test_elsewhere_skipping_is_allowed(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is at work on something."""
    monkeypatch.delenv("CI")
    run.makepyfile(SKIPPING)
    run.runpytest().assert_outcomes(skipped=2, xfailed=1)


def test_what_takes_long_begins_first(run: pytest.Pytester) -> None:
    """The longest of all, then the others as they stand."""
    run.makepyfile(
        test_a="def test_plain(): pass",
        test_b="import pytest\npytestmark = pytest.mark.long(20)\ndef test_long(): pass",
        test_c="import pytest\npytestmark = pytest.mark.long(90)\ndef test_longer(): pass",
    )
    result = run.runpytest("-v")
    result.stdout.fnmatch_lines(["*test_longer*", "*test_long *", "*test_plain*"])
