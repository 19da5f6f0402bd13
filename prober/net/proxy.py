"""The way through an HTTP proxy: CONNECT for HTTPS and IMAP alike (RFC 9110 section 9.3.6).

What the proxy says belongs to the proxy: its faults never look like the mail server's.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterable

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind
from prober.net.origin import Origin
from prober.net.route import Proxy
from prober.net.stream import Chunk, Stream

HEAD = 65_536
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |\r\n)")
STATUS = {
    407: kinds.PROXY_AUTH_REQUIRED,
    502: kinds.PROXY_UPSTREAM_REFUSED,
    503: kinds.PROXY_UPSTREAM_REFUSED,
    504: kinds.PROXY_UPSTREAM_TIMEOUT,
}
OURS = frozenset({kinds.NO_DESCRIPTORS})


def bypasses(host: str, no_proxy: Iterable[str]) -> bool:
    """Return whether `host` is reached directly: named itself, below a `.suffix`, or everything (`*`)."""
    return any(_matches(host, rule.lower()) for rule in no_proxy)


def _matches(host: str, rule: str) -> bool:
    return rule == "*" or host == rule or (rule.startswith(".") and host.endswith(rule))


def unreachable(error: FaultError) -> FaultError:
    """Return the fault of not reaching the proxy, with what it was about as evidence."""
    fault = error.fault
    if fault.kind in OURS or fault.kind.domain is kinds.PROXY_UNREACHABLE.domain:
        return error
    return FaultError(kinds.PROXY_UNREACHABLE, {**fault.evidence, "cause": fault.kind.code}, phase=fault.phase)


def connect_request(origin: Origin, proxy: Proxy) -> bytes:
    """Return the CONNECT request, with Basic credentials (RFC 7617) where the proxy has some."""
    lines = [f"CONNECT {origin.authority} HTTP/1.1", f"Host: {origin.authority}"]
    if proxy.username or proxy.password:
        pair = f"{proxy.username}:{proxy.password.reveal() if proxy.password else ''}"
        lines.append(f"Proxy-Authorization: Basic {b64encode(pair.encode()).decode()}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def tunnel(stream: Stream, origin: Origin, proxy: Proxy, limit: float) -> float:
    """Have the proxy connect `stream` with `origin` within `limit` seconds; return the moment of its consent.

    Bytes that follow the consent stay in the stream. Raises `FaultError` (`proxy_…`): silence is taken for that of
    the server behind it.
    """
    try:
        async with asyncio.timeout(limit):
            await stream.send(connect_request(origin, proxy))
            head, at = await _head(stream)
    except FaultError as error:
        raise unreachable(error) from None
    except TimeoutError:
        raise FaultError(kinds.PROXY_UPSTREAM_TIMEOUT, {"status": "none"}) from None
    status = STATUS_LINE.match(head)
    if status is None:
        raise FaultError(kinds.PROXY_DENIED, {"status": "malformed"})
    if not status[1].startswith(b"2"):
        raise FaultError(_kind(int(status[1])), {"status": status[1].decode()})
    return at


def _kind(status: int) -> Kind:
    return STATUS.get(status, kinds.PROXY_DENIED)


async def _head(stream: Stream) -> tuple[bytes, float]:
    head = b""
    while (end := head.find(b"\r\n\r\n")) < 0:
        chunk = await stream.receive()
        if not chunk.data:
            raise FaultError(kinds.PEER_CLOSED)
        head += chunk.data
        if len(head) > HEAD:
            raise FaultError(kinds.PROXY_DENIED, {"status": "endless"})
    if rest := head[end + 4 :]:
        stream.unread(Chunk(rest, chunk.at))
    return head[: end + 4], chunk.at
