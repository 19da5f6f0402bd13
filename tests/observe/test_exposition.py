"""What Prometheus reads: the format it asked for, in slices, the same as the library's own."""

import gzip
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from prober.faults import taxonomy as kinds
from prober.observe.exposition import OPENMETRICS, TEXT, Format, negotiate, render, slices
from prober.observe.metrics import Metrics
from prober.observe.series import Counters, Gauges
from tests.observe.made import ASSIGNMENT, CATALOGUE, judged
from tests.servers.fixtures import StartPrometheus
from tests.servers.ports import HOST
from tests.servers.prometheus import Prometheus

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;"
    "q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
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
        (PROMETHEUS_3, "", Format(OPENMETRICS, compressed=False)),
        ("application/openmetrics-text;version=0.0.1", "", Format(TEXT, compressed=False)),
        ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", "", Format(TEXT, compressed=False)),
        ('application/openmetrics-text; version="1.0.0"', "", Format(OPENMETRICS, compressed=False)),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.5", "", Format(TEXT, compressed=False)),
        ("application/openmetrics-text;q=0.5, text/plain;version=1.0.0", "", Format(OPENMETRICS, compressed=False)),
        (
            "application/openmetrics-text;q=0.5, text/*;q=0.8, text/plain;q=0.1",
            "",
            Format(OPENMETRICS, compressed=False),
        ),
        (
            "application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text",
            "",
            Format(TEXT, compressed=False),
        ),
        ("application/*, */*", "", Format(TEXT, compressed=False)),
        ("application/json", "br", Format(TEXT, compressed=False)),
        ("", "gzip;q=0.5, identity", Format(TEXT, compressed=False)),
        ("", "gzip;q=0, *", Format(TEXT, compressed=False)),
        ("", "x-gzip", Format(TEXT, compressed=True)),
        ("", "gzip;q=5", Format(TEXT, compressed=False)),
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


@pytest.mark.parametrize("compressed", [False, True])
def test_a_slice_ends_with_its_millisecond(metrics: Metrics, *, compressed: bool) -> None:
    """Every piece takes a tenth of one here; together the slices are the whole."""
    ticks = count()
    pieces = list(slices(metrics.registry, Format(TEXT, compressed), lambda: next(ticks) / 10_000))
    families = len(list(metrics.registry.collect()))
    assert families / 10 < len(pieces) <= 2 * families / 10 + 1
    whole = b"".join(pieces)
    assert _stable(gzip.decompress(whole) if compressed else whole) == _stable(generate_latest(metrics.registry))


def test_an_answer_shows_one_moment(metrics: Metrics) -> None:
    """What finishes while it is written is in the next one, and in all of its series."""
    before = _stable(generate_latest(metrics.registry))
    pieces = slices(metrics.registry, Format(TEXT, compressed=False), count().__next__)
    first = next(pieces)
    for kind in (None, kinds.NO_ANSWER, kinds.PROXY_DENIED):
        metrics(ASSIGNMENT, *judged(kind))
    assert _stable(first + b"".join(pieces)) == before != _stable(generate_latest(metrics.registry))


def test_what_is_no_text_costs_a_letter_and_not_the_answer() -> None:
    made = Counters("c", "h", ["l"])
    made.labels("a\ud800b")
    registry = CollectorRegistry()
    registry.register(made)
    assert render(registry)[0].splitlines()[-1] == b'c_total{l="a?b"} 0.0'


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
    made = Counters("c", "h", ["l"])
    made.labels(text).inc()
    registry.register(made)
    body, _ = render(registry)
    labels = {
        sample.labels["l"] for family in text_string_to_metric_families(body.decode()) for sample in family.samples
    }
    assert labels == {text}


class Answering(BaseHTTPRequestHandler):
    """Answers with what the server's `write` makes of two request headers."""

    def do_GET(self) -> None:
        body, fields = self.server.write(  # type: ignore[attr-defined]  # given to it below
            self.headers.get("Accept", ""), self.headers.get("Accept-Encoding", "")
        )
        self.send_response(200)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


Write = Callable[[str, str], tuple[bytes, dict[str, str]]]


@contextmanager
def serving(write: Write) -> Iterator[str]:
    """Give the `host:port` at which Prometheus finds what `write` returns."""
    with ThreadingHTTPServer((HOST, 0), Answering) as server:
        server.write = write  # type: ignore[attr-defined]  # read by the handler above
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()


def test_prometheus_reads_the_same_from_us_and_from_the_library(
    metrics: Metrics, start_prometheus: StartPrometheus
) -> None:
    """The whole registry and odd ones besides: packed OpenMetrics of ours, plain text of the library."""
    odd = Gauges("odd", "Values and labels that need care", ["word"])
    for place, value in enumerate((nan, inf, -inf, 0.1, 1e-9, 1.5e9, -2.5e300)):
        odd.labels(f'{place} "\\\n\t{{}},=é\N{GRINNING FACE}').set(value)
    metrics.registry.register(odd)
    turn = Gauges("turn", "Whose turn it is to write")
    metrics.registry.register(turn)
    asked: list[dict[str, str]] = []

    def write(accept: str, encoding: str) -> tuple[bytes, dict[str, str]]:
        if library:
            return generate_latest(metrics.registry), {"Content-Type": TEXT}
        body, fields = render(metrics.registry, accept, encoding)
        asked.append(fields)
        return body, fields

    library = False
    with serving(write) as target:
        prometheus = start_prometheus(target, [])
        prometheus.until("turn == 0")
        ours = _read_back(prometheus)
        library = True
        turn.labels().set(1.0)
        prometheus.until("turn == 1")
        theirs = _read_back(prometheus)
    assert asked[0]["Content-Type"] == OPENMETRICS
    assert asked[0]["Content-Encoding"] == "gzip"
    assert len(ours) > 100
    assert ours == theirs


def _read_back(prometheus: Prometheus) -> list[tuple[tuple[tuple[str, str], ...], str]]:
    """Return every series that it scraped, without those that change by themselves."""
    samples = prometheus.until('{job="prober",__name__!~"up|turn|scrape_.*|process_.*"}')
    return sorted(
        (tuple(sorted((name, value) for name, value in labels.items() if name != "instance")), repr(value))
        for labels, value in samples
    )
