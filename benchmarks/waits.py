"""The measured side of the accuracy bench: attempts by the prober's own plan and runner, and what each measured.

Each attempt is a session of its own that asks the delay server once; what it measured as wait is compared with what the
server says of the same request in its answer. Prints one JSON object.
"""

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Iterator
from types import MappingProxyType
from typing import cast

from prober.app import settle_memory
from prober.exchange import Call
from prober.model import Assignment, Target
from prober.net.network import Network
from prober.net.route import Route, Timestamps, TlsPolicy
from prober.schedule.plan import Plan, fraction
from prober.schedule.runner import Runner
from prober.timeline import Timeline
from prober.vocabulary import Depth, Environment, Phase

INTERVAL = 1.0
WARM_UP = 0.4
"""Seconds before the first attempt that counts."""
DRAIN = 1.0
DELAY = (0.0499, 0.5)
"""What the server's delay must lie between, in seconds: fifty milliseconds, or it was held up beyond use."""


def truth(body: bytes) -> float:
    """Return the seconds between reading and writing that the delay server tells of. Raises `ValueError`."""
    words = body.split()
    if len(words) != 3:
        raise ValueError(f"not an answer of the delay server: {body[:60]!r}")
    delay = (int(words[2]) - int(words[1])) * 1e-9
    if not DELAY[0] <= delay <= DELAY[1]:
        raise ValueError(f"a delay of {delay:g} s")
    return delay


def spread(count: int, interval: float = INTERVAL) -> Iterator[Assignment]:
    """Give `count` assignments whose starts are evenly spread: the first names whose phase lies near each place."""
    nowhere: MappingProxyType[str, str] = MappingProxyType({})
    free = set(range(count))
    number = 0
    while free:
        number += 1
        target = Target(f"bench-{number}", Environment.EXCHANGE_SERVER, endpoints=nowhere)
        one = Assignment("imap4", target, Depth.REACH, interval=interval, timeout=interval)
        place = fraction(one.key) * count
        if int(place) in free and 0.4 <= place % 1 < 0.6:
            free.remove(int(place))
            yield one


class Probing:
    """Attempts, and what came of those that count."""

    def __init__(self, url: str, network: Network) -> None:
        self.errors: list[float] = []
        self.late: list[float] = []
        self.wrong: list[str] = []
        self.missing = 0
        self.counts_from = float("inf")
        self._url = url
        self._network = network
        self._number = 0

    async def attempt(self, _: Assignment, intended: float) -> None:
        """Ask once. What is not as it must be is kept as a mistake of the whole run."""
        late = time.monotonic() - intended
        self._number += 1
        timeline = Timeline()
        session = self._network.session(timeline)
        try:
            reply = await session.exchange(Call("GET", f"{self._url}?n={self._number}"))
            delay = truth(reply.body)
        except Exception as exc:  # noqa: BLE001 - every failure is one figure less, and ends the bench
            self.wrong.append(f"{type(exc).__name__}: {exc}")
            return
        finally:
            await session.close()
        if intended >= self.counts_from:
            self.errors.append(abs(timeline.spent[Phase.WAIT] - delay))
            self.late.append(late)

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """The attempt before was still under way, or the start came far too late: the rate was not kept."""
        self.missing += count

    def crashed(self, assignment: Assignment) -> None:
        """The bench itself is broken."""
        self.wrong.append("an attempt crashed")


async def probe(url: str, ca_file: str, timestamps: Timestamps, rate: int, seconds: float) -> dict[str, object]:
    """Make `rate` attempts a second for `seconds`; return what came of them and the share of a core it took."""
    route = Route(tls=TlsPolicy(ca_file=ca_file), family="ipv4", timestamps=timestamps)
    network = Network(route)
    probing = Probing(url, network)
    plan = Plan(spread(rate), now=time.monotonic(), epoch=time.time())
    running = Runner(plan, probing.attempt, probing)
    scheduling = asyncio.create_task(running.run())
    settle_memory()  # as `run` does once it has started
    await asyncio.sleep(WARM_UP)
    began, before = time.monotonic(), time.process_time()
    probing.counts_from = began
    await asyncio.sleep(seconds)
    load = (time.process_time() - before) / (time.monotonic() - began)
    scheduling.cancel()
    await asyncio.wait([scheduling])
    await running.drain(DRAIN)
    await network.close()
    return {
        "errors": probing.errors,
        "late": probing.late,
        "load": load,
        "missed": probing.missing / (rate * (WARM_UP + seconds)),
        "wrong": probing.wrong[:3],
    }


def main(url: str, ca_file: str, timestamps: str, rate: str, seconds: str, loop: str) -> None:
    """Probe on the loop `loop` (`stdlib` or `uvloop`), and print the result as JSON."""
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        done = runner.run(probe(url, ca_file, cast("Timestamps", timestamps), int(rate), float(seconds)))
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
