"""What dashboards rely on: names, labels, and the two identities."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind, Reason
from prober.model import Assignment, Certificate
from prober.observe.metrics import EXCLUSIONS, METRICS, Metrics, markdown
from prober.verdict import Circumstances, Condition, judge
from prober.vocabulary import Environment, Verdict
from tests.observe.made import ASSIGNMENT, AT, CATALOGUE, TARGET, WORKED, judged, outcome

LABELS = {"client": "toy", "target": "hq"}


def metrics(assignment: Assignment = ASSIGNMENT, label_names: tuple[str, ...] = ()) -> Metrics:
    return Metrics([assignment], CATALOGUE, vantage="fra1", label_names=label_names, credentials=["user"])


def value(of: Metrics, name: str, **labels: str) -> float | None:
    return of.registry.get_sample_value(f"clientaccess_{name}", {**LABELS, **labels})


def test_the_table_of_names_and_labels_is_the_one_that_is_promised() -> None:
    """The golden list: a change here is a change that users see."""
    golden = (Path(__file__).parent / "metrics.golden").read_text()
    assert "".join(f"{one.name} {one.kind} {','.join(one.labels)}\n" for one in METRICS) == golden


def test_the_page_about_the_metrics_is_current() -> None:
    assert (Path(__file__).parents[2] / "docs/metrics.md").read_text() == markdown()


def test_counters_start_at_zero_and_up_is_absent_before_the_first_attempt() -> None:
    fresh = metrics()
    for name in ("attempts_total", "counted_total", "slow_total", "held_back_total", "scheduler_missed_total"):
        assert value(fresh, name) == 0
    assert all(value(fresh, "failures_total", reason=reason) == 0 for reason in CATALOGUE["toy"].reasons)
    assert all(value(fresh, "excluded_total", verdict=verdict, reason=reason) == 0 for verdict, reason in EXCLUSIONS)
    assert value(fresh, "up") is None
    assert value(fresh, "last_attempt_timestamp_seconds") is None
    assert value(fresh, "duration_seconds_count") == 0


def test_a_success_is_counted_and_timed_in_whole_in_steps_and_in_phases() -> None:
    seen = metrics()
    seen(ASSIGNMENT, *judged())
    assert value(seen, "attempts_total") == value(seen, "counted_total") == value(seen, "up") == 1
    assert value(seen, "duration_seconds_sum") == 1.0
    assert value(seen, "step_duration_seconds_sum", step="take") == 0.5
    assert value(seen, "phase_duration_seconds_sum", phase="wait") == pytest.approx(0.375)
    assert value(seen, "phase_duration_seconds_count", phase="wait") == 2
    assert value(seen, "phase_duration_seconds_count", phase="tls") == 0
    assert value(seen, "last_success_timestamp_seconds") == AT.timestamp() + 1


def test_a_failure_names_its_reason_and_step_and_takes_up_down() -> None:
    seen = metrics()
    seen(ASSIGNMENT, *judged())
    seen(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    assert value(seen, "failures_total", reason="read_timeout") == 1
    assert value(seen, "step_failures_total", step="take", reason="read_timeout") == 1
    assert value(seen, "up") == 0
    assert value(seen, "last_counted_timestamp_seconds") == value(seen, "last_success_timestamp_seconds")


def test_what_does_not_count_touches_neither_up_nor_durations() -> None:
    seen = metrics()
    seen(ASSIGNMENT, *judged())
    seen(ASSIGNMENT, *judged(kinds.PROXY_DENIED))
    assert value(seen, "excluded_total", verdict="excluded", reason="probe_internal") == 1
    assert value(seen, "up") == 1
    assert value(seen, "duration_seconds_count") == 1


def test_an_unwell_probers_times_are_not_observed() -> None:
    seen = metrics()
    seen(ASSIGNMENT, *judged(None, replace(WORKED, condition=Condition(kinds.LOOP_BLOCKED))))
    seen(ASSIGNMENT, *judged(None, replace(WORKED, condition=Condition(lag=0.11))))
    assert value(seen, "counted_total") == 2
    assert value(seen, "duration_seconds_count") == 0


def test_the_end_of_a_certificate_shows_also_when_the_attempt_failed() -> None:
    seen = metrics()
    made = outcome(kinds.TLS_EXPIRED, certificate=Certificate(1, 1_700_000_000.0, "x", verified=False))
    seen(ASSIGNMENT, made, judge(made, WORKED))
    assert value(seen, "tls_certificate_not_after_timestamp_seconds") == 1_700_000_000.0


def test_a_certificate_is_shown_that_took_the_place_of_another() -> None:
    """Until one is shown again, what was known last stays; also where the target has other labels by then."""
    seen = metrics(label_names=("site",))

    def shown(site: str) -> float | None:
        return value(seen, "tls_certificate_not_after_timestamp_seconds", site=site)

    certificates = [Certificate(1, ends, "x", verified=True) for ends in (3e9, 4e9)]
    for certificate, expected in (
        (None, None),
        (certificates[0], 3e9),
        (None, 3e9),
        (certificates[1], 4e9),
        (certificates[0], 3e9),
    ):
        made = outcome(certificate=certificate)
        seen(ASSIGNMENT, made, judge(made, WORKED))
        assert shown(TARGET.labels["site"]) == expected
    moved = replace(ASSIGNMENT, target=replace(TARGET, labels={"site": "elsewhere"}))
    seen.add(moved)
    seen(moved, made, judge(made, WORKED))
    assert shown("elsewhere") == 3e9
    assert value(seen, "up", site="elsewhere") == value(seen, "attempts_total", site="elsewhere") == 1


def test_labels_of_the_configuration_are_on_every_series_of_a_target() -> None:
    seen = metrics(label_names=("site",))
    seen(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    for family in seen.registry.collect():
        for sample in family.samples:
            if "target" in sample.labels:
                assert sample.labels["site"] == TARGET.labels["site"]


def test_no_mailbox_is_in_any_label() -> None:
    seen = metrics()
    seen(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    labels = [one for family in seen.registry.collect() for sample in family.samples for one in sample.labels.values()]
    assert not any("canary" in one for one in labels)


def test_what_schedule_channels_and_token_service_tell_is_counted() -> None:
    seen = metrics()
    seen.missed(ASSIGNMENT, 3)
    seen.crashed(ASSIGNMENT)
    seen.held_back(ASSIGNMENT)
    seen.inflight(2)
    seen.inflight(-1)
    seen.scheduler_lag(0.01)
    seen.loop_lag(0.01)
    seen.noted("used")
    seen.noted("ignored", 3)
    seen.kernel_notes(in_force=True)
    seen.push_session(ASSIGNMENT, 600)
    seen.marker_failed(ASSIGNMENT)
    seen.push_disconnect(ASSIGNMENT, Reason.PUSH_CHANNEL_LOST)
    seen.notification_latency(ASSIGNMENT, 0.5)
    seen.requested("user")
    seen.failed("user", Reason.TOKEN_SERVICE_ERROR)
    seen.issued("user", 5.0)
    seen.credential_expiry("user", 6.0)
    seen.reload(ok=True, at=7.0)
    seen.state_lost(True)
    seen.history_dropped(2)
    seen.sink_error("Broken")
    assert value(seen, "scheduler_missed_total") == 3
    assert value(seen, "scheduler_crashes_total") == value(seen, "held_back_total") == 1
    assert value(seen, "push_session_duration_seconds_sum") == 600
    assert value(seen, "push_marker_failures_total") == 1
    assert value(seen, "push_disconnects_total", reason="push_channel_lost") == 1
    assert value(seen, "notification_latency_seconds_count") == 1
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in seen.registry.collect()
        for sample in family.samples
    }
    assert samples["clientaccess_inflight",] == 1
    assert samples["clientaccess_scheduler_lag_seconds_count",] == samples["clientaccess_loop_lag_seconds_count",] == 1
    assert samples["clientaccess_token_requests_total", "user"] == 1
    assert samples["clientaccess_token_failures_total", "user", "token_service_error"] == 1
    assert samples["clientaccess_token_expiry_timestamp_seconds", "user"] == 5
    assert samples["clientaccess_credential_expiry_timestamp_seconds", "user"] == 6
    assert samples["clientaccess_config_last_reload_success_timestamp_seconds",] == 7
    assert samples["clientaccess_state_lost",] == 1
    assert samples["clientaccess_receive_timestamps_in_force",] == 1
    assert samples["clientaccess_receive_timestamps_total", "used"] == 1
    assert samples["clientaccess_receive_timestamps_total", "missing"] == 0
    assert samples["clientaccess_receive_timestamps_total", "ignored"] == 3
    assert samples["clientaccess_history_dropped_total",] == 2
    assert samples["clientaccess_sink_errors_total", "Broken"] == 1


def test_workers_are_counted_by_number() -> None:
    """Every series is there from the first word; what a new process has used is added to what the last one had."""
    seen = metrics()
    seen.worker_up(0, up=False)
    seen.worker_up(0, up=True)
    seen.worker_lost(0)
    seen.worker_dropped(0, 3)
    seen.worker_uses(0, 2.5, 1e6)
    seen.worker_uses(0, 0.5, 2e6)
    shown = {
        name: seen.registry.get_sample_value(f"clientaccess_worker_{name}", {"worker": "0"})
        for name in ("up", "restarts_total", "dropped_total", "cpu_seconds_total", "resident_memory_bytes")
    }
    assert shown == {
        "up": 1.0,
        "restarts_total": 1.0,
        "dropped_total": 3.0,
        "cpu_seconds_total": 3.0,
        "resident_memory_bytes": 2e6,
    }


CIRCUMSTANCES = st.builds(
    Circumstances,
    environment=st.sampled_from(Environment),
    succeeded_before=st.booleans(),
    since_success=st.none() | st.just(5.0),
    control_failed=st.booleans(),
    condition=st.builds(
        Condition,
        sickness=st.none() | st.just(kinds.LOOP_BLOCKED),
        lag=st.sampled_from([0.0, 0.2, 0.9]),
        late=st.sampled_from([0.0, 2.0]),
    ),
    maintenance=st.booleans(),
    objective=st.none() | st.just(0.5),
)
KINDS = st.none() | st.builds(Kind, st.just("x"), st.sampled_from([one for one in Reason if one is not Reason.SLOW]))


@settings(deadline=None)  # a garbage collection of all that the process holds may fall into it
@given(st.lists(st.tuples(KINDS, CIRCUMSTANCES), max_size=30))
def test_the_identities_hold_whatever_happens(attempts: list[tuple[Kind | None, Circumstances]]) -> None:
    """attempts = counted + excluded; counted = ok + slow + failed."""
    seen, verdicts = metrics(), Counter[Verdict]()
    for kind, around in attempts:
        made, judgement = judged(kind, around)
        verdicts[judgement.verdict] += 1
        seen(ASSIGNMENT, made, judgement)

    def total(name: str) -> float:
        return sum(
            sample.value
            for family in seen.registry.collect()
            for sample in family.samples
            if sample.name == f"clientaccess_{name}_total"
        )

    assert total("attempts") == total("counted") + total("excluded") == len(attempts)
    assert total("counted") == verdicts[Verdict.OK] + total("slow") + total("failures")
    assert total("slow") == verdicts[Verdict.SLOW]
    assert total("step_failures") == total("failures") == verdicts[Verdict.FAILED]


@settings(deadline=None)
@given(st.lists(st.tuples(KINDS, CIRCUMSTANCES), max_size=12))
def test_what_was_last_is_shown_whatever_came_before(attempts: list[tuple[Kind | None, Circumstances]]) -> None:
    seen, expected = metrics(), dict[str, float]()
    for minute, (kind, around) in enumerate(attempts):
        made = replace(outcome(kind), started_at=AT + timedelta(minutes=minute))
        judgement = judge(made, around)
        seen(ASSIGNMENT, made, judgement)
        ended = made.started_at.timestamp() + made.duration
        succeeded = judgement.verdict in (Verdict.OK, Verdict.SLOW)
        expected["last_attempt_timestamp_seconds"] = ended
        if judgement.counted:
            expected |= {"last_counted_timestamp_seconds": ended, "up": float(succeeded)}
        if succeeded:
            expected["last_success_timestamp_seconds"] = ended
    names = ("last_attempt", "last_counted", "last_success")
    found = {name: value(seen, name) for name in ("up", *(f"{one}_timestamp_seconds" for one in names))}
    assert {name: one for name, one in found.items() if one is not None} == expected


def test_a_withdrawn_path_that_is_open_is_shown_until_it_is_closed() -> None:
    """It appears when it is first found, and a name nobody withdrew never becomes a label."""
    seen = metrics()

    def shown() -> list[tuple[str, float]]:
        return [
            (sample.labels["retirement"], sample.value)
            for family in seen.registry.collect()
            for sample in family.samples
            if sample.name == "clientaccess_retired_path_open"
        ]

    for path, expected in (("", []), ("nonsense", []), ("ews", [("ews", 1.0)]), ("", [("ews", 0.0)])):
        made = outcome(facts={"open_path": path} if path else {})
        seen(ASSIGNMENT, made, judge(made, WORKED))
        assert shown() == expected


def test_who_goes_loses_his_own_series_and_nobody_elses() -> None:
    """Whatever metric they are of; and who comes back begins at zero."""
    other = replace(ASSIGNMENT, target=replace(TARGET, name="other"))
    seen = Metrics([ASSIGNMENT, other], CATALOGUE, vantage="fra1", credentials=["user", "gone"])
    for one in (ASSIGNMENT, other):
        seen(one, *judged(Kind("refused", Reason.CONNECTION_RESET)))
    before = _said(seen)
    seen.forget([other.key])
    seen.crashed(other)
    seen.credentials(["user"])
    for _ in seen.sweep():
        pass
    after = _said(seen)
    assert before - after == {one for one in before if "'other'" in one or "'gone'" in one}
    assert after <= before
    seen.add(other)
    assert seen.registry.get_sample_value("clientaccess_attempts_total", {**LABELS, "target": "other"}) == 0


def test_who_changes_goes_on_counting_and_is_described_anew() -> None:
    """Once, not as what it was and as what it is; another label is another series."""
    seen = metrics(label_names=("site",))
    labels = {**LABELS, "site": TARGET.labels["site"]}
    seen(ASSIGNMENT, *judged())
    seen.add(replace(ASSIGNMENT, target=replace(TARGET, region="eu")))
    assert seen.registry.get_sample_value("clientaccess_attempts_total", labels) == 1
    (info,) = [one for one in seen.registry.collect() if one.name == "clientaccess_probe_info"]
    assert [sample.labels["region"] for sample in info.samples] == ["eu"]
    seen.add(replace(ASSIGNMENT, target=replace(TARGET, labels={"site": "elsewhere"})))
    for _ in seen.sweep():
        pass
    assert seen.registry.get_sample_value("clientaccess_attempts_total", labels) is None
    assert seen.registry.get_sample_value("clientaccess_attempts_total", {**labels, "site": "elsewhere"}) == 0


def _said(metrics: Metrics) -> set[str]:
    """Return all samples of the prober's own."""
    families = (family for family in metrics.registry.collect() if family.name.startswith("clientaccess_"))
    return {str(sample) for family in families for sample in family.samples}
