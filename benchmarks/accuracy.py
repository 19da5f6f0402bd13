"""How far measured waits are from the server's own record, how late attempts start, and whether starts ever drift.

Waits: a server in C answers after fifty milliseconds and says when it had read the request and when it wrote the
answer. The prober's plan, runner and session ask it at rates that take half and four fifths of a core, evenly spread;
so does blackbox_exporter, whose phase `processing` is the same time. Each takes the core in turn, in every round;
ratios are within the round, the median over the rounds is shown. A wrong or missing answer ends the bench.

Lateness: the prober's own plan and runner start attempts that each keep the processor as long as a real one, from the
deadline to the first instruction of the attempt. A program in C that does nothing but keep as many deadlines takes its
turn in each round, on the same core: what it is late is the machine's. For the drift the same plan is asked with a
clock that is moved by hand, always a little late, for a thousand periods.
"""

import asyncio
import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import psutil

from benchmarks.cpu import BLACKBOX, PINNED, installed
from benchmarks.figures import Figure, show
from benchmarks.scrape import asking, body_of
from benchmarks.waits import DELAY
from prober.app import settle_memory
from prober.model import Assignment, Target
from prober.schedule.plan import Plan
from prober.schedule.runner import Runner
from prober.vocabulary import Depth, Environment
from tests.servers.account import fresh_room
from tests.servers.pki import Pki
from tests.servers.ports import accepts, free_port
from tests.servers.process import Daemon

PROGRAMS = ("prometheus-blackbox-exporter", "cc", "taskset")
ROUNDS = 5
LOADS = (0.5, 0.8)
CALIBRATION = 250
"""Probes a second with which it is begun to look for the rate that makes a load."""
LOOKS = 3
"""How often a rate is corrected: the more probes a second, the less one of them costs."""
WAIT_SECONDS = 1.5
KERNEL_GOALS = MappingProxyType({0.5: 0.25, 0.8: 1.5})
"""The most that 99 of 100 waits may be off with the kernel's timestamps, in milliseconds, by load of a core."""
MISSED = 0.01
"""The most starts that may come to nothing; beyond that the rate was not kept, and the machine is too busy."""
PROCESSING = re.compile(rb'^probe_http_duration_seconds{phase="processing"} (\S+)$', re.MULTILINE)
OURS = {"loop": "timestamps of the loop", "kernel": "timestamps of the kernel"}
PEER = "blackbox"

ASSIGNMENTS, INTERVAL = 1_000, 2.0
SECONDS = 2.0
WORK = 0.001
"""Seconds of CPU of one attempt: at 500 a second, half of a core."""
PERIODS = 1_000
LATE = 0.0007
"""Seconds by which the hand-moved clock comes too late each time."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One turn of one variant: by how many seconds each wait was off, and the share of a core that it took.

    `missed` is the share of starts that came to nothing because the machine was too busy.
    """

    errors: tuple[float, ...]
    load: float
    missed: float = 0.0

    def centile(self, percent: float) -> float:
        """Return the error that `percent` of a hundred waits do not exceed, in milliseconds."""
        return 1000 * centile(self.errors, percent)


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    if not installed("accuracy", PROGRAMS):
        return False
    with ExitStack() as stack:
        pki = Pki(stack.enter_context(fresh_room("pki")))
        room = stack.enter_context(fresh_room("bench"))
        waits = wait_figures(Site(stack, pki, room).rounds())
        starts = start_figures(_starts(compiled("starts.c", room)))
    return show("accuracy", [*waits, *starts, Figure(f"drift after {PERIODS:,} periods", 1000 * _drift(), "ms", 0.0)])


# -- waits: arithmetic ----------------------------------------------------------------------------------------------


def centile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that `percent` of a hundred of them do not exceed (nearest rank)."""
    if not values:
        raise SystemExit("accuracy: nothing was measured")
    ranked = sorted(values)
    return ranked[max(0, -int(-len(ranked) * percent // 100) - 1)]


def processing(body: bytes) -> float:
    """Return the seconds of the exporter's phase `processing`. Raises `ValueError` for a probe that failed."""
    found = PROCESSING.search(body)
    if b"\nprobe_success 1" not in body or found is None:
        raise ValueError("a probe of the exporter failed")
    return float(found[1])


def recorded(text: bytes) -> dict[int, float]:
    """Return the delays in seconds that the server tells of, by the number of the request."""
    lines = [tuple(map(int, line.split())) for line in text.splitlines()]
    return {number: (written - read) * 1e-9 for number, read, written in lines}


def matched(measured: Mapping[int, float], delays: Mapping[int, float]) -> tuple[float, ...]:
    """Return by how many seconds each measured wait is off. Raises `ValueError` where the server's word is missing."""
    if missing := measured.keys() - delays.keys():
        raise ValueError(f"{len(missing)} requests that the server knows nothing of")
    if wrong := [delays[number] for number in measured if not DELAY[0] <= delays[number] <= DELAY[1]]:
        raise ValueError(f"a delay of {wrong[0]:g} s")
    return tuple(abs(seconds - delays[number]) for number, seconds in measured.items())


