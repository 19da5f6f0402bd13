import pickle
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import pytest

from prober.faults.taxonomy import TCP_REFUSED, Fault
from prober.model import Aside, Assignment, Certificate, Outcome, StepResult, Target
from prober.vocabulary import Depth, Environment


def test_the_failure_is_the_step_that_broke() -> None:
    fine, broken = StepResult("a", 1.0), StepResult("b", 1.0, fault=Fault(TCP_REFUSED))
    outcome = Outcome("c", "t", datetime.now(UTC), 2.0, (fine, broken), ("d",))
    assert outcome.failure is broken
    assert outcome.fault is broken.fault
    assert Outcome("c", "t", datetime.now(UTC), 1.0, (fine,)).failure is None
    assert Outcome("c", "t", datetime.now(UTC), 1.0, (broken, replace(broken, step="c"))).failure is broken


def test_the_certificate_that_ends_first_counts() -> None:
    def shown(ends: float | None) -> StepResult:
        return StepResult("a", 1.0, certificate=None if ends is None else Certificate(0.0, ends, "x", verified=True))

    def ends(*shown: StepResult) -> float:
        return Outcome("c", "t", datetime.now(UTC), 2.0, shown).certificate_ends

    assert ends() == ends(shown(None)) == inf
    assert ends(shown(3.0), shown(None), shown(2.0), shown(4.0)) == 2.0


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_what_was_found_stays_with_a_copy(protocol: int) -> None:
    broken = StepResult("b", 1.0, {}, Fault(TCP_REFUSED, {}), {})
    outcome = Outcome("c", "t", datetime.now(UTC), 2.0, (broken,), ("d",))
    copied = pickle.loads(pickle.dumps(outcome, protocol))
    assert copied == outcome == replace(outcome)
    assert copied.failure == broken
    assert copied.fault == broken.fault
    assert replace(outcome, results=()).failure is None


def test_what_is_known_beside_an_outcome_is_no_part_of_it() -> None:
    outcome = Outcome("c", "t", datetime.now(UTC), 2.0, ())
    beside = replace(outcome, aside=Aside(prober={"lag": "canary"}))
    assert beside == outcome
    assert "canary" not in repr(beside)


def test_a_target_does_not_print_its_mailbox() -> None:
    target = Target("hq", Environment.EXCHANGE_SERVER, "canary@corp.example")
    assert "canary" not in repr(target)
    assert "canary" not in repr(Assignment("imap4", target, Depth.REACH, 60, 60))


def test_an_assignment_is_known_by_client_and_target() -> None:
    assert Assignment("imap4", Target("hq", Environment.EXCHANGE_SERVER), Depth.REACH, 60, 60).key == "imap4/hq"
