"""Time zones as the protocol writes them: rules of clients read, and rules of the server told (MS-OXWSGTZ)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prober.simulator.ews import soap
from prober.simulator.ews.session import Session
from prober.simulator.ews.soap import M, T
from prober.simulator.http.markup import Element, el, text_of

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST = 5
"""The day order that means the last in its month."""
REGISTRY = "trule:Microsoft/Registry"


@dataclass(frozen=True, slots=True)
class Turn:
    """When clocks are put to `bias` minutes behind UTC: the `order`-th `day` of `month`, at `hour`."""

    bias: int
    month: int = 0
    order: int = 0
    day: str = ""
    hour: int = 0

    def moment(self, year: int) -> datetime:
        """Return the local time of it in a year."""
        first = datetime(year, self.month, 1, self.hour, tzinfo=UTC)
        ahead = (DAYS.index(self.day) - first.weekday()) % 7
        found = first + timedelta(days=ahead + 7 * (self.order - 1))
        return found if found.month == self.month else found - timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Zone:
    """One time zone; without `daylight` clocks stay as they are."""

    name: str
    title: str
    standard: Turn
    daylight: Turn | None = None

    def bias(self, local: datetime) -> int:
        """Return by how many minutes UTC is ahead of a local time, given as if in UTC."""
        if self.daylight is None:
            return self.standard.bias
        starts, ends = self.daylight.moment(local.year), self.standard.moment(local.year)
        return self.daylight.bias if _between(starts, local, ends) else self.standard.bias

    def bias_at(self, moment: datetime) -> int:
        """Return the same for a moment in UTC. Clocks are turned by the time they show before."""
        if self.daylight is None:
            return self.standard.bias
        starts = self.daylight.moment(moment.year) + timedelta(minutes=self.standard.bias)
        ends = self.standard.moment(moment.year) + timedelta(minutes=self.daylight.bias)
        return self.daylight.bias if _between(starts, moment, ends) else self.standard.bias


ZONES = (
    Zone("UTC", "(UTC) Coordinated Universal Time", Turn(0)),
    Zone("GMT Standard Time", "(UTC+00:00) London", Turn(0, 10, LAST, "Sunday", 2), Turn(-60, 3, LAST, "Sunday", 1)),
    Zone(
        "W. Europe Standard Time",
        "(UTC+01:00) Amsterdam, Berlin, Vienna",
        Turn(-60, 10, LAST, "Sunday", 3),
        Turn(-120, 3, LAST, "Sunday", 2),
    ),
    Zone(
        "Eastern Standard Time",
        "(UTC-05:00) Eastern Time (US & Canada)",
        Turn(300, 11, 1, "Sunday", 2),
        Turn(240, 3, 2, "Sunday", 2),
    ),
    Zone("Singapore Standard Time", "(UTC+08:00) Kuala Lumpur, Singapore", Turn(-480)),
)


def server_time_zones(session: Session) -> Element:
    """Answer `GetServerTimeZones`: those asked for by id, or all."""
    wanted = {(one.text or "").strip() for one in session.element.iterfind(f"{M}Ids/{T}Id")}
    full = session.element.get("ReturnFullTimeZoneData", "true") in ("true", "1")
    found = (_definition(zone, full=full) for zone in ZONES if not wanted or zone.name in wanted)
    return soap.response(session.operation, soap.success(session.operation, el("m:TimeZoneDefinitions", *found)))


def read_zone(element: Element | None) -> Zone | None:
    """Return the zone of a `SerializableTimeZone` (MS-OXWAVLS), `None` where it makes no sense."""
    if element is None:
        return Zone("", "", Turn(0))
    base = _number(element, "Bias")
    standard, daylight = (_turn(element.find(f"{T}{name}"), base) for name in ("StandardTime", "DaylightTime"))
    if base is None or standard is None or daylight is None:
        return None
    if standard.bias == daylight.bias:
        return Zone("", "", Turn(standard.bias))
    return Zone("", "", standard, daylight)


def _between(start: datetime, moment: datetime, end: datetime) -> bool:
    """Whether it is summer; in the south it is so at both ends of the year."""
    return start <= moment < end if start < end else not end <= moment < start


def _turn(element: Element | None, base: int | None) -> Turn | None:
    bias, order, month = (_number(element, name) for name in ("Bias", "DayOrder", "Month"))
    day = text_of(element, f"{T}DayOfWeek")
    hour = text_of(element, f"{T}Time").partition(":")[0]
    known = day in DAYS and hour.isdecimal() and int(hour) < 24
    if bias is None or order is None or month is None or base is None or not known:
        return None
    return Turn(base + bias, month, order, day, int(hour)) if 1 <= month <= 12 and 1 <= order <= LAST else None


def _number(element: Element | None, name: str) -> int | None:
    try:
        return int(text_of(element, f"{T}{name}"))
    except ValueError:
        return None


def _definition(zone: Zone, *, full: bool) -> Element:
    if not full:
        return el("t:TimeZoneDefinition", Id=zone.name, Name=zone.title)
    turns = [("Standard", zone.standard)] + ([("Daylight", zone.daylight)] if zone.daylight else [])
    periods = [el("t:Period", Bias=_duration(turn.bias), Name=name, Id=_rule(zone, name)) for name, turn in turns]
    changes = [_change(zone, name, turn) for name, turn in turns]
    return el(
        "t:TimeZoneDefinition",
        el("t:Periods", *periods),
        el("t:TransitionsGroups", el("t:TransitionsGroup", *changes, Id="0")),
        el("t:Transitions", el("t:Transition", el("t:To", "0", Kind="Group"))),
        Id=zone.name,
        Name=zone.title,
    )


def _change(zone: Zone, name: str, turn: Turn) -> Element:
    to = el("t:To", _rule(zone, name), Kind="Period")
    if zone.daylight is None:
        return el("t:Transition", to)
    return el(
        "t:RecurringDayTransition",
        to,
        el("t:TimeOffset", f"PT{turn.hour}H"),
        el("t:Month", str(turn.month)),
        el("t:DayOfWeek", turn.day),
        el("t:Occurrence", str(-1 if turn.order == LAST else turn.order)),
    )


def _rule(zone: Zone, name: str) -> str:
    return f"{REGISTRY}/{zone.name}/1-{name}"


def _duration(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else ""
    return f"{sign}PT{hours}H{rest}M" if rest else f"{sign}PT{hours}H" if hours else "PT0S"
