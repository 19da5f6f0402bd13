"""Bundles as files: rules for Prometheus 2.42 and later, tests for promtool.

Rule of this file: what it writes is a pure function of the objective, so a file on disk can be compared with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from prober.alerting.objective import Objective
from prober.alerting.rule import Alert, Alerts, Bundle, Case, Firing, Group, Record, Rule, Samples

HEADER = "# Made by `prober rules`, which says what it does; make it anew rather than edit it.\n"


def files(bundles: Sequence[Bundle], objective: Objective) -> dict[str, str]:
    """Return content by path, relative to one folder: `rules/`, `optional/` and their `tests/`."""
    made = {_path(bundle): rules((bundle,), objective) for bundle in bundles}
    for bundle in bundles:
        for step in dict.fromkeys(case.step for case in bundle.cases):
            made[_test_path(bundle, step)] = _tests(bundle, step, objective)
    return made


def rules(bundles: Sequence[Bundle], objective: Objective) -> str:
    """Return one rule file of all `bundles`."""
    about = "".join(f"# {bundle.about}\n" for bundle in bundles)
    groups = [_group(group, objective) for bundle in bundles for group in bundle.groups]
    return HEADER + about + _yaml({"groups": groups})


def anchor(alert: str) -> str:
    """Return the anchor of an alert's section in the runbook."""
    return alert.lower()


def _path(bundle: Bundle) -> str:
    return f"{'optional' if bundle.optional else 'rules'}/{bundle.name}.yml"


def _test_path(bundle: Bundle, step: str) -> str:
    return f"tests/{bundle.name}{'' if step == bundle.cases[0].step else f'.{step}'}.test.yml"


def _group(group: Group, objective: Objective) -> dict[str, Any]:
    interval = {"interval": group.interval} if group.interval else {}
    return {"name": group.name, **interval, "rules": [_rule(rule, objective) for rule in group.rules]}


def _rule(rule: Rule, objective: Objective) -> dict[str, Any]:
    if isinstance(rule, Record):
        labels = {"labels": dict(rule.labels)} if rule.labels else {}
        return {"record": rule.name, "expr": rule.expr, **labels}
    times = {"for": rule.hold, "keep_firing_for": rule.keep}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **{key: value for key, value in times.items() if value},
        "labels": rule.all_labels,
        "annotations": {**rule.templates(), **_runbook(rule, objective)},
    }


def _runbook(alert: Alert, objective: Objective) -> dict[str, str]:
    return {"runbook_url": f"{objective.runbook}#{anchor(alert.name)}"}


def _tests(bundle: Bundle, step: str, objective: Objective) -> str:
    document = {
        "rule_files": [f"../{_path(bundle)}"],
        "evaluation_interval": step,
        "tests": [_case(case, objective) for case in bundle.cases if case.step == step],
    }
    return HEADER + _yaml(document)


def _case(case: Case, objective: Objective) -> dict[str, Any]:
    alerts = [_alerts(check, objective) for check in case.checks if isinstance(check, Alerts)]
    samples = [_samples(check) for check in case.checks if isinstance(check, Samples)]
    return {
        "name": case.name,
        "interval": case.interval,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        **({"alert_rule_test": alerts} if alerts else {}),
        **({"promql_expr_test": samples} if samples else {}),
    }


def _alerts(check: Alerts, objective: Objective) -> dict[str, Any]:
    expected = [_firing(firing, objective) for firing in check.firing]
    return {"alertname": check.name, "eval_time": check.at, "exp_alerts": expected}


def _firing(firing: Firing, objective: Objective) -> dict[str, Any]:
    labels = {name: value for name, value in firing.labels.items() if value}
    return {
        "exp_labels": {**labels, **firing.alert.all_labels},
        "exp_annotations": {
            **firing.alert.rendered(firing.labels, firing.shown),
            **_runbook(firing.alert, objective),
        },
    }


def _samples(check: Samples) -> dict[str, Any]:
    expected = [{"labels": name, "value": value} for name, value in check.values.items()]
    return {"expr": check.expr, "eval_time": check.at, "exp_samples": expected}


class _Dumper(yaml.SafeDumper):
    """Writes lines of PromQL as lines, and repeats what is repeated."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=116, allow_unicode=True)


def named(bundles: Sequence[Bundle]) -> Iterator[str]:
    """Give the name of every alert, once, in order."""
    seen = dict.fromkeys(alert.name for bundle in bundles for alert in bundle.alerts)
    yield from seen
