"""A thousand targets come to a running prober, and go again: how long until they are in force, and what that holds up.

The prober is at work with a hundred targets whose attempts are handed to it while the thousand come, as a schedule
would; nothing touches the network. Seconds are the processor's, which neighbours cannot take, and those on the wall;
a stall is what the loop's own thread computed before it came to an attempt that was due.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure, show
from benchmarks.fleet import outcome, service_of
from prober.app import Service, settle_memory
from prober.clients import catalogue
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.verdict import Circumstances, judge

KEPT, COME = 100, 1_000
GOAL, STALL = 1.0, 0.25
"""Seconds until they are in force; and the longest stall, above which an attempt would be called disturbed."""
TARGET = """\
  - name: {name}-{number:04}
    environment: exchange_server
    host: mail.corp.example
    clients: [{{client: imap4, interval: 1d}}]
"""
NAP = 0.002


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    with tempfile.TemporaryDirectory() as folder:
        return show("reload", asyncio.run(measured(Path(folder), KEPT, COME)))


def written(folder: Path, kept: int, come: int) -> Path:
    """Write a configuration of so many targets of either kind."""
    file = folder / "prober.yml"
    named = [("kept", number) for number in range(kept)] + [("come", number) for number in range(come)]
    file.write_text("targets:\n" + "".join(TARGET.format(name=name, number=number) for name, number in named))
    return file


async def measured(folder: Path, kept: int, come: int) -> Sequence[Figure]:
    """Return the figures of one reload to more targets, and of one back."""
    service = service_of(load([written(folder, kept, 0)], catalogue()))
    service._ready = True  # noqa: SLF001 - nobody serves here
    settle_memory()  # as it is done before it serves
    up = await _reload(service, written(folder, kept, come))
    down = await _reload(service, written(folder, kept, 0))
    await service.assembly.close()
    return [
        Figure(f"{come} targets in force, processor", up[0], "s", GOAL),
        Figure(f"{come} targets in force, wall", up[1], "s", GOAL),
        Figure("longest stall of the loop meanwhile", up[2], "s", STALL),
        Figure(f"{come} targets gone, processor", down[0], "s", GOAL),
        Figure(f"{come} targets gone, wall", down[1], "s", GOAL),
        Figure("longest stall of the loop meanwhile then", down[2], "s", STALL),
    ]


async def _reload(service: Service, file: Path) -> tuple[float, float, float]:
    """Return seconds of the processor and on the wall, and the longest stall."""
    stalls: list[float] = []
    ticking = asyncio.create_task(_attempt(service, stalls))
    await asyncio.sleep(10 * NAP)
    stalls.clear()
    processor, wall = time.process_time(), time.perf_counter()
    settings: Settings = await asyncio.to_thread(load, [file], catalogue())
    assert await service.reconfigure(settings) == ()
    took = time.process_time() - processor, time.perf_counter() - wall
    ticking.cancel()
    return *took, max(stalls)


async def _attempt(service: Service, stalls: list[float]) -> None:
    """Hand in attempts of those that stay, and note how much the loop computed while each short nap lasted."""
    assignment = service._settings.assignments[0]  # noqa: SLF001 - whatever is first
    made = outcome(assignment)
    judgement = judge(made, Circumstances(succeeded_before=True, since_success=60.0))
    while True:
        before = time.thread_time()
        await asyncio.sleep(NAP)
        stalls.append(time.thread_time() - before)
        service.tell(assignment, made, judgement)
