"""What it costs to spread one configuration over two processes: CPU per attempt, all processes taken together.

Two probers take turns in each round, on one core both: one by itself, one with two workers. Each runs the same schedule
against the same nginx for the same number of seconds; what is counted are the processor seconds of the prober and of
its workers (what starting took is not among them) and the attempts that `/metrics` says were made. The claim is the
ratio within one round.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.cpu import nginx_of
from benchmarks.figures import Figure, show
from tests.servers.account import fresh_room, make
from tests.servers.pki import Pki
from tests.servers.ports import accepts, free_port

ROUNDS = 5
SECONDS = 8.0
TARGETS = 60
GOAL = 1.15
ENOUGH = 60.0
TARGET = """
  - name: site-{number:03}
    environment: exchange_server
    endpoints: {{imap4: "{imap}"}}
    clients: [{{client: imap4, interval: 500ms}}]
"""


def main() -> bool:
    """Run the bench; return whether the goal is met."""
    if shutil.which("nginx") is None:
        print("workers: nginx not installed (make servers)", file=sys.stderr)
        return False
    with ExitStack() as stack:
        pki = Pki(stack.enter_context(fresh_room("pki")))
        room = make(stack.enter_context(fresh_room("bench")), "nginx")
        https, imap = nginx_of(stack, pki, room)
        rounds = [{number: _cost(room, number, https, imap, pki) for number in (1, 2)} for _ in range(ROUNDS)]
        return show("workers", figures(rounds))


def figures(rounds: Sequence[Mapping[int, float]]) -> list[Figure]:
    """Return what an attempt costs by number of workers, and the ratio within the round: each the median."""
    alone, spread = (statistics.median(one[number] for one in rounds) for number in (1, 2))
    ratio = statistics.median(one[2] / one[1] for one in rounds)
    return [
        Figure("1 worker", alone, "ms CPU"),
        Figure("2 workers", spread, "ms CPU"),
        Figure("2 workers on one core / 1 worker", ratio, "ratio", GOAL),
    ]


def _configuration(room: Path, workers: int, https: str, imap: str, ca_file: Path) -> Path:
    file = room / f"workers-{workers}.yml"
    targets = "".join(TARGET.format(number=number, imap=imap) for number in range(TARGETS))
    way = f"global: {{network: {{family: ipv4}}, tls: {{ca_file: {ca_file}}}}}\n"
    pacing = "pacing: {rate: 1000, ceiling: 10000}\n"
    control = f"control: {{urls: [{https}]}}\n"
    file.write_text(f"workers: {workers}\n{way}{pacing}targets:\n{targets}{control}")
    return file


def _cost(room: Path, workers: int, https: str, imap: str, pki: Pki) -> float:
    """Return milliseconds of CPU per attempt of a prober with so many workers, all of it on one core."""
    port = free_port()
    config = _configuration(room, workers, https, imap, Path(pki.ca_file))
    command = [sys.executable, "-m", "prober", "run", f"--config.file={config}", "--log.level=error"]
    core = max(os.sched_getaffinity(0))
    process = subprocess.Popen(
        ["taskset", "--cpu-list", str(core), *command, f"--web.listen-address=127.0.0.1:{port}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        page = f"http://127.0.0.1:{port}/metrics"
        _until(lambda: accepts(port), "listening")
        _until(lambda: _all_up(page, workers), "probing")
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        attempts, used = _attempts(page), _used(family)
        time.sleep(SECONDS)
        used, attempts = _used(family) - used, _attempts(page) - attempts
        failed = sum(_values(page, "clientaccess_failures_total")) + sum(_values(page, "clientaccess_excluded_total"))
    finally:
        process.terminate()
        process.wait(ENOUGH)
    return per_attempt(workers, used, attempts, failed)


def per_attempt(workers: int, used: float, attempts: float, failed: float) -> float:
    """Return milliseconds per attempt of `used` seconds. Too few attempts, or one that failed, end the bench."""
    if failed:
        raise SystemExit(f"workers: {failed:g} attempts failed with {workers}")
    if attempts < SECONDS * TARGETS / 2:
        raise SystemExit(f"workers: only {attempts:g} attempts with {workers}")
    return 1000 * used / attempts


def _until(ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + ENOUGH
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"workers: not {what} within {ENOUGH:g} s")
        time.sleep(0.2)


def _used(family: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in family)


def _values(page: str, name: str) -> list[float]:
    with urllib.request.urlopen(page, timeout=ENOUGH) as answer:
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return [sample.value for family in families for sample in family.samples if sample.name == name]


def _attempts(page: str) -> float:
    """Return how many attempts have counted so far."""
    return sum(_values(page, "clientaccess_counted_total"))


def _all_up(page: str, workers: int) -> bool:
    """Whether every worker probes, and everything has begun to be probed."""
    up = workers == 1 or _values(page, "clientaccess_worker_up") == [1.0] * workers
    return up and sum(_values(page, "clientaccess_counted_total")) > TARGETS
