"""A real Alertmanager with the shipped configuration, and a listener in the place of whoever it calls."""

import http.client
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.servers.account import give, make
from tests.servers.packages import program
from tests.servers.ports import HOST, free_port
from tests.servers.process import BASE_ENVIRONMENT, Daemon, retried, until

SHIPPED = Path(__file__).parents[2] / "config/prometheus/alertmanager.yml"
RECEIVERS = "127.0.0.1:9095"
"""Where the shipped configuration sends everything."""


@dataclass(frozen=True, slots=True)
class Call:
    """One notification about one alert: who was called, when, `firing` or `resolved`, and since when it fires.

    `at` and `began` in epoch seconds, the one by the listener's clock and the other by Prometheus's.
    """

    receiver: str
    at: float
    status: str
    began: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(slots=True)
class Listener:
    """Takes notifications at `http://address/RECEIVER`."""

    address: str = ""
    calls: list[Call] = field(default_factory=list)

    def names(self, receiver: str) -> set[str]:
        """Return the names of the alerts that a receiver was called about."""
        return {call.labels["alertname"] for call in list(self.calls) if call.receiver == receiver}

    def about(self, name: str) -> list[Call]:
        """Return the calls about the alerts of that name, firing ones."""
        return [call for call in list(self.calls) if call.labels["alertname"] == name and call.status == "firing"]


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen for the length of a block."""
    listener = Listener()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            now = time.time()
            listener.calls += [
                Call(
                    self.path.strip("/"),
                    now,
                    one["status"],
                    datetime.fromisoformat(one["startsAt"]).timestamp(),
                    one["labels"],
                    one["annotations"],
                )
                for one in said["alerts"]
            ]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Hook) as server:
        listener.address = f"{HOST}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


def configuration(listener: Listener, *, wait: str = "") -> str:
    """Return the shipped configuration with its receivers at `listener`, and another `group_wait` everywhere."""
    text = SHIPPED.read_text().replace(RECEIVERS, listener.address)
    return re.sub(r"group_wait: \w+", f"group_wait: {wait}", text) if wait else text


class Alertmanager:
    """One Alertmanager, without a cluster, that runs `configuration` (YAML)."""

    def __init__(self, room: Path, configuration: str) -> None:
        self.port = 0
        self._room = make(room)
        self._configuration = configuration
        self._daemon: Daemon | None = None

    def __enter__(self) -> Self:
        retried(self._start_anew)
        return self

    def __exit__(self, *_: object) -> None:
        if self._daemon is not None:
            self._daemon.stop()

    @property
    def address(self) -> str:
        """Its address, `host:port`."""
        return f"{HOST}:{self.port}"

    def post(self, alerts: Iterable[Mapping[str, str]]) -> None:
        """Let alerts with these labels fire."""
        body = json.dumps([{"labels": dict(labels)} for labels in alerts]).encode()
        status, answer = self._ask("POST", "/api/v2/alerts", body)
        if status != 200:
            raise RuntimeError(f"alertmanager: {status} {answer!r}")

    def alerts(self) -> list[dict[str, Any]]:
        """Return every alert it knows, with its `labels` and `status`."""
        found: list[dict[str, Any]] = json.loads(self._ask("GET", "/api/v2/alerts", None)[1])
        return found

    def suppressed(self) -> list[dict[str, str]]:
        """Return the labels of the alerts that something inhibits."""
        return [alert["labels"] for alert in self.alerts() if alert["status"]["inhibitedBy"]]

    def until_known(self, count: int, *, deadline: float = 10.0) -> None:
        """Wait until it has taken in `count` alerts."""
        until(lambda: len(self.alerts()) >= count, "alertmanager: alerts", deadline=deadline)

    def _start_anew(self) -> None:
        self.port = free_port()
        file = self._room / "alertmanager.yml"
        file.write_text(self._configuration)
        give(file)
        arguments = {
            "--config.file": file,
            "--storage.path": self._room / "data",
            "--web.listen-address": self.address,
            "--cluster.listen-address": "",
            "--log.level": "warn",
        }
        command = [program("prometheus-alertmanager"), *(f"{name}={value}" for name, value in arguments.items())]
        self._daemon = Daemon(command, self._room / "alertmanager.log")
        self._daemon.until(self._ready, "ready", deadline=20)

    def _ready(self) -> bool:
        try:
            return self._ask("GET", "/-/ready", None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool; what it says is in `stdout`."""
    return subprocess.run(
        [program("amtool"), *arguments],
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        env=BASE_ENVIRONMENT,
    )