def rate_of(load: float, turn: Callable[[int], Taken]) -> int:
    """Return how many probes a second make `load` of a core, found by turns at rates that come nearer and nearer."""
    rate = CALIBRATION
    for _ in range(LOOKS):
        rate = max(1, round(rate * load / turn(rate).load))
    return rate


def wait_figures(rounds: Sequence[Mapping[tuple[str, float], Taken]]) -> list[Figure]:
    """Return the figures of all turns, by variant and load; ratios are within a round."""
    figures = []
    for load in LOADS:
        for name in (PEER, *OURS.values()):
            turns = [one[name, load] for one in rounds]
            title = f"wait error at {load:.0%}, {name}"
            figures.append(Figure(f"{title}, load", statistics.median(turn.load for turn in turns), "ratio"))
            figures.append(Figure(f"{title}, p50", statistics.median(turn.centile(50) for turn in turns), "ms"))
            goal = KERNEL_GOALS[load] if name == OURS["kernel"] else None
            figures.append(Figure(f"{title}, p99", statistics.median(turn.centile(99) for turn in turns), "ms", goal))
        for name in OURS.values():
            missed = statistics.median(one[name, load].missed for one in rounds)
            figures.append(Figure(f"wait error at {load:.0%}, {name}, starts missed", missed, "ratio", MISSED))
            ratio = statistics.median(one[name, load].centile(99) / one[PEER, load].centile(99) for one in rounds)
            figures.append(Figure(f"wait error at {load:.0%}, {name} / {PEER}, p99", ratio, "ratio", 1.0))
    return figures


# -- waits: measuring -----------------------------------------------------------------------------------------------


class Site:
    """The delay server and the exporter, and the turns that are taken at them."""

    def __init__(self, stack: ExitStack, pki: Pki, room: Path) -> None:
        self._ca_file = pki.ca_file
        self._trust = ssl.create_default_context(cafile=str(pki.ca_file))
        program, port = compiled("delay.c", room), free_port()
        self._url = f"https://localhost:{port}"
        others = sorted(os.sched_getaffinity(0) - {PINNED}) or [PINNED]
        os.sched_setaffinity(0, others)  # what drives and what answers share the other cores
        stack.callback(os.sched_setaffinity, 0, {*others, PINNED})
        server = [str(program), str(port), str(pki.right.certificate_file), str(pki.right.key_file)]
        self._started(stack, server, port, room / "delay.log")
        (room / "blackbox.yml").write_text(BLACKBOX.format(ca=pki.ca_file))
        self._port = free_port()
        exporter = ["prometheus-blackbox-exporter", f"--config.file={room / 'blackbox.yml'}", "--log.level=error"]
        pinned = ["taskset", "-c", str(PINNED), *exporter, f"--web.listen-address=127.0.0.1:{self._port}"]
        self._exporter = self._started(stack, pinned, self._port, room / "blackbox.log")

    def _started(self, stack: ExitStack, command: list[str], port: int, log: Path) -> Daemon:
        daemon = Daemon(command, log)
        stack.callback(daemon.stop)
        daemon.until(lambda: accepts(port), "listening")
        return daemon

    def rounds(self) -> list[dict[tuple[str, float], Taken]]:
        """Find the rates, and let everybody take his turns."""
        rates = {load: (rate_of(load, self._blackbox), rate_of(load, partial(self._ours, "loop"))) for load in LOADS}
        return [self._round(rates) for _ in range(ROUNDS)]

    def _round(self, rates: Mapping[float, tuple[int, int]]) -> dict[tuple[str, float], Taken]:
        """Return what each variant came to; `rates` are the exporter's probes a second and ours, by load."""
        taken = {}
        for load, (peer, ours) in rates.items():
            taken[PEER, load] = self._blackbox(peer)
            for timestamps, name in OURS.items():
                taken[name, load] = self._ours(timestamps, ours)
        return taken

    def _ours(self, timestamps: str, rate: int) -> Taken:
        command = [sys.executable, "-m", "benchmarks.waits", f"{self._url}/d50", str(self._ca_file), timestamps]
        pinned = partial(os.sched_setaffinity, 0, [PINNED])
        done = subprocess.run(
            [*command, str(rate), str(WAIT_SECONDS), "stdlib"],
            check=True,
            capture_output=True,
            timeout=60,
            preexec_fn=pinned,
        )
        said = json.loads(done.stdout)
        if said["wrong"]:
            raise SystemExit(f"accuracy: timestamps of the {timestamps} at {rate}/s: {said['wrong'][0]}")
        self._records()
        return Taken(tuple(said["errors"]), said["load"], said["missed"])

    def _blackbox(self, rate: int) -> Taken:
        process = psutil.Process(self._exporter.pid)
        before, began = process.cpu_times(), time.monotonic()
        measured = asyncio.run(_offered(self._port, f"{self._url}/d50", rate))
        after, ended = process.cpu_times(), time.monotonic()
        try:
            errors = matched(measured, self._records())
        except ValueError as exc:
            raise SystemExit(f"accuracy: {PEER} at {rate}/s: {exc}") from None
        return Taken(errors, (after.user + after.system - before.user - before.system) / (ended - began))

    def _records(self) -> dict[int, float]:
        with urllib.request.urlopen(f"{self._url}/records", timeout=10, context=self._trust) as answer:
            return recorded(answer.read())


