"""Time zones against those of the operating system, which nobody here wrote."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from prober.simulator.ews.zones import ZONES, Turn, read_zone
from tests.simulator.ews.desk import Desk, texts

KNOWN = {
    "UTC": "UTC",
    "GMT Standard Time": "Europe/London",
    "W. Europe Standard Time": "Europe/Berlin",
    "Eastern Standard Time": "America/New_York",
    "Singapore Standard Time": "Asia/Singapore",
}
BERLIN = (
    '<x xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><t:Bias>-60</t:Bias><t:StandardTime>'
    "<t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time>"
    "<t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></x>"
)


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)
def test_every_hour_of_a_year_has_the_offset_that_others_say(zone) -> None:  # type: ignore[no-untyped-def]  # a Zone
    """From UTC in every hour, and from local time in summer."""
    other = ZoneInfo(KNOWN[zone.name])
    for hour in range(365 * 24):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        offset = moment.astimezone(other).utcoffset()
        assert offset == -timedelta(minutes=zone.bias_at(moment)), moment
    noon = datetime(2026, 7, 1, 12, tzinfo=other)
    assert noon.utcoffset() == -timedelta(minutes=zone.bias(noon.replace(tzinfo=UTC)))


def test_in_the_south_summer_is_at_both_ends() -> None:
    south = read_zone(ET.fromstring(BERLIN.replace(">3<", ">99<").replace(">10<", ">3<").replace(">99<", ">10<")))
    assert south is not None
    assert south.bias(datetime(2026, 1, 1, tzinfo=UTC)) == -120
    assert south.bias(datetime(2026, 7, 1, tzinfo=UTC)) == -60


def test_the_zone_of_a_client_is_read() -> None:
    zone = read_zone(ET.fromstring(BERLIN))
    assert zone is not None
    assert (zone.standard, zone.daylight) == (Turn(-60, 10, 5, "Sunday", 3), Turn(-120, 3, 5, "Sunday", 2))
    none = read_zone(None)
    assert none is not None
    assert none.bias_at(datetime(2026, 7, 1, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("old", "new"), [("Sunday", "Someday"), (">5<", ">6<"), (">10<", ">13<"), ("03:00:00", "x"), (">-60<", ">x<")]
)
def test_what_is_no_zone_is_not_read(old: str, new: str) -> None:
    assert read_zone(ET.fromstring(BERLIN.replace(old, new))) is None


async def test_zones_are_told_by_id_or_all_of_them() -> None:
    whole = await Desk().ask("<m:GetServerTimeZones/>")
    assert len([one for one in whole.iter() if one.tag.endswith("}TimeZoneDefinition")]) == len(ZONES)
    ask = '<m:GetServerTimeZones ReturnFullTimeZoneData="{}"><m:Ids><t:Id>UTC</t:Id></m:Ids></m:GetServerTimeZones>'
    for full, periods in (("true", 1), ("false", 0)):
        one = await Desk().ask(ask.format(full))
        assert len(texts(one, "Period")) == periods
