"""Old data: in half of the attempts, for a quarter of an hour."""

from pathlib import Path

import pytest

from prober.alerting.caretaking import caretaking
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        (">= 0.5 *", ">= 0.3 *", "two attempts of five"),
        (',reason="stale_data"', "", "other failures"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, caretaking(DEFAULT), old, new, case)
