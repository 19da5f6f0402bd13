"""Rule files made for a test, and promtool's word on them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from prober.alerting.document import files
from prober.alerting.objective import Objective
from prober.alerting.rule import Alert, Bundle
from tests.servers.prometheus import promtool

DEFAULT = Objective()


def written(folder: Path, bundles: Sequence[Bundle], objective: Objective = DEFAULT) -> list[Path]:
    """Write what `prober rules` writes for these bundles; return the paths."""
    paths = []
    for name, text in files(bundles, objective).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    return paths


def accepted(paths: Sequence[Path]) -> None:
    """Let promtool check every rule file and run every test."""
    rules = [str(path) for path in paths if path.parent.name != "tests"]
    tests = [str(path) for path in paths if path.parent.name == "tests"]
    for arguments in (("check", "rules", *rules), ("test", "rules", *tests)):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout.decode()[-4000:]


def refused(folder: Path, bundle: Bundle, old: str, new: str, case: str) -> str:
    """Write a bundle with `old` replaced by `new` in its rules; return what the case so named finds wrong with it."""
    chosen = replace(bundle, cases=tuple(one for one in bundle.cases if case in one.name))
    assert chosen.cases
    accepted(written(folder, [chosen]))
    for path in written(folder, [chosen]):
        if path.parent.name != "tests":
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
    done = promtool("test", "rules", *map(str, sorted((folder / "tests").glob("*.yml"))))
    assert done.returncode != 0
    return done.stdout.decode()


def alerts(path: Path) -> list[dict[str, object]]:
    """Return every alert rule of a file."""
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def rule_named(bundle: Bundle, name: str) -> Alert:
    """Return the first alert of that name."""
    return next(alert for alert in bundle.alerts if alert.name == name)
