"""The detector's gauges."""

import pytest

from prober.detect.detector import Detector, Sample, What
from prober.observe.detection import DetectorMetrics
from prober.observe.metrics import Metrics
from tests.detect.made import START, lone
from tests.observe.made import ASSIGNMENT, CATALOGUE

GROUP = {"group_kind": "client", "group": "exchange_online/imap4"}


class Shown:
    """A detector, its gauges, and a way to read them."""

    def __init__(self) -> None:
        self.metrics = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1")
        self.gauges = DetectorMetrics(self.metrics)
        self.detector: Detector = lone(interval=60.0)

    def fail(self, count: int) -> None:
        for number in range(count):
            self.detector.observe(Sample("imap4/one", START + 60.0 * number, What.FAILED, "login"))
            self.gauges.show(self.detector.of("imap4/one"))

    def value(self, name: str, **more: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"clientaccess_detector_{name}", GROUP | more)


def test_every_group_is_there_from_the_start() -> None:
    """No data, at rest, with what it would take."""
    shown = Shown()
    shown.gauges.show_all(shown.detector)
    assert shown.value("state") == 5
    assert shown.value("change_timestamp_seconds") == 0
    assert shown.value("threshold_days") == pytest.approx(40.0)
    assert shown.value("failure_ratio", bound="estimate") is None


def test_evidence_is_shown_with_every_attempt() -> None:
    """Not only when somebody ticks."""
    shown = Shown()
    shown.fail(12)
    assert shown.value("state") == 2
    assert (shown.value("evidence_ratio") or 0) >= 1
    assert shown.value("evidence_days") == shown.detector.of("imap4/one")[0].days


def test_evidence_is_shown_as_it_is_when_somebody_reads_it() -> None:
    """A success that changes nothing else is not shown, and need not be; of throttling it is shown as time passes."""
    shown = Shown()
    detector, throttled = shown.detector, {"group_kind": "throttled", "group": "exchange_online/imap4"}
    detector.observe(Sample("imap4/one", START, What.OK))
    shown.gauges.show_all(detector)
    names = [f"clientaccess_detector_evidence_{one}" for one in ("days", "ratio")]
    before = [shown.metrics.registry.get_sample_value(name, throttled) for name in names]
    for number in range(1, 4):
        assert not detector.take("imap4/one", START + 50.0 * number, What.OK, "", confirm=False)
        group = detector.of("imap4/one")[0]
        assert (shown.value("evidence_days"), shown.value("evidence_ratio")) == (group.days, group.ratio)
        assert [shown.metrics.registry.get_sample_value(name, throttled) for name in names] == before
    shown.gauges.show_all(detector)
    assert [shown.metrics.registry.get_sample_value(name, throttled) for name in names] != before


def test_what_an_alert_says_is_there_when_it_begins() -> None:
    """Nobody ticks between the attempt that tips the scales and the scrape that sees it."""
    shown = Shown()
    shown.fail(1)
    assert shown.value("failure_ratio", bound="estimate") is None
    shown.fail(12)
    assert shown.value("change_timestamp_seconds") == START
    assert shown.value("failure_ratio", bound="estimate") is not None
    assert shown.value("baseline_ratio") == shown.detector.of("imap4/one")[0].healthy


def test_the_failure_rate_since_the_change_comes_with_its_limits() -> None:
    """Clopper and Pearson's: twelve of twelve are at least 73.5 %; gone when the trouble is."""
    shown = Shown()
    shown.fail(12)
    shown.gauges.show_all(shown.detector)
    assert shown.value("change_timestamp_seconds") == START
    assert shown.value("failure_ratio", bound="estimate") == 1.0
    assert shown.value("failure_ratio", bound="lower") == pytest.approx(0.7354, abs=1e-4)
    assert shown.value("failure_ratio", bound="upper") == 1.0
    for number in range(200):
        shown.detector.observe(Sample("imap4/one", START + 60.0 * (12 + number), What.OK))
    shown.gauges.show_all(shown.detector)
    assert shown.value("failure_ratio", bound="estimate") is None
    assert shown.value("change_timestamp_seconds") == 0


def test_the_detector_shows_that_it_lives() -> None:
    """The dead man's handle."""
    shown = Shown()
    shown.detector.tick(START + 5.0)
    shown.gauges.show_all(shown.detector)
    found = shown.metrics.registry.get_sample_value("clientaccess_detector_last_update_timestamp_seconds")
    assert found == START + 5.0
