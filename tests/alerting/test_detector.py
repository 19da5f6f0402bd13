"""What the detector says pages, with labels that can be routed by."""

from pathlib import Path

import pytest

from prober.alerting.deciding import bundle
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        (">= 1 or", ">= 1.5 or", "ClientAccessFailing: client"),
        ("state == 2", "state >= 2", "a failing group stays"),
        (" or clientaccess_detector_state == 2", "", "a failing group stays"),
        ("client|cell|push", "client|push", "cell exchange"),
        ('environment!="independent"', "", "ControlFailing"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new, case)
