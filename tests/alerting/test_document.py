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
def test_promtool_accepts_everything_on_a_grid_of_objectives_and_intervals(tmp_path: Path) -> None:
    """Also for a configuration with two intervals. What is the same for several of them is tested once."""
    grid = [Objective(percent, (Slice(interval),)) for percent, interval in GRID] + [Objective(99.9, TWO)]
    seen: set[tuple[str, str]] = set()
    checked: list[str] = []
    tested: list[str] = []
    for number, objective in enumerate(grid):
        texts = files(bundles(objective), objective)
        paths = {
            path.relative_to(tmp_path / str(number)): path
            for path in written(tmp_path / str(number), bundles(objective), objective)
        }
        for name, text in texts.items():
            if name.startswith("tests/"):
                path = paths[Path(name)]
                rule_file = yaml.safe_load(text.split("evaluation_interval")[0])["rule_files"][0].removeprefix("../")
                if (text, texts[rule_file]) not in seen:
                    seen.add((text, texts[rule_file]))
                    tested.append(str(path))
                    checked.append(str(paths[Path(rule_file)]))
    for arguments in (("check", "rules", *dict.fromkeys(checked)), ("test", "rules", *tested)):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout.decode()[-4000:]
    assert len(tested) > 60
