"""`/probe`: one attempt of a configured client at a configured target, while somebody waits, as with blackbox_exporter.

Rule of this file: what is asked for is looked up, never taken over: no host, no address, no credential comes from here.
"""

import asyncio
import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from prober.model import Assignment, Outcome
from prober.observe import exposition, report
from prober.observe.transcript import Transcript, private
from prober.schedule.attempts import NotStarted, Watching
from prober.timeline import Clock
from prober.verdict import Judgement
from prober.vocabulary import Phase, Verdict

HEADER = "x-prometheus-scrape-timeout-seconds"
OFFSET = 0.5
"""Seconds before the scraper gives up at which the answer should be on its way, as blackbox_exporter has it."""
SHARE = 0.5
"""Of a time-out so short that half a second is most of it, this much is used."""
ASKED = frozenset({"target", "module", "debug"})
LONGEST = 3600.0
EVIDENCE = "api/v1/failures"
"""Where evidence is, seen from this page."""
Find = Callable[[str, str], Assignment | None]
Finished = tuple[Outcome, Judgement]
Keep = Callable[[Assignment, Outcome, Judgement], str | None]
"""Keeps the evidence of an attempt that failed, and returns under which id; `None` where nothing is kept."""


class OnDemand(Protocol):
    """Whoever makes attempts that somebody waits for."""

    async def on_demand(
        self, assignment: Assignment, seconds: float, watching: Watching = ...
    ) -> Finished | NotStarted:
        """Run one attempt within so many seconds, and let `watching` see what passes."""


class BadRequestError(Exception):
    """What was asked for makes no sense; the text is one line."""


class Probes:
    """Answers `/probe`. `find` returns the assignment of a target's and a client's name, `None` where there is none."""

    def __init__(
        self,
        find: Find,
        attempts: OnDemand,
        ready: Callable[[], bool],
        keep: Keep = lambda *_: None,
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        self._find = find
        self._attempts = attempts
        self._ready = ready
        self._keep = keep
        self._clock = clock
        self._running: dict[asyncio.Task[Finished | NotStarted], str] = {}

    @property
    def route(self) -> Route:
        """The page."""
        return Route("/probe", self.answer)

    async def answer(self, request: Request) -> Response:
        """Answer one request: 400 for what makes no sense, 503 while the prober is not ready, else 200."""
        try:
            assignment, debug = self._asked_for(request)
            limit = seconds(request.headers.getlist(HEADER), assignment.timeout)
        except BadRequestError as exc:
            return PlainTextResponse(f"{exc}\n", status_code=400)
        if not self._ready():
            return PlainTextResponse("not ready\n", status_code=503)
        began = self._clock()
        transcript = Transcript(self._clock, private(assignment))
        running = asyncio.create_task(self._run(assignment, limit, transcript if debug else None))
        self._running[running] = assignment.key
        running.add_done_callback(self._running.pop)
        await asyncio.wait([running])
        if running.cancelled():
            return PlainTextResponse("the prober is ending, or has another configuration now\n", status_code=503)
        finished = running.result()
        kept = None if isinstance(finished, NotStarted) else self._keep(assignment, *finished)
        probed = Probed(assignment, finished, self._clock() - began)
        answer = _debugged(probed, transcript, kept) if debug else _measured(probed, request)
        if kept is not None:
            answer.headers["Link"] = f'<{EVIDENCE}/{kept}>; rel="describedby"'
        return answer

    def drop(self, keys: Collection[str]) -> None:
        """End what is under way of these assignments: they are gone, or not what they were."""
        for task, key in self._running.items():
            if key in keys:
                task.cancel()

    async def drain(self) -> None:
        """End what is under way: the prober is ending."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _run(self, assignment: Assignment, limit: float, transcript: Transcript | None) -> Finished | NotStarted:
        if transcript is None:
            return await self._attempts.on_demand(assignment, limit)
        return await self._attempts.on_demand(assignment, limit, transcript)

    def _asked_for(self, request: Request) -> tuple[Assignment, bool]:
        """Return what is asked for. Raises `BadRequestError`, whose text repeats nothing of the request."""
        given = request.query_params.multi_items()
        if any(name not in ASKED for name, _ in given):
            raise BadRequestError("only target, module and debug can be asked by")
        if len({name for name, _ in given}) < len(given):
            raise BadRequestError("each of target, module and debug can be given once")
        for name in ("target", "module"):
            if not request.query_params.get(name):
                raise BadRequestError(f"{name} is missing: /probe?target=T&module=C, names from the configuration")
        debug = request.query_params.get("debug", "false").lower()
        if debug not in ("true", "false"):
            raise BadRequestError("debug is true or false")
        assignment = self._find(request.query_params["target"], request.query_params["module"])
        if assignment is None:
            raise BadRequestError("the configuration has no such client on such a target")
        return assignment, debug == "true"


def seconds(given: Sequence[str], longest: float) -> float:
    """Return how long a probe may take, from the time-out of the scraper. Raises `BadRequestError`."""
    if not given or given == ["0"]:
        return longest
    try:
        timeout = float(given[0])
    except ValueError:
        timeout = math.nan
    if len(given) > 1 or not 0 < timeout <= LONGEST:
        raise BadRequestError(f"X-Prometheus-Scrape-Timeout-Seconds is a number of seconds up to {LONGEST:g}")
    return min(longest, max(timeout - OFFSET, timeout * SHARE))


class Probed(Collector):
    """What a probe came to, as metrics of that one run. `elapsed`: seconds in all, waiting included."""

    def __init__(self, assignment: Assignment, finished: Finished | NotStarted, elapsed: float) -> None:
        self.assignment = assignment
        self.finished = finished
        self._elapsed = elapsed

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the families."""
        if isinstance(self.finished, NotStarted):
            yield _one("probe_success", "Whether the client got what it wanted.", 0)
            yield _one("probe_duration_seconds", "How long the probe took in all.", self._elapsed)
            yield _one("probe_counted", "Whether it says something of the service.", 0)
            yield self._verdict("", self.finished.code, self.finished.code, "prober", "")
            return
        outcome, judgement = self.finished
        yield _one(
            "probe_success", "Whether the client got what it wanted.", judgement.verdict in (Verdict.OK, Verdict.SLOW)
        )
        yield _one("probe_duration_seconds", "How long the probe took in all.", self._elapsed)
        yield _one("probe_counted", "Whether it says something of the service.", judgement.counted)
        step = outcome.failure.step if outcome.failure else ""
        yield self._verdict(judgement.verdict, judgement.reason or "", judgement.code, judgement.domain or "", step)
        yield from _steps(outcome)
        yield from _phases(outcome)
        yield from _certificate(outcome)

    def _verdict(self, verdict: str, reason: str, code: str, blame: str, step: str) -> GaugeMetricFamily:
        labels = ("verdict", "reason", "code", "blame", "step")
        family = GaugeMetricFamily("probe_verdict_info", "What the attempt means, and where it broke.", labels=labels)
        family.add_metric([verdict, reason, code, blame, step], 1)
        return family


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=float(value))


