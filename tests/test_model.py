from datetime import UTC, datetime

from prober.faults.taxonomy import TCP_REFUSED, Fault
from prober.model import Assignment, Outcome, StepResult, Target
from prober.vocabulary import Depth, Environment


def test_the_failure_is_the_step_that_broke() -> None:
    fine, broken = StepResult("a", 1.0), StepResult("b", 1.0, fault=Fault(TCP_REFUSED))
    outcome = Outcome("c", "t", datetime.now(UTC), 2.0, (fine, broken), ("d",))
    assert outcome.failure is broken
    assert outcome.fault is broken.fault
    assert Outcome("c", "t", datetime.now(UTC), 1.0, (fine,)).failure is None


def test_a_target_does_not_print_its_mailbox() -> None:
    target = Target("hq", Environment.EXCHANGE_SERVER, "canary@corp.example")
    assert "canary" not in repr(target)
    assert "canary" not in repr(Assignment("imap4", target, Depth.REACH, 60, 60))


def test_an_assignment_is_known_by_client_and_target() -> None:
    assert Assignment("imap4", Target("hq", Environment.EXCHANGE_SERVER), Depth.REACH, 60, 60).key == "imap4/hq"
