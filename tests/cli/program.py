"""The prober as a process of its own, and a web site for its control to fetch."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Self

from tests.servers.web import Web

ENOUGH = 20.0
"""Seconds after which something that should have happened did not."""


class Site(Web):
    """A page on 127.0.0.1 that counts its visitors, and keeps them waiting while `open` is not set."""

    def __init__(self) -> None:
        self.visited = threading.Semaphore(0)
        site = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.visited.release()
                site.open.wait(ENOUGH)
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(Page)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


def configuration(folder: Path, control: str, targets: str = "") -> Path:
    """Write a configuration: a control, and (unless others are given) a target that refuses connections."""
    listed = targets or (
        "  - name: hq\n    environment: exchange_server\n"
        '    endpoints: {imap4: "imaps://127.0.0.1:1"}\n    clients: [{client: imap4}]\n'
    )
    file = folder / "prober.yml"
    file.write_text(f'targets:\n{listed}control:\n  urls: ["{control}"]\n')
    return file


class Program:
    """`prober run` in a process; its log is read line by line."""

    def __init__(self, config: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "prober", "run", f"--config.file={config}", "--log.level=debug", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.log: list[str] = []
        self._watchdog = threading.Timer(2 * ENOUGH, self.process.kill)
        self.address = ""

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def until(self, pattern: str) -> re.Match[str]:
        """Read the log up to the first line that holds `pattern`."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError(f"no {pattern!r} in the log:\n" + "".join(self.log))

    def started(self) -> Self:
        """Wait until it listens."""
        self.address = self.until(r"listening on ([0-9.]+:\d+)")[1]
        return self

    def get(self, path: str) -> tuple[int, str]:
        """Fetch one of its pages; return status and text."""
        return self._asked(path, "GET")

    def post(self, path: str) -> tuple[int, str]:
        """Have one of its pages do something; return status and text."""
        return self._asked(path, "POST")

    def _asked(self, path: str, method: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://{self.address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=ENOUGH) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end, reading what is left of the log; return the exit code."""
        rest = self.process.communicate(timeout=ENOUGH)[1]
        self.log += rest.splitlines(keepends=True)
        return self.process.returncode


@contextlib.contextmanager
def running(config: Path, *arguments: str) -> Iterator[Program]:
    """Run the prober on a free port until the block ends."""
    with Program(config, "--web.listen-address=127.0.0.1:0", *arguments) as program:
        yield program.started()
