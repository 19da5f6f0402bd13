"""What stands in a server's place, met by TLS."""

import asyncio
import socket
import ssl

import pytest

from prober.simulator.ground.traps import Trap


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def shake(port: int) -> str:
    """Return what a client meets with that wants TLS."""
    try:
        async with asyncio.timeout(0.3):
            await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname="x.test")
    except TimeoutError:
        return "silence"
    except ssl.SSLEOFError:
        return "end"
    except ssl.SSLError as exc:
        return (exc.reason or "").lower()
    except ConnectionResetError:
        return "reset"
    return "welcome"


@pytest.mark.parametrize(
    ("kind", "met"),
    [
        ("connect_blackhole", {"silence"}),
        ("tls_stall", {"silence"}),
        ("tls_close", {"end", "reset"}),  # asyncio has one error for an end within a handshake and for a reset
        ("tls_reset", {"reset"}),
        ("tls_plain", {"wrong_version_number", "record_layer_failure"}),  # OpenSSL's words, old and new
    ],
)
async def test_who_is_caught_meets_with_what_the_trap_is_for(kind: str, met: set[str]) -> None:
    """As often as somebody comes, and no more once it is closed."""
    port = free_port()
    trap = Trap(kind, "127.0.0.1", port)
    try:
        for _ in range(2):
            assert await shake(port) in met
    finally:
        trap.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(("kind", "said"), [("tls_close", b""), ("tls_plain", b"HTTP/1.1 400 Bad Request\r\n")])
async def test_the_end_is_an_orderly_one(kind: str, said: bytes) -> None:
    """Whoever spoke reads what is said, and then the end: no reset."""
    port = free_port()
    trap = Trap(kind, "127.0.0.1", port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    assert (await reader.read()).startswith(said)
    writer.close()
    trap.close()


async def test_whoever_has_not_spoken_yet_is_let_go_with_the_trap() -> None:
    """Nobody is left hanging on a closed place."""
    port = free_port()
    trap = Trap("tls_close", "127.0.0.1", port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0)
    trap.close()
    assert await asyncio.wait_for(_rest(reader), 5) == b""
    writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def test_a_taken_place_is_no_place_for_a_trap() -> None:
    """And says so."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        with pytest.raises(OSError, match="in use"):
            Trap("tls_stall", "127.0.0.1", one.getsockname()[1])
