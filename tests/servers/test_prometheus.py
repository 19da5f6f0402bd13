"""Prometheus scrapes, evaluates rules and answers; promtool judges expositions."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.servers.fixtures import StartPrometheus
from tests.servers.ports import HOST
from tests.servers.process import ServerError
from tests.servers.prometheus import promtool

EXPOSITION = b"""# HELP fruit_eaten_total Fruit that was eaten.
# TYPE fruit_eaten_total counter
fruit_eaten_total{kind="apple"} 3
"""

RULES = """
groups:
  - name: fruit
    rules:
      - {record: "kind:fruit_eaten:double", expr: "fruit_eaten_total * 2"}
      - {alert: TooMuchFruit, expr: "fruit_eaten_total > 2"}
"""


class Exposing(BaseHTTPRequestHandler):
    """Answers every request with the exposition."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(EXPOSITION)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def target() -> Iterator[str]:
    """Something to scrape."""
    with ThreadingHTTPServer((HOST, 0), Exposing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()


def test_it_scrapes_its_target_and_evaluates_rules(
    start_prometheus: StartPrometheus, target: str, tmp_path: Path
) -> None:
    """Samples, recorded samples and alerts can be read back within seconds."""
    rules = tmp_path / "fruit.yml"
    rules.write_text(RULES)
    prometheus = start_prometheus(target, [rules])
    ((labels, value),) = prometheus.until("kind:fruit_eaten:double")
    assert (labels["kind"], value) == ("apple", 6.0)
    assert prometheus.query("up") == [({"__name__": "up", "instance": target, "job": "prober"}, 1.0)]
    assert prometheus.alerts() == [("TooMuchFruit", "firing")]


def test_waiting_for_what_never_holds_ends_with_an_error(start_prometheus: StartPrometheus, target: str) -> None:
    """And an expression that is no PromQL is refused at once."""
    prometheus = start_prometheus(target, [])
    with pytest.raises(ServerError, match=r"prometheus: vector\(0\) > 1: not within 0\.1 s"):
        prometheus.until("vector(0) > 1", deadline=0.1)
    with pytest.raises(RuntimeError, match="parse error"):
        prometheus.query("sum by (")


@pytest.mark.real
def test_promtool_tells_a_clean_exposition_from_a_poor_one() -> None:
    """By its exit code, and by what it says."""
    assert promtool("check", "metrics", stdin=EXPOSITION).returncode == 0
    poor = promtool("check", "metrics", stdin=EXPOSITION.replace(b"_total", b""))
    assert poor.returncode != 0
    assert b"counter metrics should have" in poor.stdout
