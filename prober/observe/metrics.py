"""Every metric, in one table and one registry; children are bound once per assignment, when the prober starts.

Identities that always hold: attempts = counted + sum of excluded; counted = ok + slow + failed.
"""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry

from prober import __version__
from prober.faults.retirements import RETIREMENTS
from prober.faults.taxonomy import Counting, Reason
from prober.model import Assignment, Outcome
from prober.observe.series import (
    Child,
    Counter,
    Counters,
    Family,
    Gauges,
    Histogram,
    Histograms,
    Kind,
    Summaries,
    Summed,
    Tally,
)
from prober.transaction import Client
from prober.verdict import Judgement
from prober.vocabulary import COUNTED, Phase, Verdict

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
LAG_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
SESSION_BUCKETS = (1.0, 10.0, 60.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0)
AMBIGUOUS = tuple(reason for reason in Reason if reason.counting is Counting.AMBIGUOUS)
EXCLUSIONS: tuple[tuple[Verdict, Reason], ...] = (
    (Verdict.THROTTLED, Reason.THROTTLED),
    (Verdict.RETIRED, Reason.CLIENT_MISCONFIG),
    (Verdict.EXCLUDED, Reason.AUTH_REJECTED),
    (Verdict.EXCLUDED, Reason.ACCESS_POLICY),
    (Verdict.EXCLUDED, Reason.CLIENT_MISCONFIG),
    (Verdict.EXCLUDED, Reason.MAILBOX_UNAVAILABLE),
    (Verdict.EXCLUDED, Reason.PROBE_INTERNAL),
    (Verdict.INCONCLUSIVE, Reason.PROBE_INTERNAL),
    *((Verdict.INCONCLUSIVE, reason) for reason in AMBIGUOUS),
)
TOKEN_REASONS = (
    *(reason for reason in AMBIGUOUS if reason is not Reason.UNEXPECTED_CHALLENGE),
    Reason.CONNECTION_RESET,
    Reason.READ_TIMEOUT,
    Reason.TOKEN_SERVICE_ERROR,
    Reason.AUTH_REJECTED,
    Reason.ACCESS_POLICY,
    Reason.CLIENT_MISCONFIG,
    Reason.THROTTLED,
    Reason.PROBE_INTERNAL,
)
PUSH_REASONS = (Reason.PUSH_CHANNEL_LOST, Reason.CONNECTION_RESET, Reason.READ_TIMEOUT)

NOTES = ("used", "missing", "ignored")
"""What becomes of the kernel's note of when bytes came."""

