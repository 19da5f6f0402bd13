"""Silence is noticed: of the prober, of attempts, of what counts."""

from pathlib import Path

import pytest

from prober.alerting.caretaking import supplying
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("== 0\n        and on", ">= 0\n        and on"),
        ("unless increase(clientaccess_held_back_total[15m]) > 0", ""),
        ("and clientaccess_attempts_total offset 15m", ""),
        (',verdict!="retired"', ""),
        (',reason!="probe_internal"', ""),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, supplying(DEFAULT), old, new)
