"""How a refusal is shaped."""

import pytest

from prober.simulator.graph.errors import GraphError, sync_state_lost


def test_a_refusal_is_an_error_object_with_an_inner_one() -> None:
    """As Learn shows it: code, message, and below them when it was and which request."""
    inner = {"date": "2020-09-23T22:13:54", "request-id": "61be66ec", "client-request-id": "61be66ec"}
    error = GraphError("InvalidAuthenticationToken", "CompactToken parsing failed with error code: 80049217")
    assert error.body(inner) == {
        "error": {
            "code": "InvalidAuthenticationToken",
            "message": "CompactToken parsing failed with error code: 80049217",
            "innerError": inner,
        }
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [("InvalidAuthenticationToken", 401), ("ErrorAccessDenied", 403), ("SomethingNew", 503), ("TooManyRequests", 429)],
)
def test_a_code_has_its_status(code: str, status: int) -> None:
    """A code nobody knows is the service's trouble; a status that is named wins."""
    assert GraphError(code, "").status == status
    assert GraphError(code, "", status=418).status == 418


def test_a_lost_sync_state_is_gone() -> None:
    """With the words the service was seen to use in 2018."""
    error = sync_state_lost(149)
    assert (error.status, error.code) == (410, "SyncStateNotFound")
    assert error.message == "The sync state generation is not found; generation=149;[highest=157]."
