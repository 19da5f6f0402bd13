"""Silence is noticed: of the prober, of attempts, of what counts."""

from pathlib import Path

import pytest

from prober.alerting.caretaking import supplying
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("== 0\n        and on", ">= 0\n        and on", "not scraped"),
        ("unless increase(clientaccess_held_back_total[15m]) > 0", "", "each and every"),
        ("and clientaccess_attempts_total offset 15m", "", "never repeated"),
        (',verdict!="retired"', "", "retired for"),
        (',reason!="probe_internal"', "", "excluded for"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, supplying(DEFAULT), old, new, case)
