"""The measured side: a process that stays, and makes as many probes as it is told to, turn by turn.

For each number on a line of standard input it makes so many, at the concurrency of its kind, and prints what they cost.
"""

import asyncio
import importlib
import json
import logging
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prober.app import Service, settle_memory
from prober.clients import catalogue
from prober.exchange import Call
from prober.model import Assignment, Outcome
from prober.net.network import Network
from prober.net.route import Route, TlsPolicy
from prober.observe.sink import MOMENT
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.timeline import Timeline
from prober.transaction import Client
from prober.verdict import Judgement
from prober.vocabulary import Phase

CONCURRENCY = {"wire": 64, "imap": 64, "imap4": 64}
"""How many are under way at once, where it is not `USUAL`: a mail server greets when it gets round to it, and with
fewer the core would be idle in between, which makes every probe dearer than it is."""
USUAL = 16
# The server listens on IPv4 alone, and the exporter is told so as well. Starts are not spaced: one follows the other.
CONFIGURATION = """
global: {{network: {{family: ipv4}}}}
pacing: {{rate: 1000, ceiling: 1000}}
detector: {{second_looks: false}}
control: {{urls: ["{https}"], tls: {{ca_file: "{ca}"}}}}
targets:
"""
TARGET = """
  - name: bench-{number}
    environment: exchange_server
    endpoints: {{activesync: "{https}Microsoft-Server-ActiveSync", imap4: "{imap}"}}
    tls: {{ca_file: "{ca}"}}
    clients:
      - {{client: activesync, depth: reach}}
      - {{client: imap4, depth: reach}}
"""
ALIKE = ("options_anonymous", "greeting", "reach_logout")
"""The steps that ask what the exporter asks, and no more."""
Probe = Callable[[], Awaitable[bool]]
Wrong = Callable[[], Awaitable[int]]
"""Waits for what is left to be done with probes that were made, and tells how many of them went wrong after all."""


def transport(https: str, ca_file: str) -> Probe:
    """A new connection, TLS with verification, one GET: six phases and certificate facts."""
    network = Network(Route(tls=TlsPolicy(ca_file=ca_file), family="ipv4"))

    async def probe() -> bool:
        session = network.session(Timeline())
        try:
            return (await session.exchange(Call("GET", https))).status == 200
        finally:
            await session.close()

    return probe


def wire(imap: str, ca_file: str) -> Probe:
    """A new connection, TLS with verification, the greeting and LOGOUT: what the exporter's module does."""
    network = Network(Route(tls=TlsPolicy(ca_file=ca_file), family="ipv4"))

    async def probe() -> bool:
        session = network.session(Timeline())
        try:
            connection = await session.dial(imap)
            greeting = await connection.receive() or b""
            await connection.send(b". LOGOUT\r\n")
            parting = await connection.receive() or b""
            return greeting.startswith(b"* OK") and parting.startswith(b"* BYE")
        finally:
            await session.close()

    return probe


def alike() -> Mapping[str, Client[Any]]:
    """Return the clients cut down to the steps that do the exporter's work."""
    clients = dict(catalogue())
    for name in ("activesync", "imap4"):
        kept = tuple(step for step in clients[name].steps if step.name in ALIKE)
        clients[name] = replace(clients[name], steps=kept)
    return MappingProxyType(clients)


def alike_settings(clients: Mapping[str, Client[Any]], https: str, imap: str, ca_file: str, targets: int) -> Settings:
    """Return a configuration of so many targets, all of them the one server."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.yml"
        each = (TARGET.format(number=number, https=https, imap=imap, ca=ca_file) for number in range(targets))
        file.write_text(CONFIGURATION.format(https=https, ca=ca_file) + "".join(each))
        return load([file], clients)


class Product:
    """The whole prober, its attempts started one by one as its schedule does; every verdict and phase is checked."""

    def __init__(self, client: str, clients: Mapping[str, Client[Any]], settings: Settings) -> None:
        self._service = Service(settings, clients, Store.open(None), sinks=[self._hear])
        self._idle = deque(one for one in settings.assignments if one.client == client)
        self._begun = 0
        self._heard: list[bool] = []
        self.at_once = len(self._idle)
        """How many attempts there can be at once: one of each assignment."""

    async def probe(self) -> bool:
        """Have one attempt made, as the runner does; how it went is heard later."""
        assignment = self._idle.popleft()
        self._begun += 1
        await asyncio.create_task(self._service.assembly.attempts.scheduled(assignment, time.monotonic()))
        self._idle.append(assignment)
        return True

    async def wrong(self) -> int:
        """Wait until all were told of; return how many since last asked did not go well or were not wholly measured."""
        await asyncio.sleep(5 * MOMENT)
        wrong, self._begun = self._begun - self._heard.count(True), 0
        self._heard.clear()
        return wrong

    def _hear(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        first = outcome.results[0]
        measured = first.certificate is not None and {Phase.DNS, Phase.CONNECT, Phase.TLS, Phase.WAIT} <= set(
            first.phases
        )
        self._heard.append(judgement.verdict == "ok" and measured)


async def none_wrong() -> int:
    """Say that every probe has told how it went."""
    return 0


async def work(probe: Probe, wanted: int, at_once: int, wrong: Wrong = none_wrong) -> dict[str, float]:
    """Make `wanted` probes; return CPU seconds and how many succeeded. The first of them are not counted."""
    await warm(probe, at_once)
    return await counted(probe, wanted, at_once, wrong)


async def warm(probe: Probe, at_once: int) -> None:
    """Make the first probes: every assignment has its series and its place in the detector then."""
    for _ in range(2):
        await asyncio.gather(*(probe() for _ in range(at_once)))
    settle_memory()  # as `run` does once it has started


async def counted(probe: Probe, wanted: int, at_once: int, wrong: Wrong = none_wrong) -> dict[str, float]:
    """Make `wanted` probes, so many at once; return CPU seconds, those of the kernel, and how many succeeded."""
    left, good = wanted, 0

    async def one_after_the_other() -> None:
        nonlocal left, good
        while left > 0:
            left -= 1
            succeeded = await probe()  # on a line of its own: `good +=` would read `good` before it waits
            good += succeeded

    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    good -= await wrong()
    after = resource.getrusage(resource.RUSAGE_SELF)
    kernel = after.ru_stime - before.ru_stime
    return {"cpu": after.ru_utime - before.ru_utime + kernel, "kernel": kernel, "good": good}


async def made(kind: str, https: str, imap: str, ca_file: str) -> tuple[Probe, int, Wrong]:
    """Return the probe of `kind`, warm, how many of it are made at once, and what tells of those that went wrong."""
    at_once, wrong = CONCURRENCY.get(kind, USUAL), none_wrong
    if kind in ("transport", "wire"):
        probe = transport(https, ca_file) if kind == "transport" else wire(imap, ca_file)
    else:
        clients = alike() if kind in ("https", "imap") else catalogue()
        client = {"https": "activesync", "imap": "imap4"}.get(kind, kind)
        product = Product(client, clients, alike_settings(clients, https, imap, ca_file, at_once))
        probe, wrong = product.probe, product.wrong
    await warm(probe, at_once)
    await wrong()
    return probe, at_once, wrong


def main(kind: str, https: str, imap: str, ca_file: str, loop: str) -> None:
    """Work on the loop `loop` (`stdlib` or `uvloop`), and print the result of each turn as JSON."""
    logging.getLogger("prober").setLevel(logging.WARNING)
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        probe, at_once, wrong = runner.run(made(kind, https, imap, ca_file))
        for line in sys.stdin:
            print(json.dumps(runner.run(counted(probe, int(line), at_once, wrong))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