PAIR = ("client", "target")
GROUP = ("group_kind", "group")
INFO = "clientaccess_probe_info"
CERTIFICATE = "clientaccess_tls_certificate_not_after_timestamp_seconds"
SWEPT = 64
"""How many series are dropped in one go."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric. `labels` without those that the configuration adds to series of a client and target."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = BUCKETS


METRICS: tuple[Spec, ...] = (
    Spec("clientaccess_attempts_total", "counter", PAIR, "Finished scheduled transactions, whatever the verdict."),
    Spec("clientaccess_counted_total", "counter", PAIR, "Attempts with verdict ok, slow or failed."),
    Spec("clientaccess_failures_total", "counter", (*PAIR, "reason"), "Attempts with verdict failed."),
    Spec(
        "clientaccess_excluded_total",
        "counter",
        (*PAIR, "verdict", "reason"),
        "Attempts with verdict throttled, excluded, inconclusive or retired.",
    ),
    Spec("clientaccess_confirm_attempts_total", "counter", PAIR, "Confirm probes, which are never among the attempts."),
    Spec(
        "clientaccess_held_back_total", "counter", PAIR, "Starts that the governor or a maintenance window held back."
    ),
    Spec(
        "clientaccess_governor_wait_until_timestamp_seconds",
        "gauge",
        PAIR,
        "When this client may start again that servers, a rejected password or a wipe hold back: 0 when it may, +Inf "
        "when somebody has to change something first.",
    ),
    Spec(
        "clientaccess_governor_quiet_scopes",
        "gauge",
        ("scope",),
        "How many tenants, apps, mailboxes, protocols, devices and credentials servers want quiet from at this moment.",
    ),
    Spec(
        "clientaccess_governor_used_ratio",
        "gauge",
        ("scope", "budget"),
        "What is used of each budget by whoever uses most of it; above 1 the configuration goes beyond it.",
    ),
    Spec("clientaccess_slow_total", "counter", PAIR, "Attempts that succeeded beyond the latency objective."),
    Spec("clientaccess_up", "gauge", PAIR, "Whether the last attempt that counted succeeded."),
    Spec("clientaccess_duration_seconds", "histogram", PAIR, "Duration of whole transactions that counted."),
    Spec("clientaccess_step_duration_seconds", "histogram", (*PAIR, "step"), "Duration of steps of such transactions."),
    Spec("clientaccess_step_failures_total", "counter", (*PAIR, "step", "reason"), "Where counted failures broke."),
    Spec("clientaccess_phase_duration_seconds", "summary", (*PAIR, "phase"), "Time per network phase."),
    Spec("clientaccess_last_attempt_timestamp_seconds", "gauge", PAIR, "When the last attempt finished."),
    Spec("clientaccess_last_counted_timestamp_seconds", "gauge", PAIR, "When the last attempt that counted finished."),
    Spec("clientaccess_last_success_timestamp_seconds", "gauge", PAIR, "When the last successful attempt finished."),
    Spec(
        "clientaccess_push_session_duration_seconds",
        "histogram",
        PAIR,
        "Life of held push sessions.",
        SESSION_BUCKETS,
    ),
    Spec("clientaccess_push_disconnects_total", "counter", (*PAIR, "reason"), "Held push sessions that were lost."),
    Spec(
        "clientaccess_notification_latency_seconds",
        "histogram",
        PAIR,
        "From a delivery to the push that told of it, where measured.",
    ),
    Spec(
        "clientaccess_push_marker_failures_total",
        "counter",
        PAIR,
        "Marker messages that were not left or did not arrive: they say nothing of the channel.",
    ),
    Spec(
        CERTIFICATE,
        "gauge",
        ("target", "client"),
        "End of the server certificate's validity, exported also when verification fails.",
    ),
    Spec("clientaccess_token_requests_total", "counter", ("credential",), "Requests to the token service."),
    Spec("clientaccess_token_failures_total", "counter", ("credential", "reason"), "Those that yielded no token."),
    Spec("clientaccess_token_expiry_timestamp_seconds", "gauge", ("credential",), "When the token in hand expires."),
    Spec("clientaccess_credential_expiry_timestamp_seconds", "gauge", ("credential",), "When the credential expires."),
    Spec(
        "clientaccess_probe_info",
        "gauge",
        (*PAIR, "depth", "fidelity", "environment", "region", "vantage"),
        "What is probed, how deep and how faithfully; always 1.",
    ),
    Spec(
        "clientaccess_retired_path_open",
        "gauge",
        (*PAIR, "retirement"),
        "Whether the last attempt found something open that the service has withdrawn; appears when it first does.",
    ),
    Spec(
        "clientaccess_advisory_active",
        "gauge",
        ("service", "client"),
        "Whether a notice of Microsoft's about a service is open; with a client, one that names it. Absent before the "
        "first reading.",
    ),
    Spec(
        "clientaccess_advisory_lead_seconds",
        "gauge",
        ("service", "client"),
        "From our onset to the publication of the notice that may be about it: positive when we were ahead. Absent "
        "without a possible match.",
    ),
    Spec("clientaccess_advisory_reads_total", "counter", ("result",), "Readings of Microsoft's notices."),
    Spec(
        "clientaccess_advisory_last_read_timestamp_seconds",
        "gauge",
        (),
        "When they were last read whole; 0 before the first time, and where they are not read at all.",
    ),
    Spec(
        "clientaccess_detector_evidence_days",
        "gauge",
        GROUP,
        "How many days a healthy fleet would need to produce this much evidence of trouble.",
    ),
    Spec("clientaccess_detector_threshold_days", "gauge", GROUP, "The evidence at which a group pages."),
    Spec("clientaccess_detector_evidence_ratio", "gauge", GROUP, "Evidence divided by threshold: page at 1."),
    Spec(
        "clientaccess_detector_state",
        "gauge",
        GROUP,
        "0 healthy, 1 suspect, 2 failing, 3 recovering, 4 learning, 5 no data.",
    ),
    Spec("clientaccess_detector_change_timestamp_seconds", "gauge", GROUP, "Estimated start of trouble; 0 if healthy."),
    Spec("clientaccess_detector_baseline_ratio", "gauge", GROUP, "Healthy failure rate in use."),
    Spec(
        "clientaccess_detector_failure_ratio",
        "gauge",
        (*GROUP, "bound"),
        "Failure rate since the change, with its exact limits of 95 %; absent while there is none.",
    ),
    Spec("clientaccess_detector_last_update_timestamp_seconds", "gauge", (), "When the detector last did anything."),
    Spec(
        "clientaccess_attribution_probability",
        "gauge",
        ("clients", "vantages", "step"),
        "Probability of the best explanation of what fails; only while something fires.",
    ),
    Spec(
        "clientaccess_blame",
        "gauge",
        ("environment", "domain"),
        "Whether a domain is one of the narrowest that explain what is red in an environment.",
    ),
    Spec("clientaccess_scheduler_lag_seconds", "histogram", (), "From intended start to actual start.", LAG_BUCKETS),
    Spec("clientaccess_scheduler_missed_total", "counter", PAIR, "Slots skipped because the last run was still going."),
    Spec("clientaccess_scheduler_crashes_total", "counter", PAIR, "Attempts that a bug around them cost."),
    Spec("clientaccess_loop_lag_seconds", "histogram", (), "Event loop delay, sampled.", LAG_BUCKETS),
    Spec(
        "clientaccess_receive_timestamps_in_force",
        "gauge",
        (),
        "Whether the kernel says when bytes came: 1 where some way out asks for it and the system offers it.",
    ),
    Spec(
        "clientaccess_receive_timestamps_total",
        "counter",
        ("result",),
        "Readings of connections that ask for the kernel's moment: it was used, missing, or ignored because it could "
        "not be true. Without one, the moment is the event loop's.",
    ),
    Spec("clientaccess_inflight", "gauge", (), "Transactions running."),
    Spec("clientaccess_config_last_reload_successful", "gauge", (), "Whether the last reading of the file succeeded."),
    Spec("clientaccess_config_last_reload_success_timestamp_seconds", "gauge", (), "When it last succeeded."),
    Spec(
        "clientaccess_discovery_last_refresh_successful",
        "gauge",
        ("source",),
        "Whether a list of targets is gone by as it was last read or fetched: `files[0]` is the first pattern of "
        "`discovery.files`, `http[0]` the first list of `discovery.http`. At 0 it counts as it last was good.",
    ),
    Spec(
        "clientaccess_discovery_last_refresh_timestamp_seconds",
        "gauge",
        ("source",),
        "When it was last read or fetched and good; files are read when one changes.",
    ),
    Spec("clientaccess_discovery_targets", "gauge", ("source",), "Targets of the list that are in force."),
    Spec("clientaccess_state_lost", "gauge", (), "Whether state was lost or cannot be kept."),
    Spec(
        "clientaccess_history_dropped_total",
        "counter",
        (),
        "Failures whose evidence is not in the history: there were too many at once, or it could not be written.",
    ),
    Spec("clientaccess_sink_errors_total", "counter", ("sink",), "Outcomes that an observer failed to take in."),
    Spec(
        "clientaccess_worker_up",
        "gauge",
        ("worker",),
        "Whether a process that probes a share of the configuration does so; only with `workers`.",
    ),
    Spec(
        "clientaccess_worker_restarts_total",
        "counter",
        ("worker",),
        "How often one was begun anew, because it died, hung or could not be started.",
    ),
    Spec(
        "clientaccess_worker_dropped_total",
        "counter",
        ("worker",),
        "Outcomes and log lines that found no room on their way from it.",
    ),
    Spec("clientaccess_worker_cpu_seconds_total", "counter", ("worker",), "Processor time of it and its predecessors."),
    Spec("clientaccess_worker_resident_memory_bytes", "gauge", ("worker",), "Memory that it holds."),
    Spec("clientaccess_build_info", "gauge", ("version", "revision", "python"), "What is running; always 1."),
)
TYPES: Mapping[str, type[Counters | Gauges | Summaries]] = MappingProxyType(
    {"counter": Counters, "gauge": Gauges, "summary": Summaries}
)


COUNTS: Mapping[Verdict, tuple[str, ...]] = MappingProxyType(
    {
        Verdict.OK: ("attempts_total", "counted_total"),
        Verdict.SLOW: ("attempts_total", "counted_total", "slow_total"),
        Verdict.FAILED: ("attempts_total", "counted_total"),
    }
)
"""What counts an attempt by its verdict; one that does not count is an attempt, too."""
STAMPS: Mapping[Verdict, tuple[str, ...]] = MappingProxyType(
    {
        Verdict.OK: ("last_attempt", "last_counted", "last_success"),
        Verdict.SLOW: ("last_attempt", "last_counted", "last_success"),
        Verdict.FAILED: ("last_attempt", "last_counted"),
    }
)
"""What is then said to be the last one; like `up`, it appears with the first attempt that it speaks of."""


NO_TALLY = Tally((), ())


@dataclass(slots=True)
class _Bound:
    """The children of one assignment. `verdict` is the last one, `tally` what takes attempts of that one."""

    confirms: Counter
    held_back: Counter
    missed: Counter
    crashes: Counter
    duration: Histogram
    steps: Mapping[str, Histogram]
    phases: Summed[Phase]
    failures: Mapping[Reason, Counter]
    excluded: Mapping[tuple[Verdict, Reason], Counter]
    info: tuple[str, ...]
    extra: tuple[str, ...]
    verdict: Verdict | None = None
    tally: Tally = NO_TALLY
    tallies: dict[Verdict, Tally] = field(default_factory=dict)
    certificate_ends: float = inf
    broken: dict[tuple[str, Reason], Counter] = field(default_factory=dict)
    open_paths: set[str] = field(default_factory=set)


class Metrics:
    """All metrics of one prober. It is a sink, a token observer, and the watch of schedule and push channels."""

    def __init__(
        self,
        assignments: Iterable[Assignment],
        catalogue: Mapping[str, Client[Any]],
        *,
        vantage: str,
        label_names: tuple[str, ...] = (),
        credentials: Iterable[str] = (),
    ) -> None:
        self.registry = CollectorRegistry()
        self._extra = label_names
        self._metrics = {spec.name: self._make(spec) for spec in METRICS}
        self._lag: Histogram = self.family("clientaccess_scheduler_lag_seconds")
        self._loop_lag: Histogram = self.family("clientaccess_loop_lag_seconds")
        self._running = 0
        self.family("clientaccess_inflight").set_function(lambda: float(self._running))
        self._notes = {result: self._child("clientaccess_receive_timestamps_total", result) for result in NOTES}
        self._catalogue = catalogue
        self._vantage = vantage
        self._bound: dict[str, _Bound] = {}
        for assignment in assignments:
            self.add(assignment)
        self.credentials(credentials)
        revision = os.environ.get("PROBER_REVISION") or "unknown"
        self._child("clientaccess_build_info", __version__, revision, platform.python_version()).set(1)
        prometheus_client.ProcessCollector(registry=self.registry)

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Count one finished attempt."""
        bound, verdict = self._bound[assignment.key], judgement.verdict
        if verdict is not bound.verdict:
            self._turn(assignment, bound, verdict)
        bound.tally.take(outcome.started_at.timestamp() + outcome.duration)
        self._facts(assignment, bound, outcome)
        if verdict not in COUNTED:
            self._exclude(assignment, bound, judgement)
            return
        if verdict is Verdict.FAILED:
            self._fail(assignment, bound, outcome, judgement)
        if judgement.timed:
            self._time(bound, outcome)

    def _turn(self, assignment: Assignment, bound: _Bound, verdict: Verdict) -> None:
        """Have attempts counted whose verdict is another one than that of the last."""
        bound.verdict = verdict
        bound.tally = bound.tallies.get(verdict) or self._tally(assignment, bound, verdict)
        if verdict in COUNTED:
            self._at("clientaccess_up", assignment).set(0.0 if verdict is Verdict.FAILED else 1.0)

    def _tally(self, assignment: Assignment, bound: _Bound, verdict: Verdict) -> Tally:
        """Make what takes attempts of this verdict."""
        counters = COUNTS.get(verdict, ("attempts_total",))
        gauges = STAMPS.get(verdict, ("last_attempt",))
        tally = bound.tallies[verdict] = Tally(
            (self._at(f"clientaccess_{name}", assignment) for name in counters),
            (self._at(f"clientaccess_{name}_timestamp_seconds", assignment) for name in gauges),
        )
        return tally

    def _exclude(self, assignment: Assignment, bound: _Bound, judgement: Judgement) -> None:
        reason = judgement.reason or Reason.PROBE_INTERNAL
        child = bound.excluded.get((judgement.verdict, reason))
        (child or self._at("clientaccess_excluded_total", assignment, judgement.verdict, reason)).inc()

    def _fail(self, assignment: Assignment, bound: _Bound, outcome: Outcome, judgement: Judgement) -> None:
        reason = judgement.reason or Reason.PROBE_INTERNAL
        (bound.failures.get(reason) or self._at("clientaccess_failures_total", assignment, reason)).inc()
        failure = outcome.failure
        if failure is None:
            return
        where = (failure.step, reason)
        if where not in bound.broken:
            bound.broken[where] = self._at("clientaccess_step_failures_total", assignment, *where)
        bound.broken[where].inc()

    def _time(self, bound: _Bound, outcome: Outcome) -> None:
        bound.duration.observe(outcome.duration)
        steps, phases = bound.steps, bound.phases
        for result in outcome.results:
            if result.elapsed is not None and (step := steps.get(result.step)) is not None:
                step.observe(result.elapsed)
            phases.observe(result.phases)

    def _facts(self, assignment: Assignment, bound: _Bound, outcome: Outcome) -> None:
        """Show what the steps found besides: certificates, and withdrawn paths that are open."""
        ends = outcome.certificate_ends
        if ends != bound.certificate_ends and ends < inf:
            bound.certificate_ends = ends
            self._certificate(assignment).set(ends)
        found: set[str] | None = None
        for result in outcome.results:
            if "open_path" in result.facts:
                found = {str(result.facts["open_path"]), *(found or ())}
        if found or bound.open_paths:
            self._open_paths(assignment, bound, found or set(), whole=outcome.fault is None)

    def _certificate(self, assignment: Assignment) -> Any:
        """Return the one series of an assignment whose labels stand in another order."""
        return self._child(CERTIFICATE, assignment.target.name, assignment.client, *self._added(assignment))

    def _open_paths(self, assignment: Assignment, bound: _Bound, found: set[str], *, whole: bool) -> None:
        """Tell which withdrawn paths were found open; one that a whole attempt no longer found is closed."""
        for name in found & set(RETIREMENTS):
            bound.open_paths.add(name)
            self._at("clientaccess_retired_path_open", assignment, name).set(1)
        for name in bound.open_paths - found if whole else ():
            self._at("clientaccess_retired_path_open", assignment, name).set(0)

    # -- schedule, push channels, identity -----------------------------------------------------------------------

    def scheduler_lag(self, seconds: float) -> None:
        """Seconds from the intended start of an attempt to its actual one."""
        self._lag.observe(seconds)

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """Slots were skipped."""
        self._bound[assignment.key].missed.inc(count)

    def crashed(self, assignment: Assignment) -> None:
        """A bug around an attempt or a channel cost it."""
        bound = self._bound.get(assignment.key)
        if bound is not None:  # what belongs to a target that is gone may still break
            bound.crashes.inc()

    def inflight(self, delta: int) -> None:
        """One transaction more or less is running."""
        self._running += delta

    def loop_lag(self, seconds: float) -> None:
        """One sample of the event loop's delay."""
        self._loop_lag.observe(seconds)

    def noted(self, result: str, count: int = 1) -> None:
        """The kernel's note of when bytes came was `used`, `missing` or `ignored`."""
        self._notes[result].inc(count)

    def kernel_notes(self, *, in_force: bool) -> None:
        """Whether the kernel is asked for such notes, and gives them."""
        self.family("clientaccess_receive_timestamps_in_force").set(in_force)

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""
        self._bound[assignment.key].held_back.inc()

    def confirmed(self, assignment: Assignment) -> None:
        """A second look was taken."""
        self._bound[assignment.key].confirms.inc()

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        """A held session ended after `seconds`."""
        self._at("clientaccess_push_session_duration_seconds", assignment).observe(seconds)

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        """A held session was lost."""
        self._at("clientaccess_push_disconnects_total", assignment, reason).inc()

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        """A push told of a delivery made `seconds` ago."""
        self._at("clientaccess_notification_latency_seconds", assignment).observe(seconds)

    def marker_failed(self, assignment: Assignment) -> None:
        """A marker message could not be left."""
        self._at("clientaccess_push_marker_failures_total", assignment).inc()

    def requested(self, credential: str) -> None:
        """The token service was asked."""
        self._child("clientaccess_token_requests_total", credential).inc()

    def failed(self, credential: str, reason: Reason) -> None:
        """It yielded no token."""
        self._child("clientaccess_token_failures_total", credential, reason).inc()

    def issued(self, credential: str, expires_at: float) -> None:
        """It yielded one; `expires_at` in epoch seconds."""
        self._child("clientaccess_token_expiry_timestamp_seconds", credential).set(expires_at)

    def credential_expiry(self, credential: str, epoch: float) -> None:
        """The secret or certificate of `credential` is known to expire then."""
        self._child("clientaccess_credential_expiry_timestamp_seconds", credential).set(epoch)

    def reload(self, *, ok: bool, at: float) -> None:
        """The configuration was read at `at` (epoch seconds)."""
        self.family("clientaccess_config_last_reload_successful").set(1 if ok else 0)
        if ok:
            self.family("clientaccess_config_last_reload_success_timestamp_seconds").set(at)

    def state_lost(self, lost: bool) -> None:  # noqa: FBT001 - a gauge's value
        """State was lost, or cannot be kept."""
        self.family("clientaccess_state_lost").set(1 if lost else 0)

    def history_dropped(self, count: int) -> None:
        """The history could not take in so many failures."""
        self.family("clientaccess_history_dropped_total").inc(count)

    def worker_up(self, worker: int, *, up: bool) -> None:
        """A worker probes, or does not; the first word of it makes all its series."""
        self._child("clientaccess_worker_up", str(worker)).set(1 if up else 0)
        self._child("clientaccess_worker_restarts_total", str(worker))
        self._child("clientaccess_worker_dropped_total", str(worker))

    def worker_lost(self, worker: int) -> None:
        """A worker died or hung, and is begun anew."""
        self._child("clientaccess_worker_restarts_total", str(worker)).inc()

    def worker_dropped(self, worker: int, count: int) -> None:
        """So many outcomes found no room on their way."""
        self._child("clientaccess_worker_dropped_total", str(worker)).inc(count)

    def worker_uses(self, worker: int, cpu: float, memory: float) -> None:
        """A worker has used so many more seconds of a processor, and holds so many bytes."""
        self._child("clientaccess_worker_cpu_seconds_total", str(worker)).inc(max(0.0, cpu))
        self._child("clientaccess_worker_resident_memory_bytes", str(worker)).set(memory)

    def sink_error(self, sink: str) -> None:
        """An observer failed to take in an outcome."""
        self._child("clientaccess_sink_errors_total", sink).inc()

    def at(self, name: str, assignment: Assignment) -> Any:
        """Return the series of one client and target, for who exports what only he knows."""
        return self._at(name, assignment)

    def family(self, name: str) -> Any:
        """Return one metric of the table, for who exports what only he knows; one without labels is its only series."""
        family = self._metrics[name]
        return family if family.label_names else family.labels()

    # -- over a reload ---------------------------------------------------------------------------------------------

    def add(self, assignment: Assignment) -> None:
        """Have the series of an assignment, or of one that changed: with the same labels its counters go on."""
        known, client = self._bound.get(assignment.key), self._catalogue[assignment.client]
        if known is not None:
            self._metrics[INFO].remove(*known.info)
        bound = self._bind(assignment, client)
        if known is not None:
            bound.open_paths.update(known.open_paths)
        self._child(INFO, *bound.info).set(1)
        self._bound[assignment.key] = bound

    def forget(self, keys: Iterable[str]) -> None:
        """Count nothing more for these assignments; `sweep` drops their series."""
        for key in keys:
            self._bound.pop(key, None)

    def credentials(self, names: Iterable[str]) -> None:
        """Have the series of these credentials and of no others."""
        wanted = set(names)
        for family in self._metrics.values():
            if "credential" in family.label_names:
                at = family.label_names.index("credential")
                for labels in [one for one in family.children if one[at] not in wanted]:
                    family.remove(*labels)
        for credential in sorted(wanted):
            self._child("clientaccess_token_requests_total", credential)
            for reason in TOKEN_REASONS:
                self._child("clientaccess_token_failures_total", credential, reason)

    def sweep(self) -> Iterator[None]:
        """Drop every series of a client and target that is gone or has other labels now, a few with each step."""
        wanted = {tuple(bound.info[:2]): bound.extra for bound in self._bound.values()}
        for family in self._metrics.values():
            names = family.label_names
            if not set(PAIR) <= set(names):
                continue
            client, target, extra = names.index("client"), names.index("target"), len(names) - len(self._extra)
            gone = [one for one in family.children if wanted.get((one[client], one[target])) != one[extra:]]
            for start in range(0, len(gone), SWEPT):
                for labels in gone[start : start + SWEPT]:
                    family.remove(*labels)
                yield
            yield

    # -- making --------------------------------------------------------------------------------------------------

    def _make(self, spec: Spec) -> Family[Child]:
        name = spec.name.removesuffix("_total") if spec.kind == "counter" else spec.name
        labels = spec.labels + self._extra if set(PAIR) <= set(spec.labels) else spec.labels
        made: Family[Child] = (
            Histograms(name, spec.help, labels, spec.buckets)
            if spec.kind == "histogram"
            else TYPES[spec.kind](name, spec.help, labels)
        )
        self.registry.register(made)
        return made

    def _child(self, name: str, *labels: str) -> Any:
        return self._metrics[name].labels(*labels)

    def _names(self, assignment: Assignment, *labels: str) -> Iterator[str]:
        """Give the values of a series of `assignment`, as the table orders the labels."""
        yield from (assignment.client, assignment.target.name, *labels)
        yield from self._added(assignment)

    def _added(self, assignment: Assignment) -> tuple[str, ...]:
        """Return the values of those labels that the configuration adds."""
        return tuple(assignment.target.labels.get(name, "") for name in self._extra)

    def _at(self, name: str, assignment: Assignment, *labels: str) -> Any:
        return self._child(name, *self._names(assignment, *labels))

    def _bind(self, assignment: Assignment, client: Client[Any]) -> _Bound:
        def at(name: str, *labels: str) -> Any:
            return self._at(f"clientaccess_{name}", assignment, *labels)

        for name in ("attempts_total", "counted_total", "slow_total"):
            at(name)
        if assignment.push is not None:
            at("push_session_duration_seconds")
            for reason in PUSH_REASONS:
                at("push_disconnects_total", reason)
        if assignment.push is not None and assignment.push.marker > 0:
            at("notification_latency_seconds")
            at("push_marker_failures_total")
        return _Bound(
            confirms=at("confirm_attempts_total"),
            held_back=at("held_back_total"),
            missed=at("scheduler_missed_total"),
            crashes=at("scheduler_crashes_total"),
            duration=at("duration_seconds"),
            steps={step.name: at("step_duration_seconds", step.name) for step in client.plan(assignment)},
            phases=Summed({phase: at("phase_duration_seconds", phase) for phase in Phase}),
            failures={reason: at("failures_total", reason) for reason in sorted(client.reasons)},
            excluded={(verdict, reason): at("excluded_total", verdict, reason) for verdict, reason in EXCLUSIONS},
            info=tuple(map(str, self._names(assignment, *self._about(assignment, client)))),
            extra=self._added(assignment),
        )

    def _about(self, assignment: Assignment, client: Client[Any]) -> tuple[str, ...]:
        target = assignment.target
        return (assignment.depth, client.fidelity, target.environment, target.region, self._vantage)


def markdown(specs: Sequence[Spec] = METRICS) -> str:
    """Return `docs/metrics.md`."""
    rows = "".join(f"| `{one.name}` | {one.kind} | {', '.join(one.labels) or 'none'} | {one.help} |\n" for one in specs)
    return DOCUMENT.format(rows=rows)


DOCUMENT = """# Metrics

Made from the code. No mailbox, address, device id, server name, request id or free text is ever a label. Labels that
`global.labels` allows are added to every series of a client and target. Counters start at 0 for every combination that
is known in advance; `clientaccess_step_failures_total` appears with its first failure, `clientaccess_up` and the
timestamps with the first attempt they speak of.

Two identities always hold: attempts = counted + sum of excluded, and counted = ok + slow + failed. Availability is

```promql
1 - sum by (client, target) (rate(clientaccess_failures_total[1h]))
  / sum by (client, target) (rate(clientaccess_counted_total[1h]))
```

Durations are observed for attempts that count, unless the prober itself was unwell meanwhile. Push channels, `once` and
confirm probes are never among the attempts.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
{rows}"""