def _steps(outcome: Outcome) -> Iterator[GaugeMetricFamily]:
    took = GaugeMetricFamily("probe_step_duration_seconds", "How long each step took.", labels=["step"])
    well = GaugeMetricFamily("probe_step_success", "Whether each step that was reached went well.", labels=["step"])
    for result in outcome.results:
        well.add_metric([result.step], float(result.fault is None))
        if result.elapsed is not None:
            took.add_metric([result.step], result.elapsed)
    yield took
    yield well


def _phases(outcome: Outcome) -> Iterator[GaugeMetricFamily]:
    spent: dict[Phase, float] = {}
    for result in outcome.results:
        for phase, duration in result.phases.items():
            spent[phase] = spent.get(phase, 0.0) + duration
    phases = GaugeMetricFamily("probe_phase_duration_seconds", "Time in each network phase.", labels=["phase"])
    for phase, duration in spent.items():
        phases.add_metric([phase.value], duration)
    yield phases
    yield _one("probe_dns_lookup_time_seconds", "Time in name resolution.", spent.get(Phase.DNS, 0.0))


def _certificate(outcome: Outcome) -> Iterator[GaugeMetricFamily]:
    ends = [result.certificate.not_after for result in outcome.results if result.certificate is not None]
    if ends:
        yield _one("probe_ssl_earliest_cert_expiry", "Earliest end of a certificate that was shown.", min(ends))


def _rendered(probed: Probed, accept: str = "", accept_encoding: str = "") -> tuple[bytes, dict[str, str]]:
    registry = CollectorRegistry()
    registry.register(probed)
    return exposition.render(registry, accept, accept_encoding)


def _measured(probed: Probed, request: Request) -> Response:
    accept, encoding = (",".join(request.headers.getlist(name)) for name in ("accept", "accept-encoding"))
    body, fields = _rendered(probed, accept, encoding)
    return Response(body, headers=fields)


def _debugged(probed: Probed, transcript: Transcript, kept: str | None) -> Response:
    """Show the run itself: the waterfall, what passed, what would have been measured, and where evidence is `kept`."""
    finished = probed.finished
    if isinstance(finished, NotStarted):
        waterfall = f"{probed.assignment.client} on {probed.assignment.target.name}: not started, {finished.because}"
    else:
        waterfall = report.text(probed.assignment, *finished)
    metrics = _rendered(probed)[0].decode()
    evidence = f"\n\nEvidence for a support case: /{EVIDENCE}/{kept}?format=text" if kept is not None else ""
    return PlainTextResponse(
        f"{waterfall}{evidence}\n\n"
        f"Transcript (milliseconds, > said, < heard; secrets, names and contents are starred):\n\n"
        f"{transcript.text()}\n\nMetrics that would have been returned:\n\n{metrics}"
    )
