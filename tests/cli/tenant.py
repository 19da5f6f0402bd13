"""A simulated tenant in a process of its own, and what a person's browser needs to reach it."""

import json
import socket
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import pytest


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the test plays the browser."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Stay where we are."""


class Tenant:
    """Addresses, accounts and a ready configuration, from the state file."""

    def __init__(self, state: Path) -> None:
        told: dict[str, Any] = json.loads(state.read_text())
        self.domain = str(told["domain"])
        self.login = str(told["login"])
        self.resolver = str(told["resolver"])
        self.ca_file = Path(told["ca_file"])
        self.configuration = Path(told["configuration_file"])
        first = told["mailboxes"][0]
        self.account = (str(first["address"]), str(first["password"]))
        self.phone = next(str(one["client_id"]) for one in told["applications"] if one["client"] == "activesync")
        self._address = next(str(one["address"]) for one in told["hosts"] if one["name"].startswith("login."))
        context = ssl.create_default_context(cafile=str(self.ca_file))
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stay())

    def open(self, url: str) -> str:
        """Return a page."""
        with self._resolved(), self._opener.open(url, timeout=10) as page:
            return str(page.read().decode())

    def post(self, url: str, form: dict[str, str]) -> str:
        """Return what a form gets."""
        with self._resolved(), self._opener.open(url, urllib.parse.urlencode(form).encode(), timeout=10) as page:
            return str(page.read().decode())

    def redirect(self, url: str, form: dict[str, str]) -> str:
        """Return where a form sends the browser."""
        try:
            with self._resolved():
                self._opener.open(url, urllib.parse.urlencode(form).encode(), timeout=10)
        except urllib.error.HTTPError as answer:
            with answer:
                return str(answer.headers["Location"])
        raise AssertionError("no redirect")

    def _resolved(self) -> "_Resolved":
        return _Resolved(self.domain, self._address)


class _Resolved:
    """Names of the tenant lead to its token service while entered: nobody but its own resolver knows them."""

    def __init__(self, domain: str, address: str) -> None:
        self._domain = domain
        self._address = address
        self._usual = socket.getaddrinfo

    def __enter__(self) -> None:
        usual, domain, address = self._usual, self._domain, self._address

        def look_up(host: Any, *rest: Any, **more: Any) -> Any:
            return usual(address if str(host).endswith(domain) else host, *rest, **more)

        socket.getaddrinfo = look_up

    def __exit__(self, *_: object) -> None:
        socket.getaddrinfo = self._usual


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    """One tenant for all tests of a file."""
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state.json"
        command = [sys.executable, "-m", "prober", "simulate", f"--state-file={state}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "Stop with Ctrl-C" in line:
                    break
            yield Tenant(state)
        finally:
            process.terminate()
            process.communicate(timeout=20)
