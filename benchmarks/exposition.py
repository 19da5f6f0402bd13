"""What a scrape costs, and how long it keeps the loop from the probes; and what a finished attempt costs.

A whole prober with a thousand assignments, each of which has succeeded and failed once, so that every series is there.
Its own web server is scraped by another process as Prometheus would, packed; meanwhile the loop is watched turn by
turn. Rendering takes turns with `generate_latest` of prometheus-client, which is given a registry of its own types
with the same series and values; both answers are compared to the byte.
"""

import asyncio
import json
import logging
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.figures import Figure, show
from benchmarks.fleet import first_round, outcome, service_of, settings_of
from prober.app import Service, settle_memory
from prober.faults.taxonomy import NO_ANSWER
from prober.model import Assignment, Outcome
from prober.observe.exposition import OPENMETRICS, TEXT, Format, slices
from prober.observe.status import StatusBoard
from prober.observe.web import application
from prober.serving.guard import Guard
from prober.serving.server import WebServer

ROUNDS = 5
ASSIGNMENTS, MANY = 1_000, 10_000
STALL, STEP, RATIO = 10.0, 2.0, 0.20
IDLE = 1.0
"""Seconds for which the loop is watched without a scrape: what it shows then is the machine's."""
SCRAPER = """
import http.client, json, sys, zlib
peer = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=120)
accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
peer.request("GET", "/metrics", headers={"Accept": accept, "Accept-Encoding": "gzip"})
text = zlib.decompress(peer.getresponse().read(), 31)
print(json.dumps([text.endswith(b"# EOF\\n"), sum(not line.startswith(b"#") for line in text.splitlines())]))
"""


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    logging.getLogger("prober").setLevel(logging.CRITICAL)  # it would page for what fails here
    return show("exposition", [*asyncio.run(_measured(ASSIGNMENTS, ROUNDS)), *asyncio.run(_reported(MANY, ROUNDS))])


async def _measured(count: int, rounds: int) -> list[Figure]:
    """Return what has goals, and what an attempt costs."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), count)
        service = service_of(settings)
        _tell(service, first_round(settings))
        good = [(one, outcome(one)) for one in settings.assignments]
        bad = [(one, outcome(one, NO_ANSWER)) for one in settings.assignments]
        twin = twin_of(service.metrics.registry)
        series = _compared(service.metrics.registry, twin)
        settle_memory()
        found = [
            _rendered(service)
            | {f"generate_latest, {name}": _cpu(encode, twin) for name, encode in ENCODERS}
            | await _stalls(service)
            | {
                "attempt that succeeds": 1000 * _cpu(_tell, service, good) / len(good),
                "attempt that fails": 1000 * _cpu(_tell, service, bad) / len(bad),
                "attempt that succeeds, its verdict alone": 1000 * _cpu(_judge, service, good) / len(good),
                BLAMED: _longest_step(service),
            }
            for _ in range(rounds)
        ]
    figures = [Figure(f"series of {count:,} assignments", series, "")]
    figures += [Figure(name, _median(one[name] for one in found), _unit(name), GOALS.get(name)) for name in found[0]]
    for name, _ in ENCODERS:
        ratio = _median(one[f"render, {name}"] / one[f"generate_latest, {name}"] for one in found)
        figures.append(Figure(f"render / generate_latest, {name}", ratio, "ratio", RATIO))
    return figures


async def _reported(count: int, rounds: int) -> list[Figure]:
    """Return the same for more assignments, without the library, which would need gigabytes."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), count)
        service = service_of(settings)
        _tell(service, first_round(settings))
        settle_memory()
        series = _lines(_written(service, Format(TEXT, compressed=False)))
        found = [_rendered(service) | await _stalls(service) for _ in range(rounds)]
    few = [Figure(f"series of {count:,} assignments", series, "")]
    return few + [Figure(f"{name}, {count:,}", _median(one[name] for one in found), _unit(name)) for name in found[0]]


SCRAPED = "longest stall of the loop while scraped"
BLAMED = "longest step of a look for whom to blame"
GOALS = {SCRAPED: STALL, BLAMED: STEP}
FORMATS = (
    ("text", Format(TEXT, compressed=False)),
    ("OpenMetrics", Format(OPENMETRICS, compressed=False)),
    ("OpenMetrics packed", Format(OPENMETRICS, compressed=True)),
)


ENCODERS: tuple[tuple[str, Callable[[CollectorRegistry], object]], ...] = (
    ("text", generate_latest),
    ("OpenMetrics", generate_openmetrics),
)


def _unit(name: str) -> str:
    return "us CPU" if name.startswith("attempt") else "ms" if name.startswith("longest stall") else "ms CPU"


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _cpu(work: Callable[..., object], *arguments: object) -> float:
    """Return milliseconds of CPU."""
    before = time.process_time()
    work(*arguments)
    return 1000 * (time.process_time() - before)


def _tell(service: Service, attempts: Iterable[tuple[Assignment, Outcome]]) -> None:
    """Judge attempts, and tell every sink of the prober."""
    for assignment, made in attempts:
        service.tell(assignment, made, service.assembly.judging.judge(assignment, made))


