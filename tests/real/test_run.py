"""`prober run` as operators run it: real servers on one side, Prometheus on the other, canary secrets in between."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.real.test_dovecot import by_token
from tests.real.vantage import password_of, target
from tests.servers.dovecot import ALICE, PASSWORDS, Dovecot
from tests.servers.fixtures import StartPrometheus
from tests.servers.oauth_server import OAuthServer
from tests.servers.pki import Pki
from tests.servers.prometheus import promtool
from tests.servers.sogo import Sogo

RULES = Path(__file__).parents[2] / "config/prometheus/rules/availability.yml"
WATCHED = (("token", "imap4"), ("good", "activesync"))
LISTENING = re.compile(r"listening on ([0-9.]+:\d+)")
PATIENCE = 120.0

IN_DAYS = (b"clientaccess_detector_evidence_days ", b"clientaccess_detector_threshold_days ")
"""What promtool would rather have in seconds: evidence is compared with the budget of false pages, which is in days."""


class Running:
    """One `prober run`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, address: str) -> None:
        self.process = process
        self.log = log
        self.address = address

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def until(self, pattern: str) -> str:
        """Read `/metrics` until `pattern` is there."""
        return _until(lambda: found if re.search(pattern, found := self.get("/metrics"), re.MULTILINE) else None)

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def _until(look: Any) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return str(found)
        time.sleep(0.05)  # another process has to get on
    raise AssertionError("it did not come to that in time")


@contextmanager
def running(folder: Path, configuration: dict[str, Any], *flags: str) -> Iterator[Running]:
    """Start `prober run` on a free port, with its state in `folder`."""
    (folder / "prober.yml").write_text(yaml.safe_dump(configuration))
    log = folder / "prober.log"
    command = [sys.executable, "-m", "prober", "run", f"--config.file={folder / 'prober.yml'}"]
    command += ["--web.listen-address=127.0.0.1:0", f"--storage.path={folder / 'state'}", *flags]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=dict(os.environ))
    try:
        address = _until(lambda: (found := LISTENING.search(log.read_text())) and found[1])
        yield Running(process, log, address)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def both(folder: Path, pki: Pki, dovecot: Dovecot, sogo: Sogo) -> dict[str, Any]:
    """Both clients, every second."""
    entry = {"interval": "1s", "options": {"idle_seconds": 0.05}}
    imap = target(pki.ca_file, "imap4", f"imaps://localhost:{dovecot.imaps_port}", entry=entry, name="mail")
    phone = target(pki.ca_file, "activesync", sogo.url, entry={"interval": "1s", "push": True}, name="phone")
    return {"credentials": {"alice": password_of(folder)}, "targets": [imap, phone]}


def test_a_prometheus_reads_the_availability_of_both_clients(
    dovecot: Dovecot, sogo: Sogo, pki: Pki, tmp_path: Path, start_prometheus: StartPrometheus
) -> None:
    """Five good seconds, an outage of the mail store, and PromQL that shows which client lost how much."""
    with running(tmp_path, both(tmp_path, pki, dovecot, sogo)) as prober:
        prometheus = start_prometheus(prober.address, [RULES])
        good = "min(clientaccess_up) == 1 and count(clientaccess_up) == 2"
        prometheus.until(good, holds=lambda samples: len(samples) == 1)
        with sogo.mail_down():
            prober.until(r'^clientaccess_failures_total\{.*reason="mailbox_unavailable",target="phone"\} [2-9]')
            failing = 'increase(clientaccess_failures_total{target="phone"}[30s]) > 1'
            prometheus.until(failing, holds=lambda samples: len(samples) == 1)
        ratio = (
            "1 - sum by (client, target) (rate(clientaccess_failures_total[1m])) "
            "/ sum by (client, target) (rate(clientaccess_counted_total[1m]))"
        )
        samples = {labels["target"]: value for labels, value in prometheus.query(ratio)}
        assert samples["mail"] == 1.0
        assert 0.0 <= samples["phone"] < 1.0
        checked = promtool("check", "metrics", stdin=prober.get("/metrics").encode())
        objections = [line for line in checked.stdout.splitlines() if not line.startswith(IN_DAYS)]
        assert objections == []
        assert checked.returncode == (3 if checked.stdout else 0)
        assert prober.stop() == 0


