"""Several vantages: no place can page alone, and a place is blamed only while another is well."""

from pathlib import Path

import pytest

from prober.alerting.vantages import bundle
from tests.alerting.made import DEFAULT, accepted, refused, written

pytestmark = pytest.mark.real


def test_promtool_finds_them_right(tmp_path: Path) -> None:
    accepted(written(tmp_path, [bundle(DEFAULT)]))


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("increase15m, 2)", "increase15m, 3)", "three and one"),
        (">= 4", ">= 3", "three and one"),
        ("< 0.01", "< 2", "not alone"),
        ("group_left (environment, vantage)", "group_left (environment)", "two failures from"),
        ("group_left (vantage)", "group_left ()", "has its vantage"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new, case)
