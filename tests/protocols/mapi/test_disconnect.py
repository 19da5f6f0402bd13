"""Disconnect."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import FaultError
from prober.protocols.mapi.disconnect import Disconnect
from tests.protocols.mapi.made import REQUEST, answer, fault_of, refused

ASK = Disconnect(REQUEST)


def test_a_session_is_ended() -> None:
    """MS-OXCMAPIHTTP section 2.2.4.3: an empty auxiliary buffer; status, error, another such buffer."""
    call = ASK.call()
    assert (call.body, dict(call.headers)["X-RequestType"]) == (bytes(4), "Disconnect")
    ASK.read(answer("Disconnect", bytes(12)))


@pytest.mark.parametrize("body", ["01000000 00000000 00000000", "00000000 01000000 00000000"])
def test_a_session_that_does_not_end_says_so(body: str) -> None:
    fault = fault_of(ASK, answer("Disconnect", bytes.fromhex(body)))
    assert (fault.kind.code, fault.evidence["error"]) == ("mapi_request_failed", "0x00000001")
    assert fault_of(ASK, refused("Disconnect", 10)).kind.code == "mapi_code_10"


@given(st.binary(max_size=20))
def test_only_faults_come_out_of_broken_bodies(body: bytes) -> None:
    with suppress(FaultError):
        ASK.read(answer("Disconnect", body))
