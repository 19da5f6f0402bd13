"""The wait for news over MAPI, against the simulated tenant: a delivery ends it, silence and loss are told."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from prober.clients.mapi_channel import HeldNotification
from prober.faults.taxonomy import FaultError, Reason
from prober.model import PushSettings
from prober.transaction import Transaction
from tests.rehearsal.theatre import Theatre, assigned, theatre

__all__ = ["theatre"]
CLIENT = "outlook_desktop"


@pytest.fixture
def held(theatre: Theatre) -> Iterator[tuple[HeldNotification, Transaction]]:
    """An open channel, and the transaction it is open in."""
    assembly = theatre.assembly(theatre.settings)
    assignment = replace(assigned(theatre.settings, CLIENT), push=PushSettings())
    channel, tx = HeldNotification(), assembly.open(assignment)
    theatre.run(channel.open(tx))
    yield channel, tx
    theatre.run(channel.close(tx))
    theatre.run(tx.close())
    theatre.run(theatre.clear())
    theatre.run(assembly.close())


def lost(theatre: Theatre, held: tuple[HeldNotification, Transaction], seconds: float) -> FaultError:
    """Wait in vain; return why."""
    channel, tx = held

    async def scene() -> FaultError:
        asyncio.get_running_loop().call_later(5, theatre.mailbox.deliver, "news")
        with pytest.raises(FaultError) as caught:
            await channel.wait(tx, seconds)
        return caught.value

    return theatre.run(scene())


def test_a_delivery_ends_the_wait_and_quiet_does_not(
    theatre: Theatre, held: tuple[HeldNotification, Transaction]
) -> None:
    """As often as there is news; a mailbox in which nothing happens is held in peace."""
    channel, tx = held

    async def scene() -> list[bool]:
        told = []
        for delivery in (True, False, True):
            if delivery:
                asyncio.get_running_loop().call_later(5, theatre.mailbox.deliver, "news")
            told.append(await channel.wait(tx, 90.0))
        return told

    assert theatre.run(scene()) == [True, False, True]


@pytest.mark.parametrize(("says", "code"), [({"says": "no_change"}, "mapi_wait_missed"), ({}, "mapi_wait_silent")])
def test_a_server_that_keeps_news_back_loses_the_channel(theatre: Theatre, says: dict[str, str], code: str) -> None:
    """Whether the request goes on with its signs of life, or falls silent."""
    theatre.begin({"kind": "push_silent", "step": "notification_wait", "client": CLIENT} | says)
    assembly = theatre.assembly(theatre.settings)
    assignment = replace(assigned(theatre.settings, CLIENT), push=PushSettings())
    channel, tx = HeldNotification(), assembly.open(assignment)
    theatre.run(channel.open(tx))
    try:
        error = lost(theatre, (channel, tx), 120.0)
        assert (error.fault.kind.code, error.fault.reason) == (code, Reason.PUSH_CHANNEL_LOST)
    finally:
        theatre.run(channel.close(tx))
        theatre.run(tx.close())
        theatre.run(theatre.clear())
        theatre.run(assembly.close())


def test_a_request_that_is_broken_off_loses_the_channel(theatre: Theatre) -> None:
    """Once it has ended early more often than it may."""
    theatre.begin({"kind": "push_drop", "after": 0, "step": "notification_wait", "client": CLIENT})
    assembly = theatre.assembly(theatre.settings)
    assignment = replace(assigned(theatre.settings, CLIENT), push=PushSettings())
    channel, tx = HeldNotification(), assembly.open(assignment)
    theatre.run(channel.open(tx))
    try:
        assert lost(theatre, (channel, tx), 60.0).fault.reason is Reason.PUSH_CHANNEL_LOST
    finally:
        theatre.run(channel.close(tx))
        theatre.run(tx.close())
        theatre.run(theatre.clear())
        theatre.run(assembly.close())
