"""Records of Graph become notices, or are left out."""

import copy
import json
import random
import time
from typing import Any

import pytest

from prober.advisories.issue import BadRecordError, Issue, moment, read_issue, read_issues
from tests.advisories.feeds import PUBLISHED, at, ex1256020, ex1320296, post, record


def test_the_published_sample_is_read() -> None:
    """With its capitals, which compare as if there were none, and its fractions of a second."""
    issue = read_issue(dict(PUBLISHED))
    assert (issue.id, issue.service, issue.classification, issue.status) == (
        *("EX226792", "Exchange Online", "incident", "servicerestored"),
    )
    assert issue.resolved
    assert issue.started == at("2020-11-13T21:00:00+00:00")
    assert issue.closed == issue.ended == at("2020-11-14T17:15:00+00:00")
    assert issue.modified == at("2020-11-14T18:20:24.767+00:00")
    assert issue.first_post == at("2020-11-14T01:13:14.387+00:00")


def test_posts_are_in_the_order_of_their_times() -> None:
    """However they were sent: the first is what publication goes by."""
    shuffled = ex1256020()
    shuffled["posts"].reverse()
    assert read_issue(shuffled) == read_issue(ex1256020())
    assert read_issue(shuffled).first_post == at("2026-03-19T18:10:00+00:00")


def test_the_scope_is_read_from_the_latest_post_without_its_tags() -> None:
    """An earlier one may have said otherwise: scope texts change."""
    told = ex1320296()
    told["posts"].insert(0, post("2026-05-25T08:30:00Z", "Users in <b>Japan</b>."))
    scope = read_issue(told).scope()
    assert "United Kingdom" in scope
    assert "<p>" not in scope
    assert "Japan" not in scope


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        "EX1",
        {},
        record("EX1", isResolved=None),
        record("EX1", isResolved="false"),
        record("EX1", service=""),
        record("EX1", service=["Exchange Online"]),
        record("<script>"),
        record("EX1\n"),
        record("", id=7),
    ],
)
def test_what_is_no_notice_is_refused(bad: Any) -> None:
    """Without an id, a service and a state there is nothing to say."""
    with pytest.raises(BadRecordError):
        read_issue(bad)


def test_bad_records_are_counted_and_cost_no_other() -> None:
    found, bad = read_issues([7, ex1256020(), {"id": "EX1"}, record("EX2")])
    assert [one.id for one in found] == ["EX1256020", "EX2"]
    assert bad == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("posts", None),
        ("posts", "text"),
        ("posts", [None, 7, {"createdDateTime": "soon"}, {"description": {}}]),
        ("details", {"name": "x"}),
        ("details", [None, {"value": 7}]),
        ("title", None),
        ("impactDescription", ["x"]),
        ("classification", 3),
        ("startDateTime", 20260101),
    ],
)
def test_a_part_that_is_not_what_it_should_be_is_left_out(key: str, value: Any) -> None:
    """The rest of the notice stands."""
    issue = read_issue(record("EX1", **{key: value}))
    assert issue.id == "EX1"
    assert not issue.posts
    assert not issue.details


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", 253402351199.0),
        ("2026-01-01T00:00:00", 1767225600.0),
        ("2026-01-01T01:00:00+01:00", 1767225600.0),
        ("2026-01-01T00:00:00.1234567Z", 1767225600.123456),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_as_odata_writes_them(text: Any, seconds: float | None) -> None:
    """Year 1 is how a time that is not there is written."""
    assert moment(text) == seconds


def test_an_open_notice_is_not_closed_whatever_its_end() -> None:
    assert Issue("EX1", "Exchange Online", ended=5.0).closed is None
    assert Issue("EX1", "Exchange Online", resolved=True, ended=5.0, modified=9.0).closed == 5.0
    assert Issue("EX1", "Exchange Online", resolved=True, modified=9.0).closed == 9.0
    assert Issue("EX1", "Exchange Online", resolved=True).closed == 0.0


def test_titles_become_one_printable_line() -> None:
    """Of bounded length: they are shown."""
    assert read_issue(record("EX1", title=" a\n\tb\x1b[31m ")).title == "a b [31m"
    assert len(read_issue(record("EX1", title="x" * 10_000)).title) == 300


def test_a_text_of_nothing_but_brackets_takes_no_time() -> None:
    """The tags are taken out of whatever is sent."""
    issue = read_issue(record("EX1", posts=[post("2026-01-01T00:00:00Z", "<" * 20_000)]))
    began = time.process_time()
    issue.scope()
    assert time.process_time() - began < 2


def test_nothing_but_notices_comes_out_of_anything() -> None:
    """Every part of a record replaced by something else, many times over."""
    draw = random.Random(7)
    stuff: list[Any] = [None, True, 0, -1.5, "", "\x00", "9" * 400, [], {}, [[]], [{}], {"content": 3}, 1e308]
    for _ in range(3000):
        broken = copy.deepcopy(ex1256020())
        for key in draw.sample(sorted(broken), 3):
            broken[key] = draw.choice(stuff)
        if broken["posts"] and draw.random() < 0.5:
            broken["posts"] = [dict.fromkeys(post(""), draw.choice(stuff))]
        found, bad = read_issues([json.loads(json.dumps(broken))])
        assert len(found) + bad == 1
        assert all(isinstance(one.scope(), str) for one in found)
