"""The files: complete, the same every time, accepted by promtool for every objective and interval."""

from pathlib import Path

import pytest
import yaml

from prober.alerting.document import anchor, files, named, rules
from prober.alerting.objective import Objective, Slice
from prober.alerting.shipped import bundles
from tests.alerting.made import written
from tests.alerting.test_objective import GRID
from tests.servers.prometheus import promtool

pytestmark = pytest.mark.long(30)

GRID_LIMIT = 300.0
"""Seconds that promtool may take for all of them: less than a minute where nobody else is at work."""
MARKED = (15.0, 300.0, 900.0)
TWO = (
    Slice(30.0, 'client=~"imap4|owa",target="hq"', "imap4", "hq"),
    Slice(900.0, 'client="m365_signin",target="lab"', "m365_signin", "lab"),
)


def test_every_alert_says_who_what_and_where_to_read_on() -> None:
    """Severity, owner, summary, description, and a link into the runbook."""
    objective = Objective(runbook="https://wiki.example/alerts")
    groups = yaml.safe_load(rules(bundles(objective), objective))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len(alerts) > 25
    for alert in alerts:
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["labels"]["owner"] in ("mail", "identity", "network", "prober")
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == f"https://wiki.example/alerts#{anchor(alert['alert'])}"


def test_every_alert_has_tests_that_see_it_fire_and_be_quiet_and_without_data() -> None:
    """By name, in the file of its bundle."""
    for bundle in bundles(Objective()):
        checks = [(case, check) for case in bundle.cases for check in case.checks]
        for name in {alert.name for alert in bundle.alerts}:
            mine = [(case, check) for case, check in checks if getattr(check, "name", "") == name]
            assert any(getattr(check, "firing", ()) for _, check in mine), name
            assert any(not getattr(check, "firing", ()) for _, check in mine), name
            assert any(not case.series for case, _ in mine), name


def test_names_of_alerts_are_given_once() -> None:
    found = list(named(bundles(Objective())))
    assert len(found) == len(set(found))
    assert "ClientAccessFailing" in found


def test_nothing_of_the_prober_itself_pages() -> None:
    """Who runs the prober gets tickets: its own trouble must wake nobody."""
    alerts = [alert for bundle in bundles(Objective()) for alert in bundle.alerts]
    assert {alert.severity for alert in alerts if alert.owner == "prober"} == {"ticket"}


@pytest.mark.real
def test_promtool_accepts_the_rules_on_a_grid_of_objectives_and_intervals(tmp_path: Path) -> None:
    """Every file is checked; whatever differs from what was tested already is tested.

    Burn rates alone depend on the objective. What depends on the interval only is tested at three of them (the shipped
    files are those of a minute), and for a configuration with two.
    """
    grid = [(Objective(percent, (Slice(interval),)), interval in MARKED) for percent, interval in GRID]
    seen: set[tuple[str, str]] = set()
    rule_files: list[str] = []
    test_files: list[str] = []
    for number, (objective, whole) in enumerate([*grid, (Objective(99.9, TWO), True)]):
        folder, made = tmp_path / str(number), bundles(objective)
        texts = files(made, objective)
        rule_files += [str(path) for path in written(folder, made, objective) if path.parent.name != "tests"]
        chosen = {name: texts[rules_of(text)] for name, text in texts.items() if name.startswith("tests/")}
        fresh = [name for name in chosen if (whole or "burn" in name) and (texts[name], chosen[name]) not in seen]
        seen |= {(texts[name], chosen[name]) for name in fresh}
        test_files += [str(folder / name) for name in fresh]
    for arguments in (("check", "rules", *rule_files), ("test", "rules", *test_files)):
        done = promtool(*arguments, timeout=GRID_LIMIT)
        assert done.returncode == 0, done.stdout.decode()[-4000:]
    assert len(test_files) > 60


def rules_of(text: str) -> str:
    """Return the rule file that a test file names."""
    rule_file: str = yaml.safe_load(text.split("evaluation_interval")[0])["rule_files"][0]
    return rule_file.removeprefix("../")
