"""Two thousand sessions held by the simulated tenant on one core, and how fast it still answers.

The tenant runs as `prober simulate` in a process of its own, on one core; half of the sessions wait in IDLE, half in
Ping, each over TLS. Meanwhile others ask, at a steady rate, and their answers are timed here, at the client.
"""

import asyncio
import itertools
import json
import re
import resource
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.figures import Figure, show

SESSIONS = 2_000
MAILBOXES = 20
ASKERS, RATE, SECONDS = 20, 150.0, 20.0
"""Connections that ask, questions per second of all of them together, and for how long."""
AT_ONCE = 16
LAYOUT = "domain: corp.example\nsites: [{name: hq, region: eu, code: HQX, environment: exchange_server}]\nmailboxes:\n"
PROVISION = bytes.fromhex("03016A00000E4546474803") + b"MS-EAS-Provisioning-WBXML" + bytes.fromhex("0001010101")
FOLDER_SYNC = bytes.fromhex("03016A00000756520330000101")
PING = bytes.fromhex("03016A00000D4548") + b"\x033000\x00\x01" + bytes.fromhex("494A4B03310001010101")
POLICY_KEY = re.compile(rb"\x49\x03(\d+)\x00")

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Crowd:
    """The tenant's addresses, and everybody who is connected."""

    told: dict[str, Any]
    context: ssl.SSLContext
    held: list[Stream] = field(default_factory=list)
    waits: list[asyncio.Task[float]] = field(default_factory=list)

    async def connect(self, scheme: str) -> Stream:
        """Open a connection to the host that everybody shares."""
        host = next(one for one in self.told["hosts"] if one["scheme"] == scheme and one["site"])
        return await asyncio.open_connection(
            host["address"], host["port"], ssl=self.context, server_hostname=host["name"]
        )

    def account(self, number: int) -> tuple[str, str]:
        """Return address and password of whom a session is for."""
        one = self.told["mailboxes"][number // 2 % MAILBOXES]
        return one["address"], one["password"]

    async def reader(self, number: int) -> Stream:
        """Open an IMAP session with the Inbox selected."""
        stream = await self.connect("imaps")
        await stream[0].readline()
        address, password = self.account(number)
        await said(stream, f'a LOGIN "{address}" "{password}"')
        await said(stream, "a SELECT INBOX")
        return stream

    async def idling(self, number: int) -> None:
        """Hold a session in IDLE."""
        stream = await self.reader(number)
        stream[1].write(b"a IDLE\r\n")
        await stream[0].readline()
        self.held.append(stream)
        self.waits.append(asyncio.create_task(_arrival(stream)))

    async def phone(self, number: int) -> tuple[Stream, str]:
        """Open an HTTPS connection of a provisioned device; return it with the head of its requests."""
        stream = await self.connect("https")
        address, password = self.account(number)
        basic = b64encode(f"{address}:{password}".encode()).decode()
        head = (
            f"POST /Microsoft-Server-ActiveSync?Cmd={{}}&User={address}&DeviceId=bench{number}&DeviceType=Bench "
            "HTTP/1.1\r\n"
            f"Host: bench\r\nAuthorization: Basic {basic}\r\nMS-ASProtocolVersion: 16.1\r\n"
        )
        key = POLICY_KEY.search(await posted(stream, head.format("Provision"), PROVISION))
        assert key
        acknowledged = PROVISION[:-3] + b"\x49\x03" + key[1] + b"\x00\x01" + bytes.fromhex("4B03310001010101")
        final = POLICY_KEY.search(await posted(stream, head.format("Provision"), acknowledged))
        assert final
        return stream, f"{head}X-MS-PolicyKey: {final[1].decode()}\r\n"

    async def pinging(self, number: int) -> None:
        """Hold a device's Ping."""
        stream, head = await self.phone(number)
        await posted(stream, head.format("FolderSync"), FOLDER_SYNC)
        stream[1].write(_request(head.format("Ping"), PING))
        self.held.append(stream)
        self.waits.append(asyncio.create_task(_arrival(stream)))


async def _arrival(stream: Stream) -> float:
    """Return when the next bytes came."""
    if not await stream[0].read(1):
        raise ConnectionError("closed")
    return time.perf_counter()


async def said(stream: Stream, command: str) -> None:
    """Say an IMAP command and read to its tagged answer."""
    stream[1].write(command.encode() + b"\r\n")
    while not (line := await stream[0].readline()).startswith(b"a "):
        assert line
    assert line.startswith(b"a OK"), line


async def posted(stream: Stream, head: str, body: bytes) -> bytes:
    """Send a request and return the answer's body."""
    stream[1].write(_request(head, body))
    answer = await stream[0].readuntil(b"\r\n\r\n")
    assert b" 200 " in answer[:20], answer
    length = re.search(rb"(?i)content-length: (\d+)", answer)
    return await stream[0].readexactly(int(length[1]) if length else 0)


def _request(head: str, body: bytes) -> bytes:
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def main(sessions: int = SESSIONS, seconds: float = SECONDS) -> bool:
    """Run the bench; return whether every goal is met."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with TemporaryDirectory(prefix="bench-tenant-") as name:
        return show("tenant", _measured(Path(name), sessions, seconds))


def _measured(folder: Path, sessions: int, seconds: float) -> Sequence[Figure]:
    places = "".join(f"  - {{address: probe{n}@corp.example, site: hq}}\n" for n in range(MAILBOXES))
    (folder / "tenant.yml").write_text(LAYOUT + places)
    state = folder / "state.json"
    arguments = [f"--config.file={folder / 'tenant.yml'}", f"--state-file={state}"]
    command = [sys.executable, "-m", "prober", "simulate", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        while "Stop with" not in process.stdout.readline():
            assert process.poll() is None
        tenant = psutil.Process(process.pid)
        with suppress(AttributeError, psutil.Error):
            tenant.cpu_affinity([(psutil.cpu_count() or 1) - 1])
        return asyncio.run(_crowded(json.loads(state.read_text()), tenant, sessions, seconds))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


async def _crowded(told: dict[str, Any], tenant: psutil.Process, sessions: int, seconds: float) -> list[Figure]:
    crowd = Crowd(told, ssl.create_default_context(cafile=told["ca_file"]))
    empty = tenant.memory_info().rss
    gate = asyncio.Semaphore(AT_ONCE)

    async def through(number: int) -> None:
        async with gate:
            await (crowd.idling(number) if number % 2 else crowd.pinging(number))

    began = time.perf_counter()
    await asyncio.gather(*map(through, range(sessions)))
    opened = time.perf_counter() - began
    crowded = tenant.memory_info().rss
    before, lags, since = _cpu(tenant), list[float](), time.perf_counter()
    times = await _asked(crowd, sessions, seconds, lags)
    busy = (_cpu(tenant) - before) / (time.perf_counter() - since)
    alive = sum(not wait.done() for wait in crowd.waits)
    reached = await _delivered(crowd)
    for _, writer in crowd.held:
        writer.transport.abort()
    for wait in crowd.waits:
        wait.cancel()
    await asyncio.gather(*crowd.waits, return_exceptions=True)
    return [
        Figure("sessions held", sessions, ""),
        Figure("of these lost", sessions - alive, "", 0),
        Figure("opened per second", sessions / opened, "/s"),
        Figure("questions", len(times), ""),
        Figure("answer, median", _percentile(times, 50) * 1e3, "ms"),
        Figure("answer, p99", _percentile(times, 99) * 1e3, "ms", 50),
        Figure("answer, longest", max(times) * 1e3, "ms"),
        Figure("lag of the asking side, p99", _percentile(lags, 99) * 1e3, "ms"),
        Figure("share of the core in use", busy * 100, "%"),
        Figure("memory per session", (crowded - empty) / sessions / 1024, "KiB"),
        Figure("a delivery reaches all who wait", reached * 1e3, "ms"),
    ]


async def _asked(crowd: Crowd, sessions: int, seconds: float, lags: list[float]) -> list[float]:
    """Ask at a steady rate, half by NOOP, half by FolderSync; return how long each answer took."""
    readers = [await crowd.reader(n) for n in range(ASKERS // 2)]
    phones = [await crowd.phone(sessions + n) for n in range(ASKERS // 2)]
    times: list[float] = []
    start = time.perf_counter()

    async def asking(place: int) -> None:
        for turn in range(int(seconds * RATE / ASKERS)):
            due = start + (turn + place / ASKERS) * ASKERS / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            lags.append(max(0.0, began - due))
            if place % 2:
                await said(readers[place // 2], "a NOOP")
            else:
                stream, head = phones[place // 2]
                await posted(stream, head.format("FolderSync"), FOLDER_SYNC)
            times.append(time.perf_counter() - began)

    await asyncio.gather(*map(asking, range(ASKERS)))
    for _, writer in (*readers, *(stream for stream, _ in phones)):
        writer.transport.abort()
    return times


async def _delivered(crowd: Crowd) -> float:
    """Deliver a message to one mailbox; return how long it took until the last of its waiting sessions heard of it."""
    address, _ = crowd.account(0)
    waiting = [wait for wait in crowd.waits if not wait.done()]
    body = json.dumps({"mailbox": address, "subject": "news"}).encode()
    request = urllib.request.Request(crowd.told["control"] + "deliver", body)
    began = time.perf_counter()
    await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).close())
    due = len(crowd.waits) // MAILBOXES
    heard = [await one for one in itertools.islice(asyncio.as_completed(waiting, timeout=10), due)]
    return max(heard) - began


def _cpu(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def _percentile(values: Sequence[float], which: int) -> float:
    return quantiles(values, n=100)[which - 1]
