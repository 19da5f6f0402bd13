"""`prober demo` in a browser: an incident started from the page, what is seen of it there, and its end."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser import Watched, chromium
from tests.cli.test_demo import Demo

pytestmark = [pytest.mark.real, pytest.mark.long(45)]
INCIDENT = "S07"
"""Everybody's sign-in is disrupted: soon seen, on a machine with a lot to do as well."""
DETECTED = 120_000
"""Milliseconds that detection may take there."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def shown(browser: Browser) -> Iterator[Watched]:
    """The page of a demo; nothing goes wrong in it, and it asks nobody else."""
    demo = Demo()
    try:
        watched = Watched(browser, demo.url)
        yield watched
        watched.close()
        assert (watched.faults, watched.strangers) == ([], [])
    finally:
        demo.process.kill()
        demo.process.communicate()


def test_an_incident_is_started_seen_blamed_and_ended(shown: Watched) -> None:
    """By its button; while it lasts a failed transaction can be looked into, and nobody meets a barrier."""
    page = shown.page
    expect(page.locator(".headline .detail")).to_have_text(re.compile(r"\d\d well"))
    shown.picture("demo-begins", whole=True)
    page.get_by_role("button", name=f"Start {INCIDENT}").click()
    expect(page.get_by_role("button", name=f"End {INCIDENT}")).to_be_visible()
    page.locator(".headline.trouble").wait_for(timeout=DETECTED)
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(page.get_by_role("heading", name="Most probably to blame")).to_be_visible(timeout=DETECTED)
    expect(page.locator("tr.client .v.failing").first).to_be_visible()
    expect(page.locator("tr.client .strip").first).to_be_visible()
    shown.picture("demo-trouble", whole=True)
    page.locator("tr.has-failures button.more:visible").first.click(timeout=DETECTED)
    expect(page.locator(".waterfall tr.broke")).to_be_visible()
    expect(page.get_by_role("button", name="Copy for a support case")).to_be_visible()
    shown.picture("demo-waterfall")
    assert shown.barriers() == []
    page.keyboard.press("Escape")
    assert shown.barriers() == []
    page.get_by_role("button", name=f"End {INCIDENT}").click()
    expect(page.get_by_role("button", name=f"Start {INCIDENT}")).to_be_visible()
