"""What is exported of the lists of targets."""

from prober.observe.discovery import DiscoveryMetrics
from prober.observe.metrics import Metrics
from tests.observe.made import ASSIGNMENT, CATALOGUE


def made() -> tuple[DiscoveryMetrics, Metrics]:
    metrics = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1")
    return DiscoveryMetrics(metrics), metrics


def value(of: Metrics, name: str, source: str) -> float | None:
    return of.registry.get_sample_value(f"clientaccess_discovery_{name}", {"source": source})


def test_a_list_is_known_from_the_start_and_how_it_is_from_its_first_reading() -> None:
    lists, metrics = made()
    lists.targets({"http[0]": 0})
    assert value(metrics, "targets", "http[0]") == 0
    assert value(metrics, "last_refresh_successful", "http[0]") is None
    lists.refreshed("http[0]", ok=False, at=5.0)
    assert value(metrics, "last_refresh_successful", "http[0]") == 0
    assert value(metrics, "last_refresh_timestamp_seconds", "http[0]") is None


def test_only_a_good_reading_moves_the_time() -> None:
    lists, metrics = made()
    lists.targets({"http[0]": 7})
    lists.refreshed("http[0]", ok=True, at=5.0)
    lists.refreshed("http[0]", ok=False, at=9.0)
    assert value(metrics, "targets", "http[0]") == 7
    assert value(metrics, "last_refresh_successful", "http[0]") == 0
    assert value(metrics, "last_refresh_timestamp_seconds", "http[0]") == 5.0


def test_a_list_that_is_gone_leaves_nothing() -> None:
    """Whatever was known of it, and whoever still tells of it."""
    lists, metrics = made()
    lists.targets({"http[0]": 1, "http[1]": 1, "files[0]": 1})
    lists.refreshed("http[0]", ok=True, at=5.0)
    lists.refreshed("http[1]", ok=False, at=5.0)
    lists.targets({"files[0]": 2})
    lists.refreshed("http[0]", ok=True, at=6.0)
    names = ("targets", "last_refresh_successful", "last_refresh_timestamp_seconds")
    for source in ("http[0]", "http[1]"):
        assert [value(metrics, name, source) for name in names] == [None, None, None]
    assert value(metrics, "targets", "files[0]") == 2
