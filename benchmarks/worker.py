"""The measured side: makes N probes at a concurrency, in a process of its own, and prints what they cost."""

import asyncio
import gc
import importlib
import json
import resource
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.exchange import Call
from prober.history.history import History
from prober.net.network import Network
from prober.net.route import Route, TlsPolicy
from prober.observe.metrics import Metrics
from prober.settings.load import load
from prober.storage.store import Store
from prober.timeline import Timeline
from prober.transaction import perform

CONCURRENCY = 16
# The server listens on IPv4 alone, and the exporter is told so as well.
CONFIGURATION = """
global: {{network: {{family: ipv4}}}}
targets:
  - name: bench
    environment: exchange_server
    endpoints: {{imap4: "{imap}"}}
    tls: {{ca_file: "{ca}"}}
    clients: [{{client: imap4}}]
control: {{urls: ["{https}"], tls: {{ca_file: "{ca}"}}}}
"""
Probe = Callable[[], Awaitable[bool]]


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


def attempt(client: str, https: str, imap: str, ca_file: str) -> Probe:
    """A whole attempt of `client` at depth `reach`: steps, verdict, metrics, history."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.yml"
        file.write_text(CONFIGURATION.format(imap=imap, https=https, ca=ca_file))
        settings = load([file], catalogue())
    metrics = Metrics(settings.assignments, catalogue(), vantage="bench")
    history = History(None, vantage="bench", watch=metrics)
    assembly = Assembly(
        settings, catalogue(), Store.open(None), watch=Unwatched(), tell=lambda *_: None, lagged=metrics.loop_lag
    )
    assignment = next(one for one in settings.assignments if one.client == client)

    async def probe() -> bool:
        tx = assembly.open(assignment)
        tx.session = history.record(assignment).watch(tx.session)
        outcome = await perform(catalogue_of[client], tx)
        judgement = assembly.judging.judge(assignment, outcome)
        metrics(assignment, outcome, judgement)
        history(assignment, outcome, judgement)
        return judgement.verdict == "ok"

    catalogue_of = catalogue()
    return probe


async def work(probe: Probe, count: int) -> dict[str, float]:
    """Make `count` probes; return CPU seconds and how many succeeded. The first few warm up and are not counted."""
    for _ in range(CONCURRENCY):
        await probe()
    gc.collect()
    gc.freeze()  # as `run` does once it has started
    left, good = count, 0

    async def one_after_the_other() -> None:
        nonlocal left, good
        while left > 0:
            left -= 1
            succeeded = await probe()  # on a line of its own: `good +=` would read `good` before it waits
            good += succeeded

    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(one_after_the_other() for _ in range(CONCURRENCY)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "good": good}


async def run(kind: str, https: str, imap: str, ca_file: str, count: int) -> dict[str, float]:
    """Make the probe of `kind` on this loop, and work."""
    if kind == "transport":
        probe = transport(https, ca_file)
    elif kind == "wire":
        probe = wire(imap, ca_file)
    else:
        probe = attempt(kind, https, imap, ca_file)
    return await work(probe, count)


def main(kind: str, https: str, imap: str, ca_file: str, count: str, loop: str) -> None:
    """Work on the loop `loop` (`stdlib` or `uvloop`), and print the result as JSON."""
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(run(kind, https, imap, ca_file, int(count)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
