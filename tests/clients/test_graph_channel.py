"""The held connection: asked every minute, lost when it is another one."""

import asyncio
from typing import Any

import pytest

from prober.clients.graph_channel import HeldConnection
from prober.clients.graph_mailbox import GraphMailbox, mail_delta_next
from prober.clients.outlook_mac import CLIENT
from prober.faults.taxonomy import PEER_RESET, FaultError, Reason
from tests.clients.graph_made import Web, transaction
from tests.protocols.graph.made import DELTA, collection, error

QUIET, NEWS = collection(delta_link=DELTA), collection({"id": "1"}, delta_link=DELTA)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that moves when somebody waits."""
    moment = [0.0]

    async def pass_by(seconds: float) -> None:
        moment[0] += seconds

    monkeypatch.setattr(asyncio, "sleep", pass_by)
    return moment


async def opened(web: Web, now: list[float]) -> tuple[HeldConnection, Any]:
    held, tx = HeldConnection(), transaction(CLIENT, web, clock=lambda: now[0])
    await held.open(tx)
    return held, tx


async def test_it_is_asked_every_minute_until_there_is_news(now: list[float]) -> None:
    web = Web(delta=[QUIET, QUIET, NEWS, QUIET])
    held, tx = await opened(web, now)
    assert await held.wait(tx, 600.0)
    assert now[0] == 120.0
    tx.timeline.restart()
    assert not await held.wait(tx, 90.0)
    assert now[0] == 210.0
    await held.close(tx)


async def test_another_connection_is_a_lost_channel(now: list[float]) -> None:
    """Nobody asked for it to be closed."""
    web = Web(delta=QUIET)
    held, tx = await opened(web, now)
    web.opened += 1
    with pytest.raises(FaultError) as caught:
        await held.wait(tx, 600.0)
    assert caught.value.fault.reason is Reason.PUSH_CHANNEL_LOST


async def test_a_reset_while_asking_keeps_its_name(now: list[float]) -> None:
    """The channel's keeper calls it lost."""
    held, tx = await opened(Web(delta=[QUIET, FaultError(PEER_RESET)]), now)
    with pytest.raises(FaultError) as caught:
        await held.wait(tx, 600.0)
    assert caught.value.fault.reason is Reason.CONNECTION_RESET


async def test_an_attempt_in_between_takes_no_news_from_it(now: list[float]) -> None:
    """Each follows the Inbox by a link of its own."""
    web = Web(delta=[QUIET, NEWS, NEWS])
    held, tx = await opened(web, now)
    await mail_delta_next(tx, GraphMailbox())
    assert await held.wait(tx, 90.0)


async def test_a_link_that_is_known_no_more_brings_no_news(now: list[float]) -> None:
    """What comes with a new beginning was there before."""
    web = Web(delta=[QUIET, error("SyncStateNotFound", 410), NEWS, QUIET, NEWS])
    held, tx = await opened(web, now)
    assert not await held.wait(tx, 90.0)
    assert await held.wait(tx, 90.0)
