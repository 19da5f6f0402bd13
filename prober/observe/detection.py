"""What the detector exports: evidence and state as of the last attempt, what costs more to know every few seconds.

Rule of this file: evidence, which every attempt changes a little, is looked up when somebody reads the metrics; all
else that an attempt changes is set with it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prober.detect.detector import Detector
from prober.detect.group import Group, Label, State
from prober.detect.interval import clopper_pearson
from prober.observe.metrics import Metrics

BOUNDS = ("estimate", "lower", "upper")
GAUGES = (
    *("evidence_days", "threshold_days", "evidence_ratio", "state"),
    *("change_timestamp_seconds", "baseline_ratio"),
)
"""Metrics of one group, in the order of `_Gauges`."""
_FAILING = State.FAILING.value


@dataclass(slots=True)
class _Gauges:
    """The gauges of one group. `firing`: it did when it was last shown; `changed`: its failure rate is shown."""

    days: Any
    threshold: Any
    ratio: Any
    state: Any
    change: Any
    baseline: Any
    firing: bool = False
    changed: bool = False


class DetectorMetrics:
    """The detector's gauges; children are bound once per group. It reads the detector that it was last told all of."""

    def __init__(self, metrics: Metrics) -> None:
        self._family = metrics.family
        self._detector: Detector | None = None
        self._heard: list[_Gauges] = []
        metrics.family("clientaccess_detector_evidence_days").catch_up = self._show_days
        metrics.family("clientaccess_detector_evidence_ratio").catch_up = self._show_ratios
        self._bound: dict[Label, _Gauges] = {}
        self._last = metrics.family("clientaccess_detector_last_update_timestamp_seconds")
        self._failures = metrics.family("clientaccess_detector_failure_ratio")
        self._attribution = metrics.family("clientaccess_attribution_probability")

    def _show_days(self) -> None:
        """Say what evidence there is now in the groups that attempts change."""
        if self._detector is not None:
            for gauges, days in zip(self._heard, self._detector.evidence_days(), strict=True):
                gauges.days.set(days)

    def _show_ratios(self) -> None:
        if self._detector is not None:
            for gauges, ratio in zip(self._heard, self._detector.evidence_ratios(), strict=True):
                gauges.ratio.set(ratio)

    def show(self, groups: Iterable[Group]) -> None:
        """These groups have heard of an attempt that changed more than their evidence."""
        self._show(groups, whole=False)

    def _show(self, groups: Iterable[Group], *, whole: bool) -> None:
        for group in groups:
            name, days, threshold, state, change, healthy = group.standing
            gauges = self._bound.get(name) or self._bind(name)
            ratio = days / threshold
            gauges.days.set(days)
            gauges.ratio.set(ratio)
            gauges.state.set(state)
            firing = ratio >= 1.0 or state == _FAILING
            if whole or (firing and not gauges.firing):  # an alert is sent with what is known when it begins
                gauges.threshold.set(threshold)
                gauges.change.set(change)
                gauges.baseline.set(healthy)
                self._show_failures(group, name, gauges, changed=change != 0)
            gauges.firing = firing

    def show_all(self, detector: Detector) -> None:
        """Show this detector from now on, and all there is to know of it."""
        self._forget({one.label for one in detector.groups})
        self.show_whole(detector.groups)
        self.show_rest(detector)
        self._detector, self._heard = detector, [self._bound[one.label] for one in detector.heard]

    def show_whole(self, groups: Iterable[Group]) -> None:
        """Time has passed for these groups."""
        self._show(groups, whole=True)

    def show_rest(self, detector: Detector) -> None:
        """Time has passed for all of them."""
        self._show_attribution(detector)
        self._last.set(detector.last_update)

    def _forget(self, watched: Collection[Label]) -> None:
        """Drop the series of groups that are not watched any more."""
        for name in self._bound.keys() - watched:
            del self._bound[name]
            for family in GAUGES:
                self._family(f"clientaccess_detector_{family}").remove(*name)
            for bound in BOUNDS:
                self._failures.remove(*name, bound)

    def _show_failures(self, group: Group, name: Label, gauges: _Gauges, *, changed: bool) -> None:
        """Give the failure rate since the change; it is taken back when there is no change any more."""
        if changed:
            failures, transactions = group.evidence.since_change
            values = (failures / transactions, *clopper_pearson(failures, transactions))
            for bound, value in zip(BOUNDS, values, strict=True):
                self._failures.labels(*name, bound).set(value)
        elif gauges.changed:
            for bound in BOUNDS:
                self._failures.remove(*name, bound)
        gauges.changed = changed

    def _show_attribution(self, detector: Detector) -> None:
        """Name the best explanation of what fires; nothing is named while nothing does."""
        self._attribution.clear()
        for found in detector.explanations().values():
            labels: Mapping[str, str] = {
                "clients": "all" if found.every_client else "+".join(found.clients),
                "vantages": "all" if found.everywhere else "+".join(found.locations),
                "step": found.step,
            }
            self._attribution.labels(**labels).set(found.probability)

    def _bind(self, name: Label) -> _Gauges:
        found = _Gauges(*(self._family(f"clientaccess_detector_{one}").labels(*name) for one in GAUGES))
        self._bound[name] = found
        return found
