"""The exporter is asked as Prometheus asks it, and its answer read however it comes."""

import asyncio
import gzip
import socket

import pytest

from benchmarks.scrape import asking, body_of
from tests.servers.fixtures import StartPrometheus

TEXT = b"# HELP probe_success Well.\nprobe_success 1.0\n# EOF\n"


def fields(request: bytes) -> dict[str, str]:
    """Return the header fields that a scrape has beside those of every request."""
    lines = request.decode().removesuffix("\r\n\r\n").split("\r\n")[1:]
    return {name: value for name, value in (line.split(": ", 1) for line in lines) if name != "Host"}


def test_the_exporter_is_asked_as_prometheus_asks_it(start_prometheus: StartPrometheus) -> None:
    """What a real one sends; versions and time-outs are its own affair."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30.0)
        start_prometheus(f"127.0.0.1:{listening.getsockname()[1]}", [])
        with listening.accept()[0] as peer:
            peer.settimeout(30.0)
            asked = b""
            while not asked.endswith(b"\r\n\r\n"):
                asked += peer.recv(65_536)
    real, ours = fields(asked), fields(asking("/probe?module=https"))
    assert real.keys() == ours.keys()
    assert real.pop("User-Agent").startswith("Prometheus/")
    assert ours.pop("User-Agent").startswith("Prometheus/")
    for timeout in (real, ours):
        assert float(timeout.pop("X-Prometheus-Scrape-Timeout-Seconds")) > 0.0
    assert real == ours


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_is_read_however_it_comes(*, packed: bool, chunked: bool) -> None:
    """Whole or in chunks, packed or not; what follows on the connection is left alone."""
    body = gzip.compress(TEXT) if packed else TEXT
    encoding = b"Content-Encoding: gzip\r\n" if packed else b""
    if chunked:
        sent = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n"
        sent %= (7, body[:7], len(body) - 7, body[7:])
    else:
        sent = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    async def read() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(b"HTTP/1.1 200 OK\r\n" + encoding + sent + b"HTTP/1.1 ")
        return await body_of(reader), await reader.read(9)

    assert asyncio.run(read()) == (TEXT, b"HTTP/1.1 ")
