"""From exceptions to faults, in the order of the checks in the code."""

import asyncio
import errno
import os

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.classify import SOCKET, TIMED_OUT_DURING, classify
from prober.faults.taxonomy import FaultError, Reason
from prober.vocabulary import Phase


def test_a_fault_keeps_its_kind_and_learns_its_phase() -> None:
    fault = classify(FaultError(kinds.BAD_REPLY, {"element": "x"}), Phase.RECEIVE)
    assert (fault.kind, fault.phase, dict(fault.evidence)) == (kinds.BAD_REPLY, Phase.RECEIVE, {"element": "x"})


@pytest.mark.parametrize("phase", list(Phase))
def test_a_time_out_is_named_after_the_phase_it_interrupted(phase: Phase) -> None:
    fault = classify(TimeoutError(), phase)
    assert (fault.kind, fault.phase) == (TIMED_OUT_DURING[phase], phase)


def test_a_time_out_outside_every_phase_is_the_steps_own() -> None:
    assert classify(TimeoutError(), None).kind is kinds.STEP_TIMEOUT


@pytest.mark.parametrize("number", sorted(SOCKET))
def test_socket_errors_go_by_number(number: int) -> None:
    fault = classify(OSError(number, "canary"), Phase.CONNECT)
    assert fault.kind is SOCKET[number]
    assert dict(fault.evidence) == {"errno": errno.errorcode[number]}


def test_a_kernels_own_connect_time_out_is_a_connect_time_out() -> None:
    assert (
        classify(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)), Phase.CONNECT).kind is kinds.TCP_TIMEOUT
    )


def test_being_cancelled_is_our_own_affair() -> None:
    assert classify(asyncio.CancelledError(), None).kind is kinds.PROBER_CANCELLED


def test_what_nobody_knows_is_our_bug_and_its_message_stays_here() -> None:
    fault = classify(ValueError("canary"), None)
    assert fault.kind is kinds.PROBER_BUG
    assert fault.reason is Reason.PROBE_INTERNAL
    assert "canary" not in str(dict(fault.evidence))
    assert fault.evidence["exception"] == "ValueError"
