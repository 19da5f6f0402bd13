"""What Prometheus reads: the format it asked for, in slices, the same as the library's own."""

import gzip
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from prober.faults import taxonomy as kinds
from prober.observe.exposition import OPENMETRICS, TEXT, Format, negotiate, render, slices
from prober.observe.metrics import Metrics
from tests.observe.made import ASSIGNMENT, CATALOGUE, judged

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1", label_names=("site",), credentials=["user"])
    made(ASSIGNMENT, *judged())
    made(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    return made


@pytest.mark.parametrize(
    ("accept", "encoding", "expected"),
    [
        ("", "", Format(TEXT, compressed=False)),
        ("*/*", "identity", Format(TEXT, compressed=False)),
        (PROMETHEUS_2, "gzip", Format(OPENMETRICS, compressed=True)),
        ("application/openmetrics-text;q=0", "gzip;q=0", Format(TEXT, compressed=False)),
        ("text/plain;version=0.0.4", "deflate, gzip;q=0.5", Format(TEXT, compressed=True)),
        ("Application/OpenMetrics-Text", "*", Format(OPENMETRICS, compressed=True)),
        (";;,,q=x", "gzip;q=x", Format(TEXT, compressed=False)),
    ],
)
def test_the_format_is_the_one_that_was_asked_for(accept: str, encoding: str, expected: Format) -> None:
    assert negotiate(accept, encoding) == expected


def test_text_is_what_the_library_writes(metrics: Metrics) -> None:
    families = [family.name for family in metrics.registry.collect() if not family.name.startswith("process")]
    ours, _ = render(metrics.registry)
    theirs = generate_latest(metrics.registry)
    assert families
    assert _stable(ours) == _stable(theirs)


def _stable(text: bytes) -> list[bytes]:
    """Without the values of the process, which change between two readings."""
    return [line for line in text.splitlines() if not line.startswith(b"process_")]


def test_openmetrics_ends_once_and_is_read_by_its_own_strict_parser(metrics: Metrics) -> None:
    body, headers = render(metrics.registry, PROMETHEUS_2)
    assert headers["Content-Type"] == OPENMETRICS
    assert body.count(b"# EOF") == 1
    assert body.endswith(b"# EOF\n")
    families = openmetrics_families(body.decode())  # type: ignore[no-untyped-call]  # not annotated there
    names = {family.name for family in families}
    assert "clientaccess_attempts" in names


def test_a_compressed_answer_holds_the_same(metrics: Metrics) -> None:
    plain = b"".join(slices(metrics.registry, Format(TEXT, compressed=False)))
    packed, headers = render(metrics.registry, "", "gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert _stable(gzip.decompress(packed)) == _stable(plain)


def test_no_slice_is_more_than_one_family(metrics: Metrics) -> None:
    for piece in slices(metrics.registry, Format(TEXT, compressed=False)):
        assert piece.count(b"# HELP") == 1


def test_promtool_finds_nothing_to_complain_about(metrics: Metrics) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=render(metrics.registry)[0],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_label_value_is_read_back_as_it_was(text: str) -> None:
    registry = CollectorRegistry()
    Counter("c", "h", ["l"], registry=registry).labels(text).inc()
    body, _ = render(registry)
    labels = {
        sample.labels["l"] for family in text_string_to_metric_families(body.decode()) for sample in family.samples
    }
    assert labels == {text}
