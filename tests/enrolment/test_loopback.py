"""The page that waits for a browser: only who brings the state is believed."""

import asyncio

import pytest

from prober.enrolment.loopback import Loopback
from prober.faults.taxonomy import FaultError


async def get(loopback: Loopback, request: str) -> str:
    """Send a request's first line and return the whole answer."""
    port = int(loopback.redirect_uri.rpartition(":")[2].strip("/"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request}\r\nHost: localhost\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_code_comes_with_the_state_that_was_handed_out() -> None:
    """Its page says so, names no secret, and lets nobody else see where it came from."""
    async with Loopback("S1") as loopback:
        assert loopback.redirect_uri.startswith("http://localhost:")
        answer = await get(loopback, "GET /?code=canary-code&state=S1 HTTP/1.1")
        assert (await loopback.code(5)).reveal() == "canary-code"
    assert answer.startswith("HTTP/1.1 200 ")
    assert "canary-code" not in answer
    assert "Referrer-Policy: no-referrer" in answer


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /?code=evil&state=S2 HTTP/1.1",
        "GET /?code=evil HTTP/1.1",
        "GET / HTTP/1.1",
        "POST /?code=evil&state=S1 HTTP/1.1",
        "GET /?error=access_denied&state=no HTTP/1.1",
        "nonsense",
    ],
)
async def test_strangers_end_nothing(request_line: str) -> None:
    """They get a page that says nothing, and the sign-in goes on."""
    async with Loopback("S1") as loopback:
        assert (await get(loopback, request_line)).startswith("HTTP/1.1 400 ")
        await get(loopback, "GET /?code=good&state=S1 HTTP/1.1")
        assert (await loopback.code(5)).reveal() == "good"
        assert (await get(loopback, "GET /?code=late&state=S1 HTTP/1.1")).startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("error", "told"), [("access_denied", "access_denied"), ("<script>", "other"), ("", "none"), ("x" * 99, "other")]
)
async def test_a_refusal_is_told_by_its_name_alone(error: str, told: str) -> None:
    async with Loopback("S1") as loopback:
        query = f"error={error}&" if error else ""
        answer = await get(loopback, f"GET /?{query}state=S1 HTTP/1.1")
        with pytest.raises(FaultError) as caught:
            await loopback.code(5)
    assert caught.value.fault.evidence == {"error": told}
    assert "<script>" not in answer


async def test_a_head_without_end_is_dropped_and_nobody_comes_for_ever() -> None:
    """Neither keeps the page from the one it waits for."""
    async with Loopback("S1") as loopback:
        port = int(loopback.redirect_uri.rpartition(":")[2].strip("/"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /" + b"x" * 40_000)
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(TimeoutError):
            await loopback.code(0.01)


async def test_it_has_no_address_before_it_listens() -> None:
    with pytest.raises(RuntimeError):
        assert Loopback("S1").redirect_uri
