"""GetUserAvailability: who is free when (MS-OXWAVLS). Asked in UTC, without any detail of what.

A second address makes the server ask its way to wherever that mailbox is: across premises, in a hybrid organisation.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from prober.exchange import Call, Headers, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.ews import soap, status
from prober.protocols.ews.soap import Caller

NAME = "GetUserAvailability"
DAY = 86_400.0
MINUTES = 30
TURN = "<t:Bias>0</t:Bias><t:Time>02:00:00</t:Time>"
ZONE = (
    "<t:TimeZone><t:Bias>0</t:Bias>"
    f"<t:StandardTime>{TURN}<t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
    f"</t:StandardTime><t:DaylightTime>{TURN}<t:DayOrder>5</t:DayOrder><t:Month>3</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
)
"""UTC as the service wants it: both halves of the year are there, and neither is shifted."""


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """What is told of one mailbox: the view that was granted, a digit for each half hour, and the number of entries."""

    view: str
    merged: str = field(repr=False)
    entries: int


@dataclass(frozen=True, slots=True)
class GetUserAvailability:
    """Ask when addresses are free, for a day from `start` (seconds since the epoch)."""

    caller: Caller
    addresses: tuple[str, ...] = field(repr=False)
    start: float

    def call(self) -> Call:
        """Return the request."""
        people = "".join(_person(address) for address in self.addresses)
        begin, end = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}" for at in (self.start, self.start + DAY))
        window = f"<t:TimeWindow><t:StartTime>{begin}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>"
        options = (
            f"<t:FreeBusyViewOptions>{window}<t:MergedFreeBusyIntervalInMinutes>{MINUTES}"
            "</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>FreeBusyMerged</t:RequestedView>"
            "</t:FreeBusyViewOptions>"
        )
        content = f"{ZONE}<m:MailboxDataArray>{people}</m:MailboxDataArray>{options}"
        return soap.request(self.caller, f"<m:{NAME}Request>{content}</m:{NAME}Request>")

    def read(self, reply: Reply) -> tuple[FreeBusy, ...]:
        """Return what is told of each address, in their order. Raises `FaultError`."""
        answer = soap.answered(reply, NAME)
        found = tuple(_view(one, reply.headers) for one in soap.children(answer, "FreeBusyResponseArray"))
        if len(found) != len(self.addresses):
            raise FaultError(status.WRONG_ANSWER, {"operation": NAME, "messages": str(len(found))})
        return found


def _person(address: str) -> str:
    email = f"<t:Email><t:Address>{soap.quoted(address)}</t:Address></t:Email>"
    return f"<t:MailboxData>{email}<t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"


def _view(response: Element, headers: Headers) -> FreeBusy:
    message = soap.find(response, "ResponseMessage")
    if message is None:
        raise soap.missing("ResponseMessage", NAME)
    soap.check(message, NAME, headers)
    view = soap.find(response, "FreeBusyView")
    if view is None:
        raise soap.missing("FreeBusyView", NAME)
    entries = sum(1 for _ in soap.children(view, "CalendarEventArray"))
    return FreeBusy(soap.require(view, NAME, "FreeBusyViewType"), soap.text(view, "MergedFreeBusy"), entries)
