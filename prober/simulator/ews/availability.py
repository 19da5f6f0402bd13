"""Who is free when, and who is away: GetUserAvailability (MS-OXWAVLS) and GetUserOofSettings (MS-OXWOOF).

Times of the availability service are local ones, in the zone the client sends along.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prober.simulator.ews import soap
from prober.simulator.ews.session import Session
from prober.simulator.ews.soap import Malformed, Refused, T
from prober.simulator.ews.zones import DAYS, Zone, read_zone
from prober.simulator.http.markup import Element, el, text_of
from prober.simulator.mailbox import FolderKind, Item, Mailbox

LONGEST = timedelta(days=62)
VIEWS = ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")
BUSY = "2"


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked: from when to when (in UTC), in which zone and view, in steps of so many minutes."""

    start: datetime
    end: datetime
    zone: Zone
    view: str
    interval: int

    def local(self, moment: datetime) -> str:
        """Return a time of the calendar in the zone of who asks."""
        return f"{moment - timedelta(minutes=self.zone.bias_at(moment)):%Y-%m-%dT%H:%M:%S}"


def user_availability(session: Session) -> Element:
    """Answer `GetUserAvailability`: one response for each mailbox asked about, which anybody may."""
    window = _window(session)
    people = [text_of(one, f"{T}Email/{T}Address") for one in session.part("MailboxDataArray")]
    answers = (_response(session, address, window) for address in people)
    return el("m:GetUserAvailabilityResponse", el("m:FreeBusyResponseArray", *answers))


def user_oof_settings(session: Session) -> Element:
    """Answer `GetUserOofSettings` for one's own mailbox: nobody is away."""
    asked = text_of(session.element, f"{T}Mailbox/{T}Address")
    if asked.lower() != session.mailbox.address.lower():
        raise Refused("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    today = session.tenant.clocks.now().replace(minute=0, second=0, microsecond=0)
    times = (f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (today, today + timedelta(days=1)))
    start, end = times
    settings = el(
        "t:OofSettings",
        el("t:OofState", "Disabled"),
        el("t:ExternalAudience", "All"),
        el("t:Duration", el("t:StartTime", start), el("t:EndTime", end)),
        el("t:InternalReply", el("t:Message")),
        el("t:ExternalReply", el("t:Message")),
    )
    said = soap.message("m:ResponseMessage", "Success", "NoError", "")
    return el("m:GetUserOofSettingsResponse", said, settings, el("m:AllowExternalOof", "All"))


def _window(session: Session) -> Window:
    options = session.element.find(f"{T}FreeBusyViewOptions")
    zone = read_zone(session.element.find(f"{T}TimeZone"))
    if options is None or zone is None:
        raise Refused("ErrorInvalidTimeInterval" if options is None else "ErrorTimeZone", "The request is incomplete.")
    view = text_of(options, f"{T}RequestedView") or "FreeBusy"
    interval = text_of(options, f"{T}MergedFreeBusyIntervalInMinutes") or "30"
    if view not in VIEWS or not interval.isdecimal() or not 5 <= int(interval) <= 1440:
        raise Refused("ErrorInvalidMergedFreeBusyInterval", "The view or its interval is invalid.")
    start, end = (_time(text_of(options, f"{T}TimeWindow/{T}{name}"), zone) for name in ("StartTime", "EndTime"))
    if not timedelta(0) < end - start <= LONGEST:
        raise Refused("ErrorInvalidTimeInterval", "The time window is empty or longer than 62 days.")
    return Window(start, end, zone, view, int(interval))


def _time(text: str, zone: Zone) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"The value '{text}' is no date and time.") from None
    if found.tzinfo:
        return found.astimezone(UTC)
    local = found.replace(tzinfo=UTC)
    return local + timedelta(minutes=zone.bias(local))


def _response(session: Session, address: str, window: Window) -> Element:
    mailbox = session.tenant.mailbox(address)
    if mailbox is None:
        refused = Refused("ErrorMailRecipientNotFound", f"Unable to resolve e-mail address {address}.")
        return el("m:FreeBusyResponse", soap.error("m:ResponseMessage", refused))
    said = soap.message("m:ResponseMessage", "Success", "NoError", "")
    return el("m:FreeBusyResponse", said, _view(_entries(mailbox, session.until, window), window))


def _entries(mailbox: Mailbox, until: datetime | None, window: Window) -> list[Item]:
    calendar = mailbox.folders[FolderKind.CALENDAR].visible(until)
    found = [one for one in calendar if one.start and one.end and one.start < window.end and one.end > window.start]
    return sorted(found, key=lambda one: one.start or window.start)


def _view(entries: list[Item], window: Window) -> Element:
    detailed = window.view.startswith("Detailed")
    listed = window.view != "MergedOnly"
    events = (
        el("t:CalendarEventArray", *(_event(one, window, detailed=detailed) for one in entries)) if listed else None
    )
    merged = el("t:MergedFreeBusy", _merged(entries, window)) if "Merged" in window.view else None
    return el("m:FreeBusyView", el("t:FreeBusyViewType", window.view), merged, events, _working_hours(window.zone))


def _event(entry: Item, window: Window, *, detailed: bool) -> Element:
    flags = ("IsMeeting", "IsRecurring", "IsException", "IsReminderSet", "IsPrivate")
    subject = el("t:Subject", entry.subject)
    details = el("t:CalendarEventDetails", subject, *(el(f"t:{name}", "false") for name in flags)) if detailed else None
    return el(
        "t:CalendarEvent",
        el("t:StartTime", window.local(entry.start or window.start)),
        el("t:EndTime", window.local(entry.end or window.end)),
        el("t:BusyType", "Busy"),
        details,
    )


def _merged(entries: list[Item], window: Window) -> str:
    """Return one digit for each interval: 0 for free, 2 for busy."""
    step = timedelta(minutes=window.interval)
    count = -(-(window.end - window.start) // step)
    starts = (window.start + number * step for number in range(count))
    return "".join(BUSY if any(_overlaps(one, at, at + step) for one in entries) else "0" for at in starts)


def _overlaps(entry: Item, start: datetime, end: datetime) -> bool:
    return bool(entry.start and entry.end and entry.start < end and entry.end > start)


def _working_hours(zone: Zone) -> Element:
    winter, summer = zone.standard, zone.daylight or zone.standard
    base = winter.bias
    period = el(
        "t:WorkingPeriod",
        el("t:DayOfWeek", " ".join(DAYS[:5])),
        el("t:StartTimeInMinutes", "480"),
        el("t:EndTimeInMinutes", "1020"),
    )
    rules = []
    for name, turn in (("StandardTime", winter), ("DaylightTime", summer)):
        rules.append(
            el(
                f"t:{name}",
                el("t:Bias", str(turn.bias - base)),
                el("t:Time", f"{turn.hour:02}:00:00"),
                el("t:DayOrder", str(turn.order or 1)),
                el("t:Month", str(turn.month or 1)),
                el("t:DayOfWeek", turn.day or DAYS[-1]),
            )
        )
    return el(
        "t:WorkingHours",
        el("t:TimeZone", el("t:Bias", str(base)), *rules),
        el("t:WorkingPeriodArray", period),
    )
