"""What rules and their promtool tests consist of, before they become YAML.

Rule of this file: an annotation is text with named places, such as `{client} fails`. A place is a label of the alert,
or one that `shown` gives a Go template for. In a promtool test the same places are filled with what is expected there,
so that no expected text is written twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from types import MappingProxyType
from typing import Literal

NOTHING: Mapping[str, str] = MappingProxyType({})
Severity = Literal["page", "ticket"]
Owner = Literal["mail", "identity", "network", "prober"]


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule. `hold` is its `for`, `keep` its `keep_firing_for`; `labels` come besides severity and owner."""

    name: str
    expr: str
    severity: Severity
    owner: Owner
    summary: str
    description: str
    hold: str = ""
    keep: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    shown: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    @property
    def all_labels(self) -> dict[str, str]:
        """The labels that the rule itself sets."""
        return {"severity": self.severity, "owner": self.owner, **self.labels}

    def templates(self) -> dict[str, str]:
        """Return summary and description as Prometheus reads them."""
        places = _Templates({**self.all_labels, **self.shown})
        return {"summary": self.summary.format_map(places), "description": self.description.format_map(places)}

    def rendered(self, labels: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
        """Return summary and description as Prometheus shows them. Raises `KeyError` for a place left open."""
        places = {name: "" for name in self.places() if name not in self.shown} | dict(labels) | self.all_labels
        places |= dict(shown)
        return {"summary": self.summary.format_map(places), "description": self.description.format_map(places)}

    def places(self) -> set[str]:
        """Return the names of all places in summary and description."""
        return {name for text in (self.summary, self.description) for _, name, _, _ in Formatter().parse(text) if name}


class _Templates(dict[str, str]):
    """A place that nobody shows otherwise is a label."""

    def __missing__(self, name: str) -> str:
        return f"{{{{ $labels.{name} }}}}"


Rule = Record | Alert


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, every `interval` (empty: as the server is configured)."""

    name: str
    rules: tuple[Rule, ...]
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that is expected, with the labels of its series and what its places show there."""

    alert: Alert
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    shown: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Alerts:
    """At time `at`, the alerts called `name` are exactly `firing`."""

    at: str
    name: str
    firing: tuple[Firing, ...] = ()


@dataclass(frozen=True, slots=True)
class Samples:
    """At time `at`, the expression `expr` has exactly these samples: series text to value."""

    at: str
    expr: str
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Case:
    """One promtool test: series in its notation, scraped every `interval`, and what must follow from them.

    Rules are evaluated every `step`; cases of different steps stand in different files.
    """

    name: str
    series: Mapping[str, str]
    checks: tuple[Alerts | Samples, ...]
    interval: str = "1m"
    step: str = "1m"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rules of one concern and their tests. `optional` rules are not loaded with the others."""

    name: str
    about: str
    groups: tuple[Group, ...]
    cases: tuple[Case, ...]
    optional: bool = False

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Every alert rule, in order."""
        return tuple(rule for group in self.groups for rule in group.rules if isinstance(rule, Alert))


def series(metric: str, /, **labels: str) -> str:
    """Return a series in PromQL's notation."""
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items() if value)
    return f"{metric}{{{pairs}}}"


def fires(at: str, alert: Alert, labels: Mapping[str, str] = NOTHING, **shown: str) -> Alerts:
    """Expect exactly one alert of this name."""
    return Alerts(at, alert.name, (Firing(alert, labels, shown),))


def quiet(at: str, alert: Alert) -> Alerts:
    """Expect no alert of this name."""
    return Alerts(at, alert.name)


def no_data(alerts: Iterable[Alert]) -> Case:
    """Without a single series none of `alerts` fires."""
    names = sorted({alert.name for alert in alerts})
    return Case("without data nothing fires", {}, tuple(Alerts("30m", name) for name in names))
