"""Streaming notifications: what is asked for, and a stream read as it comes, whole, in bits, and broken."""

from random import Random

import pytest

from prober.exchange import Headers
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.ews.streaming import (
    LARGEST,
    EnvelopeReader,
    Notice,
    Subscribe,
    Unsubscribe,
    get_streaming_events,
)
from tests.protocols.ews.made import WHO, answer, document, done, fault_of, refused, success, survive
from tests.protocols.ews.printed import printed

NAME = "GetStreamingEvents"


def said(status: str = "", notifications: str = "") -> bytes:
    told = f"<m:Notifications>{notifications}</m:Notifications>" if notifications else ""
    connection = f"<m:ConnectionStatus>{status}</m:ConnectionStatus>" if status else ""
    return document(answer(NAME, success(NAME, told, connection)))


def event(kind: str, item: str = "a") -> str:
    inner = f'<t:{kind}><t:TimeStamp>2026-01-01T00:00:00Z</t:TimeStamp><t:ItemId Id="{item}"/></t:{kind}>'
    return f"<m:Notification><t:SubscriptionId>s</t:SubscriptionId>{inner}</m:Notification>"


def reader() -> EnvelopeReader:
    return EnvelopeReader(Headers())


OPENED, CLOSED = said("OK"), said("Closed")
NEWS = said("OK", event("NewMailEvent") + event("CreatedEvent") + event("CreatedEvent", "b"))
BREATH = said("OK", "<m:Notification><t:SubscriptionId>s</t:SubscriptionId><t:StatusEvent/></m:Notification>")
STREAM = OPENED + NEWS + BREATH + CLOSED
NOTICES = [Notice("OK"), Notice("OK", frozenset({"a", "b"}), 3), Notice("OK"), Notice("Closed")]


def test_a_stream_is_subscribed_to_opened_and_left() -> None:
    body = Subscribe(WHO, ("NewMailEvent",)).call().body
    assert b"<m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId" in body
    assert b"<t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes>" in body
    body = get_streaming_events(WHO, "s&t", 5).body
    assert b"<m:SubscriptionIds><t:SubscriptionId>s&amp;t</t:SubscriptionId></m:SubscriptionIds>" in body
    assert b"<m:ConnectionTimeout>5</m:ConnectionTimeout>" in body
    assert b"<m:SubscriptionId>s</m:SubscriptionId>" in Unsubscribe(WHO, "s").call().body


def test_printed_answers_about_subscriptions_are_read() -> None:
    found = Subscribe(WHO).read(printed("subscribe"))
    assert found == "JgBibjFwcjAzbWIyMDIubmFtcHJkMDMucHJvZC5vdXRsb29rLmNvbRAAAADw="
    denied = fault_of(lambda: Subscribe(WHO).read(printed("subscribe_error")))
    assert denied.reason is Reason.ACCESS_POLICY
    gone = fault_of(lambda: Unsubscribe(WHO, "s").read(printed("unsubscribe_error")))
    assert gone.reason is Reason.PUSH_CHANNEL_LOST


def test_a_printed_notification_is_read() -> None:
    """Of a new message: created, new mail, and the folder modified. The envelope around it is ours."""
    body = b"<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'>" + printed("streamed").body
    (notice,) = reader().feed(body + b"</soap:Envelope>")
    assert (notice.connection, notice.events, len(notice.arrived)) == ("", 3, 1)
    assert next(iter(notice.arrived)).startswith("AAMkADkzNjJj")


def test_a_printed_error_is_a_lost_channel() -> None:
    """With the closing tag that the page forgets; without it, it is no document."""
    body = printed("stream_error").body
    assert fault_of(lambda: reader().feed(body)).kind.code == "ews_not_soap"
    whole = body.replace(b"      </m:ResponseMessages>", b"</m:GetStreamingEventsResponseMessage></m:ResponseMessages>")
    fault = fault_of(lambda: reader().feed(whole))
    assert (fault.kind.code, fault.reason) == ("ews_invalid_subscription", Reason.PUSH_CHANNEL_LOST)


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1000, len(STREAM)])
def test_envelopes_are_read_however_they_are_cut(size: int) -> None:
    taken = reader()
    found = [one for at in range(0, len(STREAM), size) for one in taken.feed(STREAM[at : at + size])]
    assert found == NOTICES
    assert taken.between


def test_each_envelope_is_given_as_soon_as_it_is_whole() -> None:
    taken = reader()
    assert taken.feed(OPENED[:-1]) == []
    assert not taken.between
    assert taken.feed(OPENED[-1:] + b"\r\n") == [Notice("OK")]
    assert taken.between


def test_blanks_and_marks_between_envelopes_mean_nothing() -> None:
    assert reader().feed(b"\xef\xbb\xbf" + OPENED + b"\r\n \xef\xbb\xbf" + CLOSED) == [NOTICES[0], NOTICES[3]]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (document(answer(NAME, refused(NAME, "ErrorMissedNotificationEvents"))), "ews_missed_notification_events"),
        (document(answer(NAME, refused(NAME, "ErrorServerBusy"))), "ews_server_busy"),
        (b"<!DOCTYPE html><html>", "html_instead_of_data"),
        (b"Runtime Error", "ews_not_soap"),
        (said("Perhaps"), "ews_malformed_value"),
        (said("OK", "<m:Notification><t:NewMailEvent/></m:Notification>")[:-20] + b"<</s:Envelope>", "ews_not_soap"),
        (document("<a/>"), "ews_wrong_answer"),
        (OPENED + b"<" + b"a" * LARGEST, "reply_too_large"),
        (b"<a><b></s:Envelope>", "ews_not_soap"),
    ],
)
def test_a_stream_that_says_something_else_is_a_fault(body: bytes, kind: str) -> None:
    assert fault_of(lambda: reader().feed(body)).kind.code == kind


def test_events_about_folders_wake_and_name_no_item() -> None:
    about = '<m:Notification><t:ModifiedEvent><t:FolderId Id="f"/></t:ModifiedEvent></m:Notification>'
    assert reader().feed(said("OK", about)) == [Notice("OK", frozenset(), 1)]


def test_nothing_but_faults_come_of_broken_streams() -> None:
    chance = Random(11)
    for _ in range(400):
        bent = bytearray(STREAM)
        for _ in range(chance.randint(1, 5)):
            bent[chance.randrange(len(bent))] = chance.randrange(256)
        taken, cut = reader(), chance.randint(1, 700)
        try:
            for at in range(0, len(bent), cut):
                taken.feed(bytes(bent[at : at + cut]))
        except FaultError:
            continue


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(Subscribe(WHO).read, done("Subscribe", "<m:SubscriptionId>s</m:SubscriptionId>"))
    survive(Unsubscribe(WHO, "s").read, done("Unsubscribe"))
