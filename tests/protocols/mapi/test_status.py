"""Codes and their meanings, as the tables of the specification and of what was seen have them."""

import pytest

from prober.faults.taxonomy import Fault, Reason
from prober.protocols.mapi import status


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        ((1, 6, 10, 13, 15, 17), Reason.SERVER_ERROR),
        ((2, 3, 4, 5, 7, 9, 12), Reason.CLIENT_MISCONFIG),
        ((8,), Reason.AUTH_REJECTED),
        ((11, 16), Reason.ACCESS_POLICY),
        ((14, 19, 99), Reason.PROTOCOL_VIOLATION),
        ((18,), Reason.SERVER_BUSY),
    ],
)
def test_a_code_has_its_reason(codes: tuple[int, ...], reason: Reason) -> None:
    """MS-OXCMAPIHTTP section 2.2.3.3.3, and what servers answer beyond it."""
    for code in codes:
        fault = status.refusal(str(code), {}).fault
        assert (fault.reason, status.response_code(fault)) == (reason, code)
        assert status.context_lost(fault) is (code in (6, 10, 13, 15))


@pytest.mark.parametrize("code", ["", "x", "-1", "1" * 40, "٣", "1.5"])
def test_what_is_no_code_is_none(code: str) -> None:
    fault = status.refusal(code, {}).fault
    assert (fault.kind, status.response_code(fault)) == (status.UNKNOWN_CODE, 0)
    assert not status.context_lost(fault)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (0x80070005, "mapi_connect_80070005", Reason.ACCESS_POLICY),
        (0x000003EB, "mapi_connect_000003eb", Reason.CLIENT_MISCONFIG),
        (0x000003F2, "mapi_connect_000003f2", Reason.CLIENT_MISCONFIG),
        (0x80040111, "mapi_connect_80040111", Reason.MAILBOX_UNAVAILABLE),
        (0x80040115, "mapi_connect_80040115", Reason.SERVER_ERROR),
        (0x80040110, "mapi_connect_80040110", Reason.CLIENT_MISCONFIG),
        (0x000004DF, "mapi_connect_000004df", Reason.CLIENT_MISCONFIG),
        (0x000004E1, "mapi_connect_000004e1", Reason.CLIENT_MISCONFIG),
        (0x000004E0, "mapi_connect_000004e0", Reason.ACCESS_POLICY),
        (0x000007D8, "mapi_connect_000007d8", Reason.ACCESS_POLICY),
        (0x00000042, "mapi_connect_failed", Reason.SERVER_ERROR),
    ],
)
def test_an_error_of_connect_has_its_reason(error: int, code: str, reason: Reason) -> None:
    """MS-OXCRPC section 3.1.4.11."""
    fault = status.connect_refusal(error, {}).fault
    assert (fault.kind.code, fault.reason) == (code, reason)
    assert fault.evidence["error"] == f"{error:#010x}"


def test_a_fault_of_another_protocol_has_no_code() -> None:
    assert not status.context_lost(Fault(status.MALFORMED))
