"""The catalogue: a client that nobody here thought of is one file and its test, as the guide for contributors says."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from prober.clients import catalogue
from tests.cli.program import running

pytestmark = pytest.mark.long(40)

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CONFIGURATION = """\
targets:
  - name: hq
    environment: exchange_server
    endpoints: {{caldav: "{url}"}}
    clients: [{{client: caldav, interval: 5s}}]
"""


class Calendar(BaseHTTPRequestHandler):
    """A calendar server as far as the client goes: it wants a sign-in."""

    def do_PROPFIND(self) -> None:
        self.send_response(401 if self.path == "/.well-known/caldav" else 404)
        self.send_header("WWW-Authenticate", 'Basic realm="calendar"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Address of a calendar server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Calendar)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program to which the guide's client and its test have been added."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    client, test = CODE.findall(text)
    shutil.copytree(ROOT / "prober", tmp_path / "prober", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for name, content in (("prober/clients/caldav.py", client), ("tests/clients/test_caldav.py", test)):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    return tmp_path


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=60, check=False)


def test_the_guides_test_passes(copy: Path) -> None:
    """With the guide's client, found in the copy."""
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_guides_client_is_as_clean_as_the_rest(copy: Path) -> None:
    """By the repository's own rules."""
    (copy / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    files = ("prober/clients/caldav.py", "tests/clients/test_caldav.py")
    for tool in (("ruff", "check", *files), ("ruff", "format", "--check", *files), ("mypy", "--strict", *files)):
        done = run(copy, *tool)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_guides_client_is_configured_run_and_exported(
    copy: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration knows its endpoint, `once` runs its step, and the metrics have its series."""
    file = copy / "prober.yml"
    file.write_text(CONFIGURATION.format(url=url))
    assert run(copy, "prober", "check-config", str(file)).returncode == 0
    told = json.loads(run(copy, "prober", "once", f"--config.file={file}", "--format=json").stdout)
    assert (told["client"], told["verdict"]) == ("caldav", "ok")
    assert [step["step"] for step in told["steps"]] == ["well_known"]
    monkeypatch.chdir(copy)
    with running(file) as program:
        program.until("event=attempt client=caldav target=hq verdict=ok")
        page = program.get("/metrics")[1]
    assert re.search(r'clientaccess_counted_total{client="caldav",target="hq"} [1-9]', page)
    assert 'clientaccess_step_duration_seconds_count{client="caldav",step="well_known",target="hq"}' in page


def test_clients_stand_in_order_under_their_own_names() -> None:
    assert list(catalogue()) == sorted(catalogue())
    assert all(name == client.name for name, client in catalogue().items())
