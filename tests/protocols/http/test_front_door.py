"""A front door asked without a word."""

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http.front_door import FrontDoor

ASK = FrontDoor("https://outlook.office365.com/outlookservice/ishxscapable")


def reply(status: int, **headers: str) -> Reply:
    return Reply(status, Headers((name.replace("_", "-"), value) for name, value in headers.items()))


def test_a_refusal_of_exchange_is_what_is_wanted() -> None:
    assert (ASK.call().method, ASK.call().headers) == ("GET", ())
    assert ASK.read(reply(401, request_id="0f9c2f5e-0000-4b1c-9b2f-3e2d1c0b9a88"))


@pytest.mark.parametrize("status", [404, 410])
def test_a_door_may_be_gone(status: int) -> None:
    """Nobody promised it: that is no fault."""
    assert not ASK.read(reply(status))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.UNEXPECTED_CHALLENGE),
        (200, Reason.PROTOCOL_VIOLATION),
        (503, Reason.SERVER_BUSY),
        (500, Reason.SERVER_ERROR),
    ],
)
def test_anything_else_is_a_fault(status: int, reason: Reason) -> None:
    """A 401 that no Exchange front end has signed is somebody else's."""
    with pytest.raises(FaultError) as caught:
        ASK.read(reply(status))
    assert caught.value.fault.reason is reason
