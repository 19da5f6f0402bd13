"""Query options."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.odata import (
    Query,
    filtered,
    names,
    one_page,
    order_fields,
    page_size,
    selector,
    sorter,
)

KNOWN = names("id subject receivedDateTime isRead from")
ONES: list[dict[str, Any]] = [
    {"id": "1", "subject": "b", "isRead": False, "from": {"address": "z"}},
    {"id": "2", "subject": "A", "isRead": True, "from": {"address": "y"}},
    {"id": "3", "subject": None, "isRead": False, "from": {"address": "x"}},
]


def query(**options: str) -> Query:
    return Query.read({f"${name}": value for name, value in options.items()}, "https://x/v1.0/y")


def test_options_are_known_by_any_spelling() -> None:
    """With or without the dollar sign and in any case; what is no option is left aside."""
    found = Query.read({"$Top": "5", "SELECT": "id", "startDateTime": "now", "colour": "red"}, "")
    assert found.options == {"top": "5", "select": "id", "startdatetime": "now"}


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "0", "1001", "٣", "99999999999999999999"])
def test_a_page_of_an_impossible_size_is_refused(text: str) -> None:
    """One to a thousand."""
    with pytest.raises(GraphError) as caught:
        query(top=text).top(10)
    assert caught.value.code == "BadRequest"


def test_the_page_size_is_the_default_unless_told() -> None:
    """The largest there is can be asked for."""
    assert (query().top(10), query(top="1000").top(10)) == (10, 1000)


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("", (10, False)),
        ("odata.maxpagesize=50", (50, True)),
        ('outlook.timezone="UTC", odata.maxpagesize=2', (2, True)),
        ("odata.maxpagesize=5000", (1000, True)),
        ("odata.maxpagesize=0", (10, False)),
        ("odata.maxpagesize=many", (10, False)),
    ],
)
def test_a_preferred_page_size_is_read(prefer: str, expected: tuple[int, bool]) -> None:
    """Among other preferences, and never more than a page may have."""
    assert page_size(prefer, 10) == expected


def test_only_selected_properties_are_shown_and_always_the_id() -> None:
    """Annotations stay."""
    chosen = selector(query(select="subject"), KNOWN)
    assert chosen({"@odata.etag": "e", "id": "1", "subject": "s", "isRead": True}) == {
        "@odata.etag": "e",
        "id": "1",
        "subject": "s",
    }
    assert selector(query(select="*"), KNOWN)(ONES[0]) == ONES[0]
    with pytest.raises(GraphError):
        selector(query(select="subject,colour"), KNOWN)


def test_order_goes_by_several_keys() -> None:
    """Text without case, what is missing first, and the second key where the first is equal."""
    assert [one["id"] for one in sorter(query(orderby="subject"), KNOWN)(ONES)] == ["3", "2", "1"]
    assert [one["id"] for one in sorter(query(orderby="isRead desc,subject desc"), KNOWN)(ONES)] == ["2", "1", "3"]
    assert [one["id"] for one in sorter(query(orderby="from/address"), KNOWN)(ONES)] == ["3", "2", "1"]
    assert [one["id"] for one in sorter(query(orderby="from"), KNOWN)(ONES)] == ["1", "2", "3"]


@pytest.mark.parametrize("text", ["colour", "subject down", "subject desc desc"])
def test_an_order_that_is_none_is_refused(text: str) -> None:
    """By a bad request."""
    with pytest.raises(GraphError):
        sorter(query(orderby=text), KNOWN)


def test_an_order_must_begin_what_is_filtered_by() -> None:
    """Else Outlook calls it too complex (Learn, "List messages", using filter and orderby in the same query)."""
    filtered(query(filter="receivedDateTime ge 2026-01-01 and isRead eq false", orderby="receivedDateTime desc"), KNOWN)
    with pytest.raises(GraphError) as caught:
        filtered(query(filter="isRead eq false", orderby="receivedDateTime desc"), KNOWN)
    assert caught.value.code == "InefficientFilter"
    assert order_fields(query(orderby="receivedDateTime desc, id")) == ["receiveddatetime", "id"]


def test_a_page_links_to_the_next_one() -> None:
    """With every option of this one; the last page links nowhere."""
    asked = query(top="2", select="id", filter="subject ne 'x & y'", count="true")
    page = one_page(asked, ONES, 2)
    assert ([one["id"] for one in page["value"]], page["@odata.count"]) == (["1", "2"], 3)
    link = urlsplit(page["@odata.nextLink"])
    assert parse_qs(link.query) == {
        "$top": ["2"],
        "$select": ["id"],
        "$filter": ["subject ne 'x & y'"],
        "$count": ["true"],
        "$skip": ["2"],
    }
    last = one_page(query(top="2", skip="2"), ONES, 2)
    assert last == {"value": [ONES[2]]}
    assert "@odata.nextLink" not in one_page(query(top="3"), ONES, 3)
