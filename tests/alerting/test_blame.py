"""Blame pages with the detector, and only where both are."""

from pathlib import Path

import pytest

from prober.alerting.deciding import bundle
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("[15m]", "[1m]", "identity: not without"),
        ("on (job, instance, environment)", "on (job, instance)", "one environment never"),
        ("frontend|mailbox|protocol", "frontend|protocol", "explains only a part"),
        ("network|dns|tls|proxy", "network|dns|tls", "network: proxy"),
        ("push|throttled", "throttled", "push channels alone"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new, case)
