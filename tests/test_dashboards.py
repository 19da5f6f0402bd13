"""The shipped dashboard: made from its code, naming only what exists, in PromQL that Prometheus accepts."""

import json
import re
from pathlib import Path

import pytest
import yaml

from dashboards.generate import FILE, queries, render
from tests.servers.prometheus import promtool
from tests.test_rules import NAME, exists


def test_the_file_is_what_its_code_makes() -> None:
    assert FILE.read_text() == render()


def test_every_metric_named_exists() -> None:
    named = {name for query in queries() for name in NAME.findall(query)}
    assert len(named) > 10
    assert [name for name in sorted(named) if not exists(name)] == []


@pytest.mark.real
def test_prometheus_accepts_every_query(tmp_path: Path) -> None:
    """Variables are filled in as Grafana would."""
    rules = [
        {"record": f"check:{number}".replace(":", "_"), "expr": re.sub(r"\$\w+", ".*", query)}
        for number, query in enumerate(queries())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", "--lint=none", str(file))
    assert checked.returncode == 0, checked.stdout


def test_panels_do_not_overlap_and_have_queries() -> None:
    panels = json.loads(FILE.read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(places) == len(set(places))
    assert all(panel["targets"] for panel in panels)
