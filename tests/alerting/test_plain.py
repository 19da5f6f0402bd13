"""PromQL alone: counts with a cap per prober, and likelihood over windows."""

from dataclasses import replace
from pathlib import Path

import pytest

from prober.alerting.plain import bundle
from tests.alerting.made import DEFAULT, accepted, refused, written

pytestmark = pytest.mark.real


def test_promtool_finds_them_right(tmp_path: Path) -> None:
    accepted(written(tmp_path, [bundle(DEFAULT)]))


def test_more_clients_need_more_evidence() -> None:
    """By the logarithm of their number, so that all of them together page falsely no more often than one."""
    alone, many = (bundle(replace(DEFAULT, clients=count)).alerts[-1].expr for count in (1, 9))
    assert alone.endswith("> 9.5")
    assert many.endswith("> 11.7")


@pytest.mark.parametrize(
    ("old", "new", "case"),
    [
        ("[15m]))), 2)", "[15m]))), 4)", "seven at"),
        (">= 8", ">= 7", "seven at"),
        (">= 4", ">= 5", "two failures at each"),
        ("> 11.7", "> 19", "one attempt of ten"),
        ("ln(clamp_min(1 -", "ln(clamp_min(2 -", "one attempt of ten"),
        ("(2 +", "(200 +", "one attempt of ten"),
    ],
)
def test_its_tests_see_a_wrong_rule(tmp_path: Path, old: str, new: str, case: str) -> None:
    assert "FAILED" in refused(tmp_path, bundle(DEFAULT), old, new, case)
