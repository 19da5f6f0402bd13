"""Burn rates: of the right ratio, of enough failures, of what is still probed."""

from pathlib import Path

import pytest

from prober.alerting.burning import bundle
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("> 0.0144", "> 0.0165", "1h over"),
        ('ratio_rate5m{client!="control"} > 0.0144', 'ratio_rate5m{client!="control"} >= 0', "1h resolved"),
        (">= 3", ">= 1", "one failure"),
        ("(clientaccess_probe_info)", "(clientaccess_probe_info offset 1h)", "no longer probed"),
        ('{client!="control"}', "", "the control has"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new, case)
