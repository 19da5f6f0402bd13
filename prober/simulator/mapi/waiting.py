"""NotificationWait: the request Outlook leaves open to hear of new mail (MS-OXCMAPIHTTP sections 2.2.4.4, 3.2.5.5)."""

import asyncio
from collections.abc import AsyncIterator

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import CutOff
from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi import bodies
from prober.simulator.mapi.contexts import Context, Contexts
from prober.simulator.mapi.envelope import PENDING, PENDING_PERIOD, PROCESSING, done
from prober.simulator.tenant import Clocks

LONGEST = 300.0
"""Seconds after which a wait ends where nothing happens."""


class Wait:
    """One request that waits. A fault makes it end early, fall silent, or see nothing."""

    def __init__(self, contexts: Contexts, context: Context, mailbox: Mailbox, clocks: Clocks) -> None:
        self._contexts = contexts
        self._context = context
        self._mailbox = mailbox
        self._clocks = clocks

    async def pieces(self, fault: Fault | None) -> AsyncIterator[bytes]:
        """Give a sign of life every pending period until something has happened, then the answer."""
        started = self._clocks.wall()
        kind = fault.kind if fault is not None else ""
        limit = fault.number("after", 1) if fault is not None and kind == "push_drop" else LONGEST
        blind = kind == "push_silent"
        self._context.waiting += 1
        try:
            yield PROCESSING
            if blind and fault is not None and fault.text("says") != "no_change":
                await asyncio.Event().wait()
            with self._mailbox.watching() as news:
                async for sign in self._signs(news, limit, blind=blind):
                    yield sign
        finally:
            self._context.waiting -= 1
            self._contexts.touch(self._context)
        happened = self._happened(blind=blind)
        if kind == "push_drop" and not happened:
            raise CutOff
        self._context.told = self._mailbox.sequence
        yield done(bodies.notified(pending=happened), started, self._clocks)

    async def _signs(self, news: asyncio.Event, limit: float, *, blind: bool) -> AsyncIterator[bytes]:
        """Give a line for every pending period that passes without news, for `limit` seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + limit
        while not self._happened(blind=blind) and loop.time() < until:
            news.clear()
            beat = min(until, loop.time() + PENDING_PERIOD / 1000)
            if not await _until(news, beat, blind=blind) and loop.time() < until:
                yield PENDING

    def _happened(self, *, blind: bool) -> bool:
        return not blind and self._mailbox.sequence > self._context.told


async def _until(news: asyncio.Event, beat: float, *, blind: bool) -> bool:
    """Wait for news until `beat` on the loop's clock; say whether there were any. A blind one waits in any case."""
    try:
        async with asyncio.timeout_at(beat):
            await (asyncio.Event() if blind else news).wait()
    except TimeoutError:
        return False
    return True
