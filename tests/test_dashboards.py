"""The shipped dashboards: made from their code, naming only what exists, in PromQL that Prometheus accepts.

Whether every query finds something is asked where a demo runs, in the test of its command.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.board import EVERYTHING, Board
from dashboards.generate import BOARDS, file, render
from tests.servers.prometheus import Prometheus, promtool
from tests.test_rules import NAME, RULES, exists

RECORDED = re.compile(r"\bclientaccess:[\w:]+")
FILLED: Mapping[str, str] = {"__rate_interval": "5m", "__range": "1h"}


def panels(board: Board) -> list[dict[str, Any]]:
    """Return the panels of the committed file, rows aside."""
    listed: list[dict[str, Any]] = json.loads(file(board).read_text())["panels"]
    return [panel for panel in listed if panel["type"] != "row"]


def queries(board: Board) -> list[str]:
    """Return every query of a dashboard."""
    return [target["expr"] for panel in panels(board) for target in panel["targets"]]


EVERY = [query for board in BOARDS for query in queries(board)]


def filled(query: str) -> str:
    """Return a query as Grafana sends it when everything is chosen."""
    return re.sub(r"\$(\w+)", lambda found: FILLED.get(found[1], ".*"), query)


def unanswered(prometheus: Prometheus) -> list[str]:
    """Return the queries to which there is no answer."""
    return [query for query in EVERY if not prometheus.query(filled(query))]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_file_is_what_its_code_makes(board: Board) -> None:
    assert file(board).read_text() == render(board)


def test_no_other_dashboard_lies_there() -> None:
    assert sorted(file(BOARDS[0]).parent.glob("*.json")) == sorted(map(file, BOARDS))


def test_every_metric_named_exists() -> None:
    named = {name for query in EVERY for name in NAME.findall(query)}
    assert len(named) > 40
    assert [name for name in sorted(named) if not exists(name)] == []


def test_every_recording_rule_named_is_shipped() -> None:
    shipped = {rule.get("record") for rules in RULES if rules.parent.name == "rules" for rule in _rules(rules)}
    named = {name for query in EVERY for name in RECORDED.findall(query)}
    assert len(named) > 5
    assert named - shipped == set()


def _rules(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.real
def test_prometheus_accepts_every_query(tmp_path: Path) -> None:
    """Variables are filled in as Grafana would."""
    rules = [{"record": f"check_{number}", "expr": filled(query)} for number, query in enumerate(EVERY)]
    written = tmp_path / "rules.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    checked = promtool("check", "rules", "--lint=none", str(written))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_panels_fill_the_width_and_say_what_they_show(board: Board) -> None:
    """No two in one place, no gap at the end of a line, a text behind each title."""
    listed = panels(board)
    taken: set[tuple[int, int]] = set()
    for panel in listed:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
    assert {y for _, y in taken} == {y for x, y in taken if x == 23}
    assert {x for x, _ in taken} == set(range(24))


def test_everything_can_be_chosen_but_of_the_prober_itself() -> None:
    """And what a query asks of a variable, the dashboard has."""
    for board in BOARDS:
        listed = json.loads(file(board).read_text())["templating"]["list"]
        names = [one["name"] for one in listed]
        assert names == ["datasource", *(("vantage",) if board.name == "prober" else EVERYTHING)]
        used = {name for query in queries(board) for name in re.findall(r"\$(\w+)", query)} - set(FILLED)
        assert used == set(names[1:])
        assert [one["current"]["value"] for one in listed[1:]] == ["$__all"] * (len(names) - 1)


def test_the_panels_of_a_dashboard_have_names_of_their_own() -> None:
    for board in BOARDS:
        titles = [panel["title"] for panel in panels(board)]
        assert sorted(titles) == sorted(set(titles))
