"""What ends is announced, what is refused is told apart from what fails."""

from pathlib import Path

import pytest

from prober.alerting.caretaking import caretaking
from tests.alerting.made import DEFAULT, refused

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("< 1209600", "< 1300000", "CertificateExpiring"),
        ("< 172800", "< 100000", "CertificateEnding"),
        ("auth_rejected|", "", "refused after"),
        ("unless on (job, instance, credential) clientaccess_token_expiry_timestamp_seconds > time()", "", "in hand"),
        ("{reason=~", "{reason!~", "is not a credential"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    """A threshold, a join or a guard that is lost shows."""
    assert "FAILED" in refused(tmp_path, caretaking(DEFAULT), old, new, case)
