"""OData filters, with expressions as its specification and Graph's documentation write them."""

from datetime import UTC, datetime

import pytest

from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.filters import read_filter, read_moment

KNOWN = frozenset({"receivedDateTime", "isRead", "subject", "from", "service", "isResolved", "size", "endDateTime"})
ENTITY = {
    "receivedDateTime": "2026-03-16T06:42:00Z",
    "isRead": False,
    "subject": "It's Weekly report 3",
    "from": {"emailAddress": {"address": "Bob@contoso.example"}},
    "service": "Exchange Online",
    "isResolved": False,
    "size": 7,
    "endDateTime": None,
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("receivedDateTime ge 2026-03-16T06:42:00Z", True),
        ("receivedDateTime gt 2026-03-16T06:42:00Z", False),
        ("receivedDateTime ge 2026-03-16T07:42:00+01:00", True),
        ("receivedDateTime lt 2026-03-17", True),
        ("receivedDateTime ge 2026-03-16T06:42:00.0000001Z", True),
        ("isRead eq false", True),
        ("isRead ne false", False),
        ("service eq 'Exchange Online' and isResolved eq false", True),
        ("service eq 'exchange online' and isResolved eq true", False),
        ("isRead eq true or size ge 7", True),
        ("isRead eq true or size ge 7 and size lt 7", False),
        ("(isRead eq true or size ge 7) and size le 7", True),
        ("not isRead eq true", True),
        ("not (isRead eq false or size eq 1)", False),
        ("contains(subject,'weekly')", True),
        ("startswith(subject, 'Weekly')", False),
        ("endswith(subject,'3')", True),
        ("subject eq 'it''s weekly REPORT 3'", True),
        ("from/emailAddress/address eq 'bob@contoso.example'", True),
        ("from/emailAddress/nothing eq null", True),
        ("endDateTime eq null", True),
        ("endDateTime ne null", False),
        ("endDateTime gt 2026-01-01", False),
        ("size eq 'seven'", False),
        ("subject gt 5", False),
        ("ISREAD eq FALSE", True),
    ],
)
def test_a_filter_decides(text: str, passes: bool) -> None:
    """`and` binds closer than `or`; names and text compare without case."""
    assert read_filter(text, KNOWN).passes(ENTITY) is passes


@pytest.mark.parametrize(
    "text",
    [
        "colour eq 1",
        "isRead",
        "isRead eq",
        "isRead like 'x'",
        "isRead eq false and",
        "(isRead eq false",
        "isRead eq false)",
        "subject eq 'open",
        "receivedDateTime ge yesterday",
        "contains(subject)",
        "contains(subject,5)",
        "contains subject",
        "'' eq ''",
        "(" * 3000 + "isRead eq false" + ")" * 3000,
        "not " * 3000 + "isRead eq false",
    ],
)
def test_what_is_no_filter_is_a_bad_request(text: str) -> None:
    """In words, never a failure of ours, however deep it is nested."""
    with pytest.raises(GraphError) as caught:
        read_filter(text, KNOWN)
    assert (caught.value.code, caught.value.status) == ("BadRequest", 400)


def test_it_tells_which_properties_and_operators_it_names() -> None:
    """In order, for those that serve only some."""
    found = read_filter("receivedDateTime ge 2026-01-01 and isRead eq false", KNOWN)
    assert found.fields == ("receivedDateTime", "isRead")
    assert found.operators == ("ge", "eq")


def test_a_moment_without_an_offset_is_in_utc() -> None:
    """As OData has it."""
    assert read_moment("2026-03-16T06:42:00") == datetime(2026, 3, 16, 6, 42, tzinfo=UTC)
    with pytest.raises(GraphError):
        read_moment("2026-13-45")
