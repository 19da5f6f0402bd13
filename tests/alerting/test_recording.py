"""Availability and its limits."""

from pathlib import Path

import pytest

from prober.alerting.objective import Objective, Slice
from prober.alerting.recording import bundle
from prober.alerting.rule import Record
from tests.alerting.made import DEFAULT, accepted, refused, written

pytestmark = pytest.mark.real


def test_promtool_finds_them_right(tmp_path: Path) -> None:
    accepted(written(tmp_path, [bundle(DEFAULT)]))


def test_they_are_the_same_for_every_objective() -> None:
    """What dashboards show does not change when somebody changes a target."""
    assert bundle(DEFAULT) == bundle(Objective(99.0, (Slice(900.0),)))


def test_the_names_that_dashboards_know_are_there() -> None:
    names = {rule.name for group in bundle(DEFAULT).groups for rule in group.rules if isinstance(rule, Record)}
    assert {"clientaccess:failures:ratio_rate5m", "clientaccess:availability:ratio_rate1h"} <= names
    assert {"clientaccess:availability:ratio_rate1d", "clientaccess:failures:wilson1h"} <= names


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [("+ 1.92", "+ 1.00", "may be one"), ("> 0", "> 100", "nothing"), ("1 - sum", "sum", "whatever the reason")],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new, case)
