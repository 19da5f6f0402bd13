"""A real Prometheus that scrapes one target every second, and its `promtool`."""

import http.client
import json
import subprocess
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from tests.servers.account import give, make
from tests.servers.packages import program
from tests.servers.ports import HOST, free_port
from tests.servers.process import BASE_ENVIRONMENT, Daemon, retried, until

Sample = tuple[dict[str, str], float]


class Prometheus:
    """Scrapes `targets` (`127.0.0.1:10143`) as job `prober` and evaluates `rules` (file paths), every `interval` s.

    Groups that name an interval of their own keep it.
    `alertmanager` (`host:port`) hears of what fires.
    """

    def __init__(
        self,
        room: Path,
        targets: Sequence[str],
        *,
        rules: Sequence[Path] = (),
        alertmanager: str = "",
        interval: int = 1,
    ) -> None:
        self.port = 0
        self._room = make(room)
        self._targets = list(targets)
        self._interval = f"{interval}s"
        self._alertmanagers = [alertmanager] if alertmanager else []
        self._rules = [self._copied(path) for path in rules]
        self._daemon: Daemon | None = None

    def __enter__(self) -> Self:
        retried(self._start_anew)
        return self

    def __exit__(self, *_: object) -> None:
        if self._daemon is not None:
            self._daemon.stop()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def query(self, promql: str) -> list[Sample]:
        """Return the instant vector of an expression as labels and values. Raises `RuntimeError` when it is refused."""
        answer = self._get("/api/v1/query?" + urllib.parse.urlencode({"query": promql}))
        if answer["status"] != "success":
            raise RuntimeError(f"{promql}: {answer.get('error')}")
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def until(
        self, promql: str, holds: Callable[[list[Sample]], bool] = bool, *, deadline: float = 30.0
    ) -> list[Sample]:
        """Return the first answer to an expression for which `holds`. Raises `ServerError` after `deadline` seconds."""
        answers: list[list[Sample]] = [[]]

        def asked() -> bool:
            answers.append(self.query(promql))
            return holds(answers[-1])

        until(asked, f"prometheus: {promql}", deadline=deadline)
        return answers[-1]

    def alerts(self) -> list[tuple[str, str]]:
        """Return name and state (`pending`, `firing`) of every active alert."""
        found = self._get("/api/v1/alerts")["data"]["alerts"]
        return [(alert["labels"]["alertname"], alert["state"]) for alert in found]

    def _start_anew(self) -> None:
        self.port = free_port()
        configuration = self._room / "prometheus.yml"
        rules = json.dumps([str(path) for path in self._rules])
        configuration.write_text(
            CONFIGURATION.format(
                targets=json.dumps(self._targets),
                rules=rules,
                alertmanagers=json.dumps(self._alertmanagers),
                interval=self._interval,
            )
        )
        arguments = {
            "--config.file": configuration,
            "--storage.tsdb.path": self._room / "data",
            "--web.listen-address": f"{HOST}:{self.port}",
            "--log.level": "warn",
        }
        command = [program("prometheus"), *(f"{name}={value}" for name, value in arguments.items())]
        self._daemon = Daemon(command, self._room / "prometheus.log")
        self._daemon.until(self._ready, "ready", deadline=20)

    def _ready(self) -> bool:
        try:
            return self._ask("/-/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _get(self, path: str) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self._ask(path)[1])
        return parsed

    def _ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _copied(self, path: Path) -> Path:
        """Copy a rule file to where the server's account can read it."""
        copy = self._room / path.name
        copy.write_bytes(path.read_bytes())
        return give(copy)


def promtool(
    *arguments: str, stdin: bytes = b"", directory: Path | None = None, timeout: float = 120.0
) -> subprocess.CompletedProcess[bytes]:
    """Run promtool (`check metrics`, `check rules FILE`, `test rules FILE`); what it says is in `stdout`."""
    return subprocess.run(
        [program("promtool"), *arguments],
        check=False,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        cwd=directory,
        env=BASE_ENVIRONMENT,
    )


CONFIGURATION = """
global:
  scrape_interval: {interval}
  scrape_timeout: {interval}
  evaluation_interval: {interval}
rule_files: {rules}
alerting:
  alertmanagers:
    - static_configs:
        - targets: {alertmanagers}
scrape_configs:
  - job_name: prober
    static_configs:
      - targets: {targets}
"""
