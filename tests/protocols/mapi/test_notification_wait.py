"""NotificationWait, against answers that come when a test wants them to."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import PEER_RESET, TLS_ALERT, FaultError
from prober.protocols.mapi.notification_wait import Waiting, begun, lost, wait_call
from tests.protocols.mapi.made import DONE, END, REQUEST, Scripted, head, notified


async def outcome(*pieces: bytes | Exception | None, seconds: float = 100.0) -> bool | str:
    """Listen until the answer is whole; return what it says, or the code of the fault."""
    waiting = Waiting(Scripted(pieces))
    for _ in range(50):
        try:
            told = await waiting.listen(seconds)
        except FaultError as error:
            return error.fault.kind.code
        if told is not None:
            return told
    raise AssertionError("it never ends")


def test_the_request_is_laid_out() -> None:
    """MS-OXCMAPIHTTP section 2.2.4.4.1: flags and the size of the auxiliary buffer."""
    call = wait_call(REQUEST)
    assert (call.body, dict(call.headers)["X-RequestType"]) == (bytes(8), "NotificationWait")


@pytest.mark.parametrize("pending", [0, 1])
async def test_an_answer_tells_whether_there_is_news(pending: int) -> None:
    """After as many signs of life as it took, in pieces or at once (section 2.2.4.4.2)."""
    assert await outcome(b"PROCESSING\r\n", b"PENDING\r\n", END + notified(pending)) is bool(pending)
    assert await outcome(DONE + notified(pending)[:5], notified(pending)[5:]) is bool(pending)


async def test_signs_of_life_keep_the_channel() -> None:
    """Silence counts from the last of them."""
    pieces = [b"PROCESSING\r\n", *([None, b"PENDING\r\n"] * 10), END + notified(1)]
    assert await outcome(*pieces, seconds=20) is True


async def test_silence_for_two_pending_periods_loses_the_channel() -> None:
    """Of 15 seconds each, as the head says; whoever waits for less at a time waits on."""
    flow = Scripted([b"PROCESSING\r\n", None, None, None])
    waiting = Waiting(flow)
    for _ in range(3):
        assert await waiting.listen(12) is None
    assert waiting.patience == 6
    with pytest.raises(FaultError) as caught:
        await waiting.listen(12)
    assert flow.asked == [12, 12, 12, 6]
    assert caught.value.fault.kind.code == "mapi_wait_silent"
    assert caught.value.fault.evidence == {"signs": "1", "seconds": "30"}
    await waiting.close()
    assert flow.closed


@pytest.mark.parametrize(
    "pieces",
    [
        [b"PROCESSING\r\n"],
        [b"PROCESSING\r\n", b"PENDING\r\nDONE\r\nX-El"],
        [b"PROCESSING\r\n", FaultError(PEER_RESET)],
    ],
)
async def test_an_end_before_the_answer_loses_the_channel(pieces: list[bytes | Exception]) -> None:
    assert await outcome(*pieces) == "mapi_wait_lost"


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (END + notified(0, error=0x7EE), "mapi_wait_refused"),
        (END + notified(0, status=1), "mapi_wait_refused"),
        (END.replace(b"Code: 0", b"Code: 10") + notified(1), "mapi_code_10"),
        (END + b"\0", "mapi_body_malformed"),
        (b"HELLO\r\n", "mapi_body_malformed"),
        (FaultError(TLS_ALERT), "tls_alert"),
    ],
)
async def test_an_answer_may_be_a_refusal_or_none(last: bytes | Exception, code: str) -> None:
    """A code behind DONE overrides the head's; what breaks for another reason keeps it."""
    assert await outcome(b"PROCESSING\r\n", last) == code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(200, Headers(head("NotificationWait", "10")), b"<html>"), "mapi_code_10"),
        (Reply(503), "http_503"),
        (Reply(200, Headers(), b"<html>"), "html_instead_of_data"),
        (Reply(200, Headers(head("Execute")), b""), "mapi_wrong_answer"),
        (Reply(200), "mapi_code_missing"),
    ],
)
async def test_a_request_that_is_refused_does_not_wait(reply: Reply, code: str) -> None:
    with pytest.raises(FaultError) as caught:
        await begun(REQUEST, Scripted([], reply))
    assert caught.value.fault.kind.code == code


async def test_a_request_that_is_taken_waits() -> None:
    waiting = await begun(REQUEST, Scripted([b"PROCESSING\r\n"]))
    assert await waiting.listen(1) is None
    assert waiting.signs == 1


def test_only_breaks_are_losses() -> None:
    assert lost(FaultError(PEER_RESET)).fault.evidence == {"cause": "peer_reset"}
    assert lost(FaultError(TLS_ALERT)).fault.kind is TLS_ALERT


@given(st.lists(st.sampled_from([b"PROCESSING\r\n", b"PENDING\r\n", END, notified(1), None]) | st.binary(max_size=9)))
async def test_only_faults_come_out_of_broken_answers(pieces: list[bytes | None]) -> None:
    waiting = Waiting(Scripted(pieces))
    with suppress(FaultError):
        while await waiting.listen(1) is None:
            pass