def compiled(source: str, room: Path) -> Path:
    """Return a program in C from beside this file, made for this machine."""
    program = room / source.removesuffix(".c")
    command = ["cc", "-O2", "-Wall", "-Werror", "-o", str(program), str(Path(__file__).with_name(source))]
    subprocess.run([*command, "-lssl", "-lcrypto"], check=True, timeout=60)
    return program


async def _offered(port: int, url: str, rate: int) -> dict[int, float]:
    """Ask the exporter for `rate` probes a second, evenly spread; return what each measured, by its number."""
    loop = asyncio.get_running_loop()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    measured: dict[int, float] = {}

    async def one(number: int) -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        query = urllib.parse.urlencode({"module": "https", "target": f"{url}?n={number}"})
        writer.write(asking(f"/probe?{query}"))
        measured[number] = processing(await body_of(reader))
        idle.append((reader, writer))

    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * WAIT_SECONDS)):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            group.create_task(one(number))
    for _, writer in idle:
        writer.close()
    return measured


# -- starts ---------------------------------------------------------------------------------------------------------


def _assignments(count: int) -> Iterator[Assignment]:
    nowhere: MappingProxyType[str, str] = MappingProxyType({})
    for number in range(count):
        target = Target(f"bench-{number}", Environment.EXCHANGE_SERVER, endpoints=nowhere)
        yield Assignment("imap4", target, Depth.REACH, interval=INTERVAL, timeout=INTERVAL)


class _Unwatched:
    """Nobody is told; a crash ends the bench by what it leaves out."""

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """A slot went by, which shows in the starts a second."""

    def crashed(self, assignment: Assignment) -> None:
        """The attempt raised."""
        raise SystemExit("accuracy: an attempt crashed")


@dataclass(frozen=True, slots=True)
class Started:
    """One round of starts: lateness in seconds, p50 and p99, ours and that of the program in C; our load of a core."""

    ours: tuple[float, float]
    floor: tuple[float, float]
    load: float
    count: int


def start_figures(rounds: Sequence[Started]) -> list[Figure]:
    """Return medians of the rounds. Only ours has a goal; the program in C says what the machine allows."""

    def middle(read: Callable[[Started], float]) -> float:
        return statistics.median(read(one) for one in rounds)

    return [
        Figure("starts a second", middle(lambda one: one.count) / SECONDS, "1/s"),
        Figure("load of a core", middle(lambda one: one.load), "ratio"),
        Figure("start lateness, p50", 1000 * middle(lambda one: one.ours[0]), "ms"),
        Figure("start lateness, p99", 1000 * middle(lambda one: one.ours[1]), "ms", 2.0),
        Figure("start lateness in C, p50", 1000 * middle(lambda one: one.floor[0]), "ms"),
        Figure("start lateness in C, p99", 1000 * middle(lambda one: one.floor[1]), "ms"),
    ]


def _starts(program: Path) -> list[Started]:
    """Have both take their turns, on the one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [PINNED])
    try:
        return [_round_of_starts(program) for _ in range(ROUNDS)]
    finally:
        os.sched_setaffinity(0, before)


def _round_of_starts(program: Path) -> Started:
    command = [str(program), str(ASSIGNMENTS / INTERVAL), str(SECONDS), str(WORK)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    late, load = asyncio.run(_lateness())
    return Started((centile(late, 50), centile(late, 99)), (said["p50"], said["p99"]), load, len(late))


async def _lateness() -> tuple[list[float], float]:
    """Return by how many seconds each start was late, and the load of a core."""
    late: list[float] = []

    async def work(assignment: Assignment, intended: float) -> None:
        late.append(time.monotonic() - intended)
        until = time.thread_time() + WORK
        while time.thread_time() < until:
            pass

    plan = Plan(_assignments(ASSIGNMENTS), now=time.monotonic(), epoch=time.time())
    running = asyncio.create_task(Runner(plan, work, _Unwatched()).run())
    settle_memory()
    before = time.process_time()
    await asyncio.sleep(SECONDS)
    load = (time.process_time() - before) / SECONDS
    running.cancel()
    await asyncio.wait([running])
    return late, load


def _drift() -> float:
    """Return by how many seconds the deadline of the last period is not where the first one puts it."""
    plan = Plan(_assignments(1), now=0.0, epoch=0.0)
    first = plan.next_deadline
    assert first is not None
    for period in range(PERIODS):
        due = plan.take(first + period * INTERVAL + LATE)
        assert due is not None
        assert due.start
    last = plan.next_deadline
    assert last is not None
    return abs(last - (first + PERIODS * INTERVAL))


if __name__ == "__main__":
    main()
