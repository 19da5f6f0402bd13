"""How the lists of targets are, of which there may be others after a reload."""

from collections.abc import Mapping

from prober.observe.metrics import Metrics


class DiscoveryMetrics:
    """The gauges of the lists, by their labels."""

    def __init__(self, metrics: Metrics) -> None:
        self._successful = metrics.family("clientaccess_discovery_last_refresh_successful")
        self._last = metrics.family("clientaccess_discovery_last_refresh_timestamp_seconds")
        self._targets = metrics.family("clientaccess_discovery_targets")
        self._known: set[str] = set()
        self._read: dict[str, bool] = {}

    def targets(self, counts: Mapping[str, int]) -> None:
        """So many targets of each list are in force; there is no other list."""
        for label in self._known - set(counts):
            self._targets.remove(label)
            if label in self._read:
                self._successful.remove(label)
                if self._read.pop(label):
                    self._last.remove(label)
        for label, count in counts.items():
            self._targets.labels(label).set(count)
        self._known = set(counts)

    def refreshed(self, label: str, *, ok: bool, at: float) -> None:
        """A list was read at `at` (epoch seconds), and is gone by or not."""
        if label not in self._known:
            return  # a reload was quicker
        self._successful.labels(label).set(1 if ok else 0)
        self._read[label] = self._read.get(label, False) or ok
        if ok:
            self._last.labels(label).set(at)
