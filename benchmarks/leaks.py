"""Ten thousand transactions, half of them to be cancelled at a random moment: nothing may stay behind."""

import asyncio
import gc
import random

import psutil

from benchmarks.figures import Figure, show
from tests.servers.account import fresh_room
from tests.servers.pki import Pki
from tests.soak import churn, serving

COUNT = 10_000
SEED = 20_261_123


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    with fresh_room("pki") as room:
        return show("leaks", asyncio.run(_measured(Pki(room))))


async def _measured(pki: Pki) -> list[Figure]:
    process = psutil.Process()
    async with serving(pki) as (url, network):
        await churn(network, url, COUNT // 2, random.Random(SEED))
        gc.collect()
        before = (process.num_fds(), len(asyncio.all_tasks()), process.memory_info().rss)
        cancelled = await churn(network, url, COUNT, random.Random(SEED + 1))
        gc.collect()
        after = (process.num_fds(), len(asyncio.all_tasks()), process.memory_info().rss)
    return [
        Figure("transactions", COUNT, ""),
        Figure("of these cancelled", cancelled, ""),
        Figure("descriptors that stayed", after[0] - before[0], "", 0),
        Figure("tasks that stayed", after[1] - before[1], "", 0),
        Figure("memory that stayed", (after[2] - before[2]) / 2**20, "MiB", 8),
    ]
