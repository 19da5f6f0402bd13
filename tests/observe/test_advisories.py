"""What the reader of notices exports."""

from prober.observe.advisories import AdvisoryMetrics
from prober.observe.metrics import Metrics
from tests.observe.made import ASSIGNMENT, CATALOGUE


def made() -> tuple[AdvisoryMetrics, Metrics]:
    metrics = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1")
    return AdvisoryMetrics(metrics, ("ok", "throttled")), metrics


def value(of: Metrics, name: str, **labels: str) -> float | None:
    return of.registry.get_sample_value(f"clientaccess_advisory_{name}", labels)


def test_every_result_starts_at_zero_and_no_notice_is_claimed() -> None:
    _, metrics = made()
    assert value(metrics, "reads_total", result="ok") == value(metrics, "reads_total", result="throttled") == 0
    assert value(metrics, "last_read_timestamp_seconds") == 0
    assert value(metrics, "active", service="Exchange Online", client="") is None


def test_readings_are_counted_and_only_a_whole_one_moves_the_time() -> None:
    seen, metrics = made()
    seen.advisory_read("ok", 5.0)
    seen.advisory_read("throttled", 9.0)
    assert value(metrics, "reads_total", result="ok") == value(metrics, "reads_total", result="throttled") == 1
    assert value(metrics, "last_read_timestamp_seconds") == 5.0


def test_a_lead_is_gone_when_there_is_none() -> None:
    seen, metrics = made()
    seen.advisory_active("Exchange Online", "imap4", True)
    seen.advisory_lead("Exchange Online", "imap4", -60.0)
    assert value(metrics, "active", service="Exchange Online", client="imap4") == 1
    assert value(metrics, "lead_seconds", service="Exchange Online", client="imap4") == -60.0
    seen.advisory_active("Exchange Online", "imap4", False)
    seen.advisory_lead("Exchange Online", "imap4", None)
    assert value(metrics, "active", service="Exchange Online", client="imap4") == 0
    assert value(metrics, "lead_seconds", service="Exchange Online", client="imap4") is None
