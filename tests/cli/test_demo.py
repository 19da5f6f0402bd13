"""`demo` as a process: it shows where to look, probes a tenant, and an incident started from its page is detected."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from prober.cli.demo import demo
from tests.servers.account import fresh_room
from tests.servers.process import ServerError, until
from tests.servers.prometheus import Prometheus
from tests.test_dashboards import unanswered
from tests.test_rules import PROMETHEUS

COMMAND = [sys.executable, "-m", "prober", "demo", "--web.listen-address=127.0.0.1:0"]


class Demo:
    """A demo that runs."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.said = ""
        while "Stop with Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        found = re.search(r"status page +(\S+)", self.said)
        assert found
        self.url = found[1]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def status(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.get("api/v1/status"))
        return data

    def post(self, path: str, **headers: str) -> int:
        request = urllib.request.Request(self.url + path, b"", headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code

    def state(self, client: str) -> str:
        groups = self.status()["rehearsal"]["groups"]
        return next((one["state"] for one in groups if (one["client"], one["region"]) == (client, "")), "")


SCRAPE = 10
"""Seconds between two scrapes, and that one may take: more than it ever should, on a machine with a lot to do."""


@pytest.fixture
def running() -> Iterator[Demo]:
    made = Demo()
    yield made
    made.process.kill()
    made.process.communicate()


@contextmanager
def watching(running: Demo) -> Iterator[Prometheus]:
    """One that scrapes the demo and evaluates the shipped rules."""
    rules = sorted((PROMETHEUS / "rules").glob("*.yml"))
    with (
        fresh_room("prometheus") as room,
        Prometheus(room, [urlsplit(running.url).netloc], rules=rules, interval=SCRAPE) as server,
    ):
        yield server


@pytest.mark.real
def test_an_incident_started_from_the_page_is_detected(running: Demo) -> None:
    """All is well within ten seconds; then the incident, its detection, its end, and a clean exit.

    While it lasts, the operator speaks of it, and every query of the dashboards has an answer.
    """
    until(
        lambda: (
            len(verdicts := [one["verdict"] for one in running.status()["assignments"]]) > 6
            and verdicts.count("ok") >= len(verdicts) * 3 // 4
        ),
        "most assignments are well",
        deadline=10,
    )
    assert re.search(r'clientaccess_up\{client="imap4",target="\w+-\d"\} 1\.0', running.get("metrics"))
    assert "Incidents to start" in running.get("")
    assert running.state("imap4") == "learning"
    with watching(running) as prometheus:
        assert running.post("rehearsal/incidents/S07/begin") == 200
        until(lambda: running.state("imap4") == "failing", "the incident is detected", deadline=90)
        assert re.search(
            r'clientaccess_failures_total\{client="imap4",reason="\w+",target="\S+"\} [1-9]', running.get("metrics")
        )
        told = {one["group"]: one["because"] for one in running.status()["detector"]["groups"]}
        assert "attempts failed since" in told["exchange_online/imap4"]
        assert _left(prometheus) == []
        (notice,) = running.status()["advisories"]["notices"]
        assert not notice["resolved"]
        assert {"imap4", "activesync", "owa"} <= set(notice["clients"])
        assert max(match["lead_seconds"] for match in notice["possible_matches"]) > 0
    assert running.post("rehearsal/incidents/S07/end") == 200
    incidents = running.status()["rehearsal"]["incidents"]
    assert not any(one["running"] for one in incidents)
    running.process.send_signal(signal.SIGINT)
    said = running.process.communicate(timeout=30)[0]
    assert running.process.returncode == 0
    assert "Traceback" not in running.said + said


def _left(prometheus: Prometheus) -> list[str]:
    """Return the queries that stay without an answer, though there was time to scrape what they ask for."""
    with suppress(ServerError):
        until(lambda: not unanswered(prometheus), "an answer to every query", deadline=90)
    return unanswered(prometheus)


def test_nobody_else_can_start_one(running: Demo) -> None:
    """Neither a page of another site nor one that does not say so; and none that is not known."""
    assert running.post("rehearsal/incidents/S07/begin", Origin="http://elsewhere.test") == 403
    assert running.post("rehearsal/incidents/S07/begin", **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert running.post("rehearsal/incidents/NONE/begin") == 404
    assert running.post("rehearsal/incidents/S07/end") == 404
    assert running.post("rehearsal/incidents/S07/never") == 404


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--incident", "S99"], "prober: there is no incident 'S99'; there are S01a"),
        (["--duration", "soon"], "Invalid value for '--duration'"),
        (["--web.listen-address", "nowhere"], "listen address 'nowhere'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    """Before anything starts."""
    result = CliRunner().invoke(demo, arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_without_a_place_for_its_files_it_says_so() -> None:
    """In one line, as on a root that cannot be written to."""
    environment = {**os.environ, "TMPDIR": "/nonexistent"}
    script = (
        "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/nonexistent']\n"
        "import prober.cli; prober.cli.main()"
    )
    command = [sys.executable, "-c", script, "demo", "--web.listen-address=127.0.0.1:0"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "No usable temporary directory" in ended.stderr


def test_it_ends_after_its_duration() -> None:
    """With 0."""
    ended = subprocess.run([*COMMAND, "--duration=3s"], capture_output=True, text=True, timeout=40, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
