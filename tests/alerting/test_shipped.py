"""The rules in `config/prometheus` are what `prober rules` writes when it is told nothing."""

from pathlib import Path

from prober.alerting.document import files, named
from prober.alerting.objective import Objective
from prober.alerting.shipped import bundles

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config/prometheus"
FOLDERS = ("rules", "optional", "tests")


def test_the_shipped_files_are_current() -> None:
    """`prober rules --output config/prometheus` makes them anew; nothing else lies there."""
    there = {
        path.relative_to(SHIPPED).as_posix(): path.read_text()
        for folder in FOLDERS
        for path in (SHIPPED / folder).glob("*")
    }
    assert there == files(bundles(Objective()), Objective())


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """A heading of its own name, so that its anchor is the one in `runbook_url`."""
    headings = {
        line.removeprefix("### ") for line in (ROOT / "docs/alerting.md").read_text().splitlines() if "### " in line
    }
    assert [name for name in named(bundles(Objective())) if name not in headings] == []
