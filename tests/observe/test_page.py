"""The page as it is served, before its script has done anything."""

import re

from prober.observe.assets import Assets
from prober.observe.page import Page, Part, described, render
from prober.observe.status import Row

ROWS = (
    Row(
        "imap4", "A program", "hq", "mailbox", "failed", "read_timeout", "no_answer", "frontend", "take", title="IMAP4"
    ),
    Row("owa", "The web", "hq", "token", "ok", ok=9, failed=1, attempts=11, ended_at="2026-11-23T12:00:05+00:00"),
    Row("imap4", "A program", "<b>", "mailbox", "ok", ok=3, attempts=3, title="IMAP4", region="eu"),
)


def page(**more: object) -> str:
    return render(Page(ROWS, **more), Assets())  # type: ignore[arg-type]  # a test's short hand


def test_each_client_stands_once_with_all_its_targets() -> None:
    """In the order of the configuration, whichever way targets and clients are mixed there."""
    shown = page()
    assert re.findall(r"<h3[^>]*>([^<]+)", shown) == ["IMAP4", "owa"]
    assert re.findall(r'data-client="(\w+)" data-target="([^"]+)"', shown) == [
        ("imap4", "hq"),
        ("imap4", "&lt;b&gt;"),
        ("owa", "hq"),
    ]


def test_a_row_says_how_the_last_attempt_went_and_how_many_succeeded() -> None:
    """Whether something may be looked up is data: attempts that were not plain successes."""
    shown = page()
    assert "read_timeout · no_answer · at take" in shown
    assert "<span class=blame>frontend</span>" in shown
    assert 'title="9 of 10 attempts that count, since the prober began"' in shown
    assert 'data-bad="2"' in shown
    assert "eu · mailbox" in shown


def test_a_client_sums_up_its_targets() -> None:
    shown = page(states={"imap4": "failing"})
    assert "1 failed</span>" in shown
    assert "1 of 2 well</span>" in shown
    assert "</i>failing</span>" in shown


def test_parts_stand_where_they_belong_and_can_be_renewed_one_by_one() -> None:
    shown = page(parts=[Part("c", "<p>below"), Part("a", "<p>head", "head"), Part("b", "<p>above", "above")])
    assert shown.index("<p>head") < shown.index("<p>above") < shown.index("<table") < shown.index("<p>below")
    ids = re.findall(r'id="?([\w-]+)"? data-live', shown)
    assert {"p-a", "p-b", "p-c", "r0-last", "r2-ratio", "s-owa"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_shape_changes_with_the_pairs_and_with_nothing_else() -> None:
    """The script takes over single parts only while rows are the same."""

    def shape(rows: tuple[Row, ...]) -> str:
        (found,) = re.findall(r'data-shape="(\w+)"', render(Page(rows), Assets()))
        return str(found)

    assert shape(ROWS) == shape(tuple(Row(one.client, "", one.target, "") for one in ROWS)) != shape(ROWS[:2])


def test_it_needs_no_script_and_has_none_within() -> None:
    """Nor styles: the policy would forbid them."""
    shown = page()
    assert re.findall(r"<script(?! type=module src=\"static/)|<style|style=|\son\w+=", shown) == []
    assert "need the page's script" in shown
    assert '<a class=skip href="#main">' in shown


def test_without_anything_to_probe_there_is_no_table() -> None:
    assert "<table" not in render(Page(()), Assets())


def test_what_is_running_is_told_as_far_as_it_is_known() -> None:
    assert described([("revision", "unknown"), ("Python", "3.11.7"), ("x", "")]) == "Python 3.11.7"
