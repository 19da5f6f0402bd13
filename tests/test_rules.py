"""The shipped rules: valid, firing when they should, and naming only metrics that exist."""

import re
from pathlib import Path

import pytest

from prober.observe.metrics import METRICS
from tests.servers.prometheus import promtool

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "config/prometheus"
RULES = sorted([*(PROMETHEUS / "rules").glob("*.yml"), *(PROMETHEUS / "optional").glob("*.yml")])
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
NAME = re.compile(r"\bclientaccess_\w+")
SUFFIXES = ("", "_bucket", "_sum", "_count")


def exists(name: str) -> bool:
    """Whether a series of that name is exported."""
    return any(name == spec.name + suffix for spec in METRICS for suffix in SUFFIXES)


@pytest.mark.real
@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_promtool_accepts_the_rules(file: Path) -> None:
    checked = promtool("check", "rules", str(file))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.real
def test_the_rules_do_what_their_tests_say() -> None:
    """Fires, does not fire just under, resolves, no data."""
    tested = promtool("test", "rules", *map(str, TESTS))
    assert TESTS
    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_every_metric_named_exists(file: Path) -> None:
    text = "".join(line for line in file.read_text().splitlines(keepends=True) if not line.lstrip().startswith("#"))
    named = set(NAME.findall(text))
    assert named
    assert [name for name in sorted(named) if not exists(name)] == []
