"""Streams as bytes on the way: what comes when, and what faults make of it."""

import asyncio
from collections.abc import AsyncIterator
from xml.etree import ElementTree as ET

import pytest

from prober.simulator.ews import streaming
from prober.simulator.ews.soap import Refused
from prober.simulator.ews.streaming import PER_MAILBOX, Subscriptions
from prober.simulator.faults.fault import Fault
from prober.simulator.mailbox import FolderKind
from prober.simulator.tenant import Clocks
from tests.simulator.ews.desk import Desk, envelope, said, texts

SUBSCRIBE = (
    "<m:Subscribe><m:StreamingSubscriptionRequest>{folders}<t:EventTypes><t:EventType>{event}</t:EventType>"
    "</t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>"
)
INBOX = '<t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds>'
STREAM = (
    "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds>"
    "<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
)


async def subscribed(desk: Desk, event: str = "NewMailEvent", folders: str = INBOX) -> str:
    (name,) = texts(await desk.ask(SUBSCRIBE.format(folders=folders, event=event)), "SubscriptionId")
    return name


async def stream(desk: Desk, name: str, fault: Fault | None = None, minutes: str = "1") -> AsyncIterator[bytes]:
    reply = await desk.reply(envelope(STREAM.format(id=name, minutes=minutes)), fault=fault)
    assert reply.status == 200
    assert not isinstance(reply.body, bytes)
    return reply.body


def status(piece: bytes) -> str:
    return texts(ET.fromstring(piece), "ConnectionStatus")[0]


async def quick(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


async def test_a_stream_opens_reports_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """OK at once, the new mail when it comes, Closed when the minutes are over; each piece is a document."""
    desk = Desk()
    name = await subscribed(desk)
    monkeypatch.setattr(streaming, "listened_to", shortened(0.3))
    pieces = await stream(desk, name)
    assert status(await anext(pieces)) == "OK"
    desk.mailbox.deliver("news")
    desk.mailbox.deliver("elsewhere", folder=FolderKind.JUNK)
    told = ET.fromstring(await anext(pieces))
    assert texts(told, "SubscriptionId") == [name]
    assert [one.tag.rpartition("}")[2] for one in told.iter() if one.tag.endswith("Event")] == ["NewMailEvent"]
    assert [status(piece) for piece in await quick(pieces)] == ["Closed"]


def shortened(seconds: float):  # type: ignore[no-untyped-def]  # it wraps what it replaces
    whole = streaming.listened_to
    return lambda session, subscriptions: (whole(session, subscriptions)[0], seconds)


async def test_what_happens_between_two_streams_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    name = await subscribed(desk)
    desk.mailbox.deliver("meanwhile")
    monkeypatch.setattr(streaming, "listened_to", shortened(0.05))
    first = await quick(await stream(desk, name))
    second = await quick(await stream(desk, name))
    assert b"NewMailEvent" in first[1]
    assert b"NewMailEvent" not in b"".join(second)


async def test_a_quiet_stream_breathes(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    name = await subscribed(desk)
    monkeypatch.setattr(streaming, "listened_to", shortened(0.5))
    monkeypatch.setattr(streaming, "BREATH", 0.2)
    assert [status(one) for one in await quick(await stream(desk, name))] == ["OK", "OK", "OK", "Closed"]


async def test_a_dropped_stream_ends_without_being_closed() -> None:
    desk = Desk()
    drop = Fault("push_drop", arguments={"after": 0.05})
    pieces = await quick(await stream(desk, await subscribed(desk), drop))
    assert [status(one) for one in pieces] == ["OK"]


async def test_a_silent_stream_says_nothing_of_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either nothing at all after the first word, or that nothing has happened."""
    desk = Desk()
    name = await subscribed(desk)
    monkeypatch.setattr(streaming, "listened_to", shortened(0.1))
    desk.mailbox.deliver("unheard")
    mute = await quick(await stream(desk, name, Fault("push_silent")))
    denied = await quick(await stream(desk, name, Fault("push_silent", arguments={"says": "no_change"})))
    assert [status(one) for one in mute] == ["OK"]
    assert [status(one) for one in denied] == ["OK", "Closed"]
    assert b"NewMailEvent" not in b"".join(mute + denied)


async def test_a_stream_ends_with_its_subscription() -> None:
    desk = Desk()
    name = await subscribed(desk)
    pieces = await stream(desk, name)
    assert status(await anext(pieces)) == "OK"
    end = f"<m:Unsubscribe><m:SubscriptionId>{name}</m:SubscriptionId></m:Unsubscribe>"
    assert said(await desk.ask(end)) == ["NoError"]
    desk.mailbox.deliver("wakes it")
    async with asyncio.timeout(5):
        assert [status(one) for one in await quick(pieces)] == ["Closed"]
    assert said(await desk.ask(end)) == ["ErrorSubscriptionNotFound"]


async def test_changes_and_deletions_are_events_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    item = desk.mailbox.deliver("old")
    both = (
        '<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes>'
        "<t:EventType>ModifiedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType></t:EventTypes>"
        "</m:StreamingSubscriptionRequest></m:Subscribe>"
    )
    (name,) = texts(await desk.ask(both), "SubscriptionId")
    monkeypatch.setattr(streaming, "listened_to", shortened(0.05))
    desk.mailbox.mark_read(item.folder, item.uid)
    first = b"".join(await quick(await stream(desk, name)))
    desk.mailbox.delete(item.folder, item.uid)
    second = b"".join(await quick(await stream(desk, name)))
    assert b"ModifiedEvent" in first
    assert b"DeletedEvent" in second


async def test_bad_wishes_are_refused() -> None:
    """Unknown events, neither folders nor all of them, other kinds of subscription, times out of range."""
    desk = Desk()
    assert (await desk.reply(envelope(SUBSCRIBE.format(folders=INBOX, event="Nonsense")))).status == 500
    neither = await desk.ask(SUBSCRIBE.format(folders="", event="NewMailEvent"))
    assert said(neither) == ["ErrorInvalidSubscriptionRequest"]
    pull = "<m:Subscribe><m:PullSubscriptionRequest/></m:Subscribe>"
    assert said(await desk.ask(pull)) == ["ErrorInvalidSubscriptionRequest"]
    for minutes in ("0", "31", "x"):
        assert (await desk.reply(envelope(STREAM.format(id="x", minutes=minutes)))).status == 500
    assert said(await desk.ask(STREAM.format(id="x", minutes="1"))) == ["ErrorSubscriptionNotFound"]


async def test_a_strange_subscription_is_nobodys_business() -> None:
    desk = Desk()
    other = desk.service.subscriptions.add(desk.other, [FolderKind.INBOX], ["NewMailEvent"])
    assert said(await desk.ask(STREAM.format(id=other.id, minutes="1"))) == ["ErrorSubscriptionAccessDenied"]


def test_subscriptions_are_counted_and_lapse() -> None:
    now = [0.0]
    desk = Desk()
    all_of_them = Subscriptions(Clocks(monotonic=lambda: now[0]))
    made = [all_of_them.add(desk.mailbox, (), ()) for _ in range(PER_MAILBOX)]
    with pytest.raises(Refused, match="exceeded"):
        all_of_them.add(desk.mailbox, (), ())
    now[0] = 1799.0
    assert all_of_them.get(made[0].id, desk.mailbox) is made[0]
    now[0] = 1800.0
    all_of_them.add(desk.mailbox, (), ())
    assert all_of_them.holds(made[0])
    assert not all_of_them.holds(made[1])
