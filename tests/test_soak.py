"""The short version of the soak: what is cancelled leaves nothing behind."""

import asyncio
import gc
import random
from pathlib import Path

from tests.servers.pki import Pki
from tests.soak import churn, serving


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_cancelled_transactions_leave_no_descriptor_and_no_task(pki: Pki) -> None:
    async with serving(pki) as (url, network):
        await churn(network, url, 50, random.Random(1))
        before = await _settled()
        cancelled = await churn(network, url, 400, random.Random(2))
        after = await _settled()
    assert cancelled > 50
    assert after <= before


async def _settled() -> tuple[int, int]:
    """Descriptors and tasks once the server's side has seen every connection go."""
    lowest = (10**6, 10**6)
    for _ in range(300):
        await asyncio.sleep(0)
        lowest = min(lowest, (descriptors(), len(asyncio.all_tasks())))
    gc.collect()
    return min(lowest, (descriptors(), len(asyncio.all_tasks())))