def _judge(service: Service, attempts: Iterable[tuple[Assignment, Outcome]]) -> None:
    for assignment, made in attempts:
        service.assembly.judging.judge(assignment, made)


def _longest_step(service: Service) -> float:
    """Return milliseconds of CPU of the longest step of one look, half of what is known being failures."""
    began = time.thread_time()
    return _longest([began, *(time.thread_time() for _ in service.blame.look()), time.thread_time()])


def _rendered(service: Service) -> dict[str, float]:
    return {f"render, {name}": _cpu(_written, service, chosen) for name, chosen in FORMATS}


def _written(service: Service, chosen: Format) -> bytes:
    return b"".join(slices(service.metrics.registry, chosen))


def _lines(text: bytes) -> int:
    return sum(not line.startswith(b"#") for line in text.splitlines())


# -- the loop while it is scraped ------------------------------------------------------------------------------------


async def _stalls(service: Service) -> dict[str, float]:
    """Return the longest turn of the loop, in milliseconds, while the prober's server is scraped, and while not."""
    series = _lines(_written(service, Format(TEXT, compressed=False)))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = WebServer(Guard(application(service.metrics, StatusBoard([], {}), bool), lambda: None))
        serving = asyncio.create_task(server.serve([listening]))
        idle, _ = await _watched(asyncio.sleep(IDLE))
        command = [sys.executable, "-I", "-c", SCRAPER, str(listening.getsockname()[1])]
        scraper = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        busy, (answer, _) = await _watched(scraper.communicate())
        server.should_exit = True
        await serving
    whole, lines = json.loads(answer)
    if not whole or lines != series:
        raise SystemExit(f"exposition: {lines} of {series} series were read")
    return {
        "longest stall of the loop otherwise": _longest(wall for wall, _ in idle),
        SCRAPED: _longest(wall for wall, _ in busy),
        "longest of these by CPU": _longest(cpu for _, cpu in busy),
    }


async def _watched(work: Any) -> tuple[list[tuple[float, float]], Any]:
    """Return when the loop turned while `work` was done, by the clock and by this thread's CPU, and its result."""
    turns = [(time.perf_counter(), time.thread_time())]
    doing = asyncio.ensure_future(work)
    while not doing.done():
        await asyncio.sleep(0)
        turns.append((time.perf_counter(), time.thread_time()))
    return turns, doing.result()


def _longest(turns: Iterable[float]) -> float:
    return 1000 * max(after - before for before, after in pairwise(turns))


# -- the library's own -----------------------------------------------------------------------------------------------

LIBRARY: dict[str, Any] = {
    "counter": prometheus_client.Counter,
    "gauge": prometheus_client.Gauge,
    "summary": prometheus_client.Summary,
}


def twin_of(registry: CollectorRegistry) -> CollectorRegistry:
    """Return the same series with the same values as prometheus-client's own types, but for those of the process.

    A histogram's observations must be alike and few, or its sum will not be.
    """
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated there
    twin = CollectorRegistry()
    for family in registry.collect():
        if not family.name.startswith("process_"):
            _copied(family, twin)
    return twin


def _copied(family: Any, twin: CollectorRegistry) -> None:
    samples = [(sample.name.removeprefix(family.name), dict(sample.labels), sample.value) for sample in family.samples]
    bounds = sorted({float(labels.pop("le")) for _, labels, _ in samples if "le" in labels})
    names = list(samples[0][1]) if samples else ["none"]
    kind: Any = prometheus_client.Histogram if family.type == "histogram" else LIBRARY[family.type]
    more = {"buckets": bounds} if bounds else {}
    made = kind(family.name, family.documentation, names, registry=twin, **more)
    series: dict[tuple[str, ...], dict[str, float]] = {}
    for suffix, labels, value in samples:
        series.setdefault(tuple(labels.values()), {})[suffix] = value
    for key, values in series.items():
        _filled(made.labels(*key) if names else made, values)


def _filled(child: Any, values: dict[str, float]) -> None:
    count = int(values.get("_count", 0.0))
    if "_bucket" in values:
        for _ in range(count):
            child.observe(values["_sum"] / count)
    elif "_count" in values:
        for place in range(count):
            child.observe(0.0 if place else values["_sum"])
    elif "_total" in values:
        child.inc(values["_total"])
    else:
        child.set(values[""])


def _compared(registry: CollectorRegistry, twin: CollectorRegistry) -> int:
    """Return how many series both registries have. Raises `SystemExit` where what is written differs."""
    ours, theirs = (
        [line for line in text.splitlines() if b"process_" not in line]
        for text in (b"".join(slices(registry, Format(TEXT, compressed=False))), generate_latest(twin))
    )
    if ours != theirs:
        wrong = next(pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1])
        raise SystemExit(f"exposition: we write {wrong[0]!r}, the library {wrong[1]!r}")
    return _lines(b"".join(slices(registry, Format(TEXT, compressed=False))))
