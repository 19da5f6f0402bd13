"""How Prometheus asks an exporter, so that the exporter's figures are what it costs where it is used."""

import asyncio
import gzip

KINDS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
FIELDS = (
    "User-Agent: Prometheus/2.42.0",
    f"Accept: {KINDS}",
    "Accept-Encoding: gzip",
    "X-Prometheus-Scrape-Timeout-Seconds: 10",
)
"""Header fields of a scrape; a test compares them with those of the Prometheus that is installed."""


def asking(path: str) -> bytes:
    """Return the request for `path`, on a connection that stays."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: localhost", *FIELDS, "", "")).encode()


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """Return the body of the next response, unpacked."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await _chunks(reader) if b"transfer-encoding: chunked" in head else await _whole(reader, head)
    return gzip.decompress(body) if b"content-encoding: gzip" in head else body


async def _whole(reader: asyncio.StreamReader, head: bytes) -> bytes:
    return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