def test_a_stop_is_clean_and_state_survives_it(dovecot: Dovecot, sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    configuration = both(tmp_path, pki, dovecot, sogo)
    with running(tmp_path, configuration) as prober:
        prober.until(r'^clientaccess_last_success_timestamp_seconds\{client="activesync"')
        prober.until(r'^clientaccess_last_success_timestamp_seconds\{client="imap4"')
        assert prober.get("/-/ready") == "ready\n"
        assert prober.stop() == 0
    before = (tmp_path / "state" / "state.json").read_text()
    with running(tmp_path, configuration) as prober:
        prober.until(r'^clientaccess_last_success_timestamp_seconds\{client="activesync"')
        assert prober.stop() == 0
    after = (tmp_path / "state" / "state.json").read_text()
    device = re.compile(r'"installation": "(\w+)"')
    assert device.findall(before) == device.findall(after)
    assert "inbox" in before
    assert "Traceback" not in (tmp_path / "prober.log").read_text()


def test_no_secret_and_no_address_leaves_the_prober(
    dovecot: Dovecot, oauth: OAuthServer, sogo: Sogo, pki: Pki, tmp_path: Path
) -> None:
    """Good and bad attempts with every kind of secret, and then a mail store that is gone.

    Every log, page, metric and report is searched: the evidence, too, of what no schedule wanted.
    """
    configuration = by_token(tmp_path, pki, oauth, f"imaps://localhost:{dovecot.imaps_port}", name="token")
    (tmp_path / "wrong").write_text("canary-wrong-password")
    configuration["credentials"] |= {
        "user": password_of(tmp_path),
        "wrong": {"type": "basic", "username": ALICE, "password_file": "wrong"},
    }
    bad = target(pki.ca_file, "activesync", sogo.url, credential="wrong", name="bad")
    worse = target(pki.ca_file, "imap4", f"imaps://localhost:{dovecot.imaps_port}", credential="wrong", name="worse")
    good = target(pki.ca_file, "activesync", sogo.url, credential="user", name="good")
    configuration["targets"] += [bad, worse, good]
    for one in configuration["targets"]:
        one["clients"][0]["interval"] = "1s"
    configuration["targets"][0]["clients"][0]["push"] = True
    canaries = [PASSWORDS[ALICE], "canary-wrong-password", "prober-secret", ALICE, "eyJ"]
    with running(tmp_path, configuration, "--log.level=debug") as prober:
        prober.until(r'^clientaccess_attempts_total\{client="imap4",target="token"\} [2-9]')
        prober.until(r'^clientaccess_attempts_total\{client="activesync",target="good"\} [2-9]')
        prober.until(
            r'^clientaccess_excluded_total\{.*reason="auth_rejected",target="(bad|worse)",verdict="excluded"\} 1'
        )
        pages = ("/", "/metrics", "/config", "/api/v1/status", "/api/v1/history", "/api/v1/failures")
        probes = [f"/probe?target={name}&module={client}&debug=true" for name, client in WATCHED]
        seen = [prober.get(page) for page in (*pages, *probes)]
        failures = json.loads(seen[5])["failures"]
        assert failures
        assert {one["target"] for one in failures} <= {"bad", "worse"}
        for one in failures:
            page = f"/api/v1/failures/{one['id']}"
            seen += [prober.get(page), prober.get(f"{page}?format=text")]
            assert json.loads(seen[-2])["evidence"]["transcript"]
            assert " LOGIN ***" in seen[-1] or " PLAIN ***" in seen[-1] or " Basic ***" in seen[-1]
        seen += _what_no_schedule_wanted(prober, dovecot)
        assert prober.stop() == 0
        seen.append(prober.log.read_text())
        seen.append((tmp_path / "state" / "history.db").read_bytes().decode("latin-1"))
    for style in ("text", "json", "nagios"):
        command = [
            sys.executable,
            "-m",
            "prober",
            "once",
            f"--config.file={tmp_path / 'prober.yml'}",
            "--format",
            style,
        ]
        reported = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert reported.stdout
        seen += [reported.stdout, reported.stderr]
    found = [canary for canary in canaries for text in seen if canary in text]
    assert found == []


def _what_no_schedule_wanted(prober: Running, dovecot: Dovecot) -> Iterator[str]:
    """Give the evidence of a channel that is lost, of a second look and of a probe asked for, in both its forms."""
    _until(lambda: "push channel of imap4/token is open" in prober.log.read_text())
    with dovecot.down():
        prober.until(r'^clientaccess_push_disconnects_total\{client="imap4",reason="\w+",target="token"\} [1-9]')
        prober.until(r'^clientaccess_confirm_attempts_total\{client="imap4",target="token"\} [1-9]')
        shown = prober.get("/probe?target=token&module=imap4&debug=true")
    yield shown
    told = re.search(r"Evidence for a support case: (/api/v1/failures/(\w+)\?format=text)", shown)
    assert told
    assert "seen by                an attempt asked for by /probe" in prober.get(told[1])
    found = {}
    for origin in ("schedule", "second_look", "probe", "push"):
        *_, first = json.loads(prober.get(f"/api/v1/failures?client=imap4&target=token&origin={origin}"))["failures"]
        found[origin] = json.loads(prober.get(f"/api/v1/failures/{first['id']}"))
        yield from (json.dumps(found[origin]), prober.get(f"/api/v1/failures/{first['id']}?format=text"))
    assert found["probe"]["id"] == told[2]
    assert [one["counted"] for one in found.values()] == [True, False, False, False]
    assert {tuple(one["evidence"]["prober"]) for one in found.values()} >= {
        ("vantage", "version", "loop_lag_seconds", "late_seconds", "sickness", "control"),
        ("vantage", "version", "loop_lag_seconds", "sickness", "control"),
    }
    lost = found["push"]
    assert (lost["step"], lost["reason"], lost["evidence"]["servers"]) == ("push_wait", "push_channel_lost", {})
    assert [one["step"] for one in lost["evidence"]["addresses"]] == ["push_open"]
    transcript = "\n".join(lost["evidence"]["transcript"])
    assert re.search(r"> \w+ AUTHENTICATE \w+ \*\*\*\n(.*\n)+.*> \w+ IDLE\n", transcript), transcript
    assert all(one["evidence"]["transcript"] for one in found.values())


def test_a_password_that_never_worked_is_sent_once(sogo: Sogo, pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("not-her-password")
    credential = {"type": "basic", "username": ALICE, "password_file": "wrong"}
    entry = {"interval": "1s"}
    one = target(pki.ca_file, "activesync", sogo.url, entry=entry)
    with running(tmp_path, {"credentials": {"alice": credential}, "targets": [one]}) as prober:
        text = prober.until(r"^clientaccess_held_back_total\{.*\} [2-9]")
        assert re.search(r'^clientaccess_attempts_total\{client="activesync",target="hq"\} 1.0$', text, re.MULTILINE)
        assert prober.stop() == 0
