"""The table of verdicts, rule by rule."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Counting, Fault, Kind, Reason
from prober.model import Outcome, StepResult
from prober.verdict import (
    ALWAYS,
    DAY,
    FAILURES,
    LAGGED,
    SUCCEEDED,
    SUCCESSES,
    Circumstances,
    Condition,
    judge,
    loss_counts,
    markdown,
    plain,
)
from prober.vocabulary import Domain, Environment, Verdict
from tests.faults.test_taxonomy import kinds as every_kind

ONLINE = Circumstances(Environment.EXCHANGE_ONLINE)
WORKED = replace(ONLINE, succeeded_before=True, since_success=60.0)


SOME = (Kind("x", Reason.THROTTLED), Kind("x", Reason.AUTH_REJECTED), Kind("eas_140", Reason.ACCESS_POLICY))


def outcome(kind: Kind | None, duration: float = 1.0) -> Outcome:
    fault = Fault(kind) if kind else None
    return Outcome("c", "t", datetime.now(UTC), duration, (StepResult("s", duration, fault=fault),))


def kind(reason: Reason) -> Kind:
    return Kind("x", reason)


def verdict(reason: Reason, around: Circumstances) -> Verdict:
    return judge(outcome(kind(reason)), around).verdict


def test_success_is_ok_and_slow_only_beyond_the_objective() -> None:
    assert judge(outcome(None), ONLINE).verdict is Verdict.OK
    assert judge(outcome(None, 2.0), replace(ONLINE, objective=2.0)).verdict is Verdict.OK
    slow = judge(outcome(None, 2.1), replace(ONLINE, objective=2.0))
    assert (slow.verdict, slow.reason) == (Verdict.SLOW, Reason.SLOW)


@pytest.mark.parametrize("reason", [one for one in Reason if one.counting is Counting.SERVICE])
def test_what_the_service_does_wrong_fails(reason: Reason) -> None:
    assert verdict(reason, WORKED) is Verdict.FAILED
    assert verdict(reason, replace(WORKED, control_failed=True)) is Verdict.FAILED


@pytest.mark.parametrize("reason", [one for one in Reason if one.counting is Counting.AMBIGUOUS])
def test_the_network_fails_unless_the_control_failed_too(reason: Reason) -> None:
    assert verdict(reason, ONLINE) is Verdict.FAILED
    assert verdict(reason, replace(ONLINE, control_failed=True)) is Verdict.INCONCLUSIVE


def test_no_control_excuses_a_bad_certificate_of_an_exchange_server() -> None:
    around = Circumstances(Environment.EXCHANGE_SERVER, control_failed=True)
    assert verdict(Reason.TLS_CERTIFICATE, around) is Verdict.FAILED
    assert verdict(Reason.TLS_HANDSHAKE, around) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("reason", [Reason.ACCESS_POLICY, Reason.CLIENT_MISCONFIG, Reason.PROBE_INTERNAL])
def test_what_is_ours_is_excluded_whatever_worked_before(reason: Reason) -> None:
    assert verdict(reason, ONLINE) is Verdict.EXCLUDED
    assert verdict(reason, replace(WORKED, established=True)) is Verdict.EXCLUDED


def test_throttling_is_a_verdict_of_its_own() -> None:
    assert verdict(Reason.THROTTLED, WORKED) is Verdict.THROTTLED


def test_an_unavailable_mailbox_counts_once_it_has_worked_or_is_known_to() -> None:
    assert verdict(Reason.MAILBOX_UNAVAILABLE, ONLINE) is Verdict.EXCLUDED
    assert verdict(Reason.MAILBOX_UNAVAILABLE, WORKED) is Verdict.FAILED
    assert verdict(Reason.MAILBOX_UNAVAILABLE, replace(ONLINE, established=True)) is Verdict.FAILED


@pytest.mark.parametrize("reason", [Reason.MAILBOX_UNAVAILABLE, Reason.ACCESS_POLICY, Reason.AUTH_REJECTED])
def test_until_a_target_has_worked_its_set_up_is_to_blame(reason: Reason) -> None:
    """Also where the same credential works with this protocol at another target."""
    elsewhere = replace(ONLINE, since_success=60.0)
    judgement = judge(outcome(kind(reason)), elsewhere)
    assert (judgement.verdict, judgement.because) == (Verdict.EXCLUDED, "this target has never worked: set-up")
    assert judge(outcome(kind(reason)), replace(elsewhere, established=True)).because != judgement.because


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (WORKED, Verdict.FAILED),
        (replace(WORKED, since_success=DAY), Verdict.FAILED),
        (replace(WORKED, since_success=DAY + 1), Verdict.EXCLUDED),
        (replace(WORKED, changed=True), Verdict.EXCLUDED),
        (replace(WORKED, token_issued=False), Verdict.EXCLUDED),
        (ONLINE, Verdict.EXCLUDED),
        (replace(ONLINE, established=True), Verdict.EXCLUDED),
    ],
)
def test_a_refused_identity_counts_only_where_it_worked_today_and_nothing_changed(
    around: Circumstances, expected: Verdict
) -> None:
    assert verdict(Reason.AUTH_REJECTED, around) is expected


def test_a_withdrawn_protocol_is_retired_online_and_a_mistake_elsewhere() -> None:
    withdrawn = outcome(Kind("eas_version_retired", Reason.CLIENT_MISCONFIG))
    assert judge(withdrawn, ONLINE).verdict is Verdict.RETIRED
    assert judge(withdrawn, Circumstances(Environment.EXCHANGE_SERVER)).verdict is Verdict.EXCLUDED


@pytest.mark.parametrize("code", ["eas_remote_wipe", "eas_140"])
def test_a_remote_wipe_is_excluded_whatever_worked_before(code: str) -> None:
    judgement = judge(outcome(Kind(code, Reason.ACCESS_POLICY)), WORKED)
    assert (judgement.verdict, judgement.code) == (Verdict.EXCLUDED, code)
    assert "wipe" in judgement.because


@pytest.mark.parametrize("what", [None, kinds.NO_ANSWER, kinds.TCP_REFUSED, kinds.LOOP_BLOCKED, *SOME])
@pytest.mark.parametrize("condition", [Condition(), Condition(kinds.LOOP_BLOCKED)])
def test_under_maintenance_everything_is_excluded(what: Kind | None, condition: Condition) -> None:
    judgement = judge(outcome(what, 9.0), replace(WORKED, maintenance=True, condition=condition, objective=1.0))
    assert (judgement.verdict, judgement.code, judgement.timed) == (Verdict.EXCLUDED, "maintenance", False)


def test_the_rules_are_tried_in_order_and_the_last_of_each_table_always_applies() -> None:
    assert [rule.__name__ for rule in (*ALWAYS, *SUCCESSES)] == [
        *("under_maintenance", "succeeded_unwell", "succeeded_slowly", "succeeded")
    ]
    assert SUCCESSES[-1](outcome(None), ONLINE) is not None
    assert FAILURES[-1](outcome(kinds.TLS_ALERT), Fault(kinds.TLS_ALERT), ONLINE) is not None
    assert len({rule.__doc__ for rule in (*ALWAYS, *SUCCESSES, *FAILURES)}) == len(ALWAYS + SUCCESSES) + len(FAILURES)


class Asked:
    """Circumstances of which nothing is known but what a success is judged by."""

    def __init__(self, condition: Condition, *, maintenance: bool) -> None:
        self.condition, self.objective, self.maintenance = condition, 1.0, maintenance


@pytest.mark.parametrize("maintenance", [False, True])
@pytest.mark.parametrize("took", [0.5, 1.5])
@pytest.mark.parametrize("condition", [Condition(), Condition(lag=0.2), Condition(kinds.NO_DESCRIPTORS)])
def test_a_success_is_judged_by_condition_objective_and_maintenance_alone(
    condition: Condition, took: float, maintenance: bool
) -> None:
    """So nothing else is found out for one; and it is judged by the rules, in their order."""
    made, around = outcome(None, took), Circumstances(condition=condition, objective=1.0, maintenance=maintenance)
    first = next(filter(None, (rule(made, around) for rule in (*ALWAYS, *SUCCESSES))))
    found = judge(made, cast("Circumstances", Asked(condition, maintenance=maintenance)))
    assert found == replace(first, timed=first.timed and condition.lag <= LAGGED)


@pytest.mark.parametrize("objective", [None, 1.0])
@pytest.mark.parametrize("took", [0.5, 1.0, 1.05, 1.5])
@pytest.mark.parametrize("late", [0.0, 1.0, 1.01])
@pytest.mark.parametrize("lag", [0.0, 0.1, 0.11, 0.26])
@pytest.mark.parametrize("sickness", [None, kinds.CLOCK_WRONG])
def test_what_is_plain_is_what_the_rules_have_nothing_to_say_of(
    sickness: Kind | None, lag: float, late: float, took: float, objective: float | None
) -> None:
    condition = Condition(sickness, lag, late)
    for made in (outcome(None, took), outcome(kinds.NO_ANSWER, took)):
        judged = judge(made, replace(WORKED, condition=condition, objective=objective))
        if plain(made, condition, objective):
            assert judged == SUCCEEDED
        elif judged == SUCCEEDED:
            assert lag > 0.0, "only what lag takes off an attempt's time may need a closer look"


UNWELL = (
    Condition(kinds.LOOP_BLOCKED),
    Condition(kinds.NO_DESCRIPTORS),
    Condition(kinds.CLOCK_WRONG),
    Condition(lag=0.26),
    Condition(late=1.01),
)


@pytest.mark.parametrize("condition", UNWELL)
@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.SLOW])
def test_a_sick_prober_fails_nobody(reason: Reason, condition: Condition) -> None:
    around = replace(WORKED, condition=condition)
    judgement = judge(outcome(kind(reason)), around)
    assert (judgement.verdict, judgement.reason, judgement.domain) == (
        Verdict.INCONCLUSIVE,
        Reason.PROBE_INTERNAL,
        Domain.PROBER,
    )
    assert not judgement.timed


def test_a_sick_probers_success_counts_but_its_time_is_not_observed() -> None:
    for condition in (*UNWELL, Condition(lag=0.11)):
        judgement = judge(outcome(None), replace(WORKED, condition=condition, objective=0.95))
        assert (judgement.verdict, judgement.timed) == (Verdict.OK, False)


def test_a_little_lag_spoils_the_times_and_proves_nothing_else() -> None:
    """A failure that lagged by less than a quarter second, or by little of its time, is a failure without times."""
    for took, lag in ((1.0, 0.11), (1.0, 0.25), (30.0, 7.5)):
        judgement = judge(outcome(kinds.NO_ANSWER, took), replace(WORKED, condition=Condition(lag=lag)))
        assert (judgement.verdict, judgement.timed) == (Verdict.FAILED, False)
    assert judge(outcome(kinds.NO_ANSWER), replace(WORKED, condition=Condition(lag=0.1, late=1.0))).timed


def test_what_the_loop_lagged_is_no_slowness() -> None:
    """Two seconds of which a fifth was ours, of an objective of 1.9."""
    around = replace(WORKED, objective=1.9)
    assert judge(outcome(None, 2.0), replace(around, condition=Condition(lag=0.2))).verdict is Verdict.OK
    assert judge(outcome(None, 2.0), replace(around, condition=Condition(lag=0.05))).verdict is Verdict.SLOW


def test_the_loss_of_a_channel_counts_unless_we_or_the_way_out_may_have_caused_it() -> None:
    lost, kicked = Fault(kinds.PEER_RESET), Fault(Kind("x", Reason.SERVER_BUSY))
    assert loss_counts(lost, WORKED)
    assert not loss_counts(lost, replace(WORKED, control_failed=True))
    assert not loss_counts(Fault(kinds.TCP_REFUSED), replace(WORKED, control_failed=True))
    assert loss_counts(kicked, replace(WORKED, control_failed=True))
    assert not loss_counts(kicked, replace(WORKED, condition=Condition(kinds.LOOP_BLOCKED)))
    assert not loss_counts(kicked, replace(WORKED, maintenance=True))
    assert not loss_counts(Fault(kinds.NO_DESCRIPTORS), WORKED)


@pytest.mark.parametrize("sick", [kinds.NO_DESCRIPTORS, kinds.CLOCK_WRONG, kinds.STARTED_LATE, kinds.PROBER_CANCELLED])
def test_our_own_exhaustion_is_inconclusive_wherever_it_shows(sick: Kind) -> None:
    assert judge(outcome(sick), WORKED).verdict is Verdict.INCONCLUSIVE


def test_a_judgement_names_reason_code_and_domain() -> None:
    judgement = judge(outcome(kinds.TLS_ALERT), ONLINE)
    assert (judgement.reason, judgement.code, judgement.domain) == (Reason.TLS_HANDSHAKE, "tls_alert", Domain.TLS)
    assert judgement.because
    assert judgement.counted


def test_the_document_is_what_the_code_says() -> None:
    """Every rule with its reason, every reason, every code of the program."""
    text = (Path(__file__).parents[1] / "docs/verdicts.md").read_text(encoding="utf-8")
    assert text == markdown(one for _, one in every_kind())
    assert all(f"`{reason}`" in text for reason in Reason)
    assert text.count("\n1. **prober unwell**") == 1
    assert all(rule.__name__.replace("_", " ") in text for rule in (*ALWAYS, *SUCCESSES, *FAILURES))
