"""Ten thousand transactions, half of them to be cancelled at a random moment: nothing may stay behind."""

import asyncio
import gc
import random

import psutil

from benchmarks.figures import Figure, show
from tests.servers.account import fresh_room
from tests.servers.pki import Pki
from tests.soak import churn, serving

COUNT, AT_A_TIME = 10_000, 5_000
"""Transactions in all, and how many tasks there are for them at a time: more than in the first round, which counts for
nothing, would make the process larger by themselves."""
SEED = 20_261_123


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    with fresh_room("pki") as room:
        return show("leaks", asyncio.run(_measured(Pki(room))))


async def _measured(pki: Pki) -> list[Figure]:
    process = psutil.Process()
    async with serving(pki) as (url, network):
        await churn(network, url, AT_A_TIME, random.Random(SEED))
        before = await _held(process)
        dice = random.Random(SEED + 1)
        cancelled = sum([await churn(network, url, AT_A_TIME, dice) for _ in range(COUNT // AT_A_TIME)])
        after = await _held(process)
    return [
        Figure("transactions", COUNT, ""),
        Figure("of these cancelled", cancelled, ""),
        Figure("descriptors that stayed", after[0] - before[0], "", 0),
        Figure("tasks that stayed", after[1] - before[1], "", 0),
        Figure("Python objects that stayed", after[2] - before[2], "", 500),
        Figure("memory that stayed", (after[3] - before[3]) / 2**20, "MiB", 8),
    ]


async def _held(process: psutil.Process) -> tuple[int, int, int, int]:
    """Return descriptors, tasks, objects that the collector knows, and bytes of resident memory."""
    for _ in range(50):
        await asyncio.sleep(0)  # ended tasks are let go of only when the loop has turned
    gc.collect()
    return process.num_fds(), len(asyncio.all_tasks()), len(gc.get_objects()), process.memory_info().rss
