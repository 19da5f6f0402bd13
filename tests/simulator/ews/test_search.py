"""Searches in the words of the protocol; a client's own are in the test of the service."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.simulator.ews.desk import Desk, envelope, said, texts

FIND = (
    '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>{view}'
    "<m:Restriction>{test}</m:Restriction>{order}"
    '<m:ParentFolderIds><t:DistinguishedFolderId Id="{where}"/></m:ParentFolderIds></m:FindItem>'
)
SUBJECT = '<t:FieldURI FieldURI="item:Subject"/>'
VALUE = '<t:FieldURIOrConstant><t:Constant Value="{}"/></t:FieldURIOrConstant>'
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def equal(subject: str) -> str:
    return f"<t:IsEqualTo>{SUBJECT}{VALUE.format(subject)}</t:IsEqualTo>"


def contains(text: str, mode: str, comparison: str = "Exact") -> str:
    modes = f'ContainmentMode="{mode}" ContainmentComparison="{comparison}"'
    return f'<t:Contains {modes}>{SUBJECT}<t:Constant Value="{text}"/></t:Contains>'


def desk() -> Desk:
    made = Desk()
    for position, subject in enumerate(("Alpha one", "beta", "Alpha two")):
        made.mailbox.deliver(subject, received=NOON + timedelta(hours=position))
    return made


async def hits(test: str, order: str = "", view: str = "") -> list[str]:
    text = FIND.format(test=test, order=order, view=view, where="inbox")
    if not test:
        text = text.replace("<m:Restriction></m:Restriction>", "")
    return texts(await desk().ask(text), "Subject")


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (equal("beta"), ["beta"]),
        (f"<t:Not>{equal('beta')}</t:Not>", ["Alpha two", "Alpha one"]),
        (f"<t:Or>{equal('beta')}{equal('Alpha one')}</t:Or>", ["beta", "Alpha one"]),
        (f"<t:And>{equal('beta')}{equal('Alpha one')}</t:And>", []),
        (f"<t:Exists>{SUBJECT}</t:Exists>", ["Alpha two", "beta", "Alpha one"]),
        (contains("Alpha", "Prefixed"), ["Alpha two", "Alpha one"]),
        (contains("alpha", "Prefixed"), []),
        (contains("ALPHA", "Prefixed", "IgnoreCase"), ["Alpha two", "Alpha one"]),
        (contains("et", "Substring"), ["beta"]),
        (contains("on", "PrefixOnWords"), ["Alpha one"]),
        (contains("one", "ExactPhrase"), ["Alpha one"]),
        (contains("beta", "FullString"), ["beta"]),
    ],
)
async def test_expressions_find_what_they_describe(test: str, expected: list[str]) -> None:
    """Without an order, the newest comes first."""
    assert await hits(test) == expected


async def test_times_compare_as_times_whatever_their_zone() -> None:
    after = '<t:IsGreaterThan><t:FieldURI FieldURI="item:DateTimeReceived"/>{}</t:IsGreaterThan>'
    assert await hits(after.format(VALUE.format("2026-03-04T14:00:00+01:00"))) == ["Alpha two"]
    text = FIND.format(test=after.format(VALUE.format("tea time")), order="", view="", where="inbox")
    assert (await desk().reply(envelope(text))).status == 500


async def test_sizes_compare_as_numbers() -> None:
    larger = '<t:IsGreaterThan><t:FieldURI FieldURI="item:Size"/>{}</t:IsGreaterThan>'
    assert len(await hits(larger.format(VALUE.format(99)))) == 3
    assert await hits(larger.format(VALUE.format(2000))) == []


async def test_an_order_is_kept() -> None:
    order = f'<m:SortOrder><t:FieldOrder Order="{{}}">{SUBJECT}</t:FieldOrder></m:SortOrder>'
    rising = await hits("", order.format("Ascending"))
    assert rising == ["Alpha one", "Alpha two", "beta"]
    assert await hits("", order.format("Descending")) == rising[::-1]


async def test_pages_are_cut_from_the_hits() -> None:
    view = '<m:IndexedPageItemView MaxEntriesReturned="2" Offset="1" BasePoint="Beginning"/>'
    assert await hits("", view=view) == ["beta", "Alpha one"]


@pytest.mark.parametrize(
    "test",
    ["", equal("a") * 2, "<t:Nonsense/>", f"<t:IsEqualTo>{SUBJECT}</t:IsEqualTo>", f"<t:Odd>{SUBJECT}{VALUE}</t:Odd>"],
)
async def test_what_is_no_expression_is_a_fault(test: str) -> None:
    assert (await desk().reply(envelope(FIND.format(test=test, order="", view="", where="inbox")))).status == 500


async def test_a_view_of_the_calendar_has_what_is_on_within_it() -> None:
    """In order of their beginning; what only touches the window is outside it."""
    made = Desk()
    for hour in (3, 1, 2):
        made.mailbox.schedule(f"at {hour}", NOON + timedelta(hours=hour), NOON + timedelta(hours=hour + 1))
    view = '<m:CalendarView StartDate="2026-03-04T12:30:00Z" EndDate="{}"/>'
    text = FIND.replace("<m:Restriction>{test}</m:Restriction>{order}", "")
    day = await made.ask(text.format(view=view.format("2026-03-04T15:00:00Z"), where="calendar"))
    assert texts(day, "Subject") == ["at 1", "at 2"]
    wrong = await made.ask(text.format(view=view.format("2026-03-01T00:00:00Z"), where="calendar"))
    assert said(wrong) == ["ErrorCalendarEndDateIsEarlierThanStartDate"]
    assert said(await made.ask(text.format(view="", where="nowhere"))) == ["ErrorFolderNotFound"]
