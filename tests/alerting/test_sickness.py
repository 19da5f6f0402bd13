"""A prober that cannot be believed, and one that needs a hand."""

from pathlib import Path

import pytest

from prober.alerting.caretaking import caretaking
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("> 0.2 *", "> 0.05 *", "slots missed"),
        ("unless clientaccess_sink_errors_total offset 1h", "", "of log"),
        ("clientaccess_state_lost == 1", "clientaccess_state_lost == 2", "state_lost"),
        ("crashes_total[1h]", "crashes_total[2h]", "crashes of"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, caretaking(DEFAULT), old, new, case)
