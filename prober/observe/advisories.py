"""What the reader of Microsoft's own notices exports. Ids and titles are in the status data, never in labels."""

from collections.abc import Iterable

from prober.observe.metrics import Metrics


class AdvisoryMetrics:
    """The gauges and counters of the reader; counters start at 0 for every one of `results`."""

    def __init__(self, metrics: Metrics, results: Iterable[str]) -> None:
        self._active = metrics.family("clientaccess_advisory_active")
        self._lead = metrics.family("clientaccess_advisory_lead_seconds")
        self._reads = metrics.family("clientaccess_advisory_reads_total")
        self._last = metrics.family("clientaccess_advisory_last_read_timestamp_seconds")
        for result in results:
            self._reads.labels(result)

    def advisory_read(self, result: str, at: float) -> None:
        """A reading came to `result` at `at` (seconds since the epoch)."""
        self._reads.labels(result).inc()
        if result == "ok":
            self._last.set(at)

    def advisory_active(self, service: str, client: str, active: bool) -> None:  # noqa: FBT001 - a gauge's value
        """Whether a notice about `service` that names `client` (empty: any notice) is open."""
        self._active.labels(service, client).set(1 if active else 0)

    def advisory_lead(self, service: str, client: str, seconds: float | None) -> None:
        """How long before its publication we saw what a notice may be about; `None`: there is none."""
        if seconds is None:
            self._lead.remove(service, client)
        else:
            self._lead.labels(service, client).set(seconds)
