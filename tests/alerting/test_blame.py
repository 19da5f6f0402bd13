"""Blame pages with the detector, and only where both are."""

from pathlib import Path

import pytest

from prober.alerting.deciding import bundle
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[15m]", "[1m]"),
        ("on (job, instance, environment)", "on (job, instance)"),
        ("frontend|mailbox|protocol", "frontend|protocol"),
        ("network|dns|tls|proxy", "network|dns|tls"),
        ("push|throttled", "push|throttled|client"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new)
