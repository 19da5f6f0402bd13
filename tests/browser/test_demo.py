"""`prober demo` in a browser: an incident started from the page, what is seen of it there, its end, and recovery."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser import Watched, chromium
from tests.cli.test_demo import Demo

pytestmark = [pytest.mark.real, pytest.mark.long(75)]
INCIDENT, STRUCK = "S06", "m365_signin"
"""Half of the attempts of one client fail: soon seen, and soon seen to be over, also on a busy machine."""
DETECTED = 120_000
"""Milliseconds that detection, or recovery, may take there."""
TAKE_DOWN = """() => {
  window.said = [];
  new MutationObserver(() => {
    const words = document.querySelector("#main .words")?.textContent;
    if (words && words !== window.said.at(-1)) window.said.push(words);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""Has the page remember every sentence that has stood at its top."""
OVER = """client => {
  document.dispatchEvent(new Event("visibilitychange"));
  return !document.querySelector(`#s-${client} :is(.failing, .recovering), #s-${client}:is(.failing, .recovering)`);
}"""
"""Looks for news, and says whether the client is in trouble."""


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


def test_an_incident_is_started_seen_blamed_ended_and_got_over(shown: Watched) -> None:
    """By its button; while it lasts a failed transaction can be looked into, and nobody meets a barrier.

    Without reloading: when it began, whose fault it is, that it is passing, and that the client is over it. Its groups
    by region, of two targets each, may take minutes longer to be sure of that.
    """
    page = shown.page
    expect(page.locator(".headline .detail")).to_have_text(re.compile(r"\d\d well"))
    shown.picture("demo-begins", whole=True)
    page.evaluate(TAKE_DOWN)
    page.get_by_role("button", name=f"Start {INCIDENT}").click()
    expect(page.get_by_role("button", name=f"End {INCIDENT}")).to_be_visible()
    page.locator(".headline.trouble").wait_for(timeout=DETECTED)
    state = page.locator(f"#s-{STRUCK}")
    expect(state).to_have_text(re.compile("failing"), timeout=DETECTED)
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(page.get_by_role("heading", name="Most probably to blame")).to_be_visible(timeout=DETECTED)
    expect(page.locator("tr.client .strip").first).to_be_visible()
    shown.picture("demo-trouble", whole=True)
    page.locator("tr.has-failures button.more:visible").first.click(timeout=DETECTED)
    expect(page.locator(".waterfall tr.broke")).to_be_visible()
    expect(page.get_by_role("button", name="Copy for a support case")).to_be_visible()
    shown.picture("demo-waterfall")
    assert shown.barriers() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"End {INCIDENT}").click()
    expect(page.get_by_role("button", name=f"Start {INCIDENT}")).to_be_visible()
    assert shown.barriers() == []
    page.wait_for_function(OVER, arg=STRUCK, timeout=DETECTED, polling=500)
    expect(state).not_to_have_text(re.compile("failing|recovering"))
    expect(page.locator(f"#c-{STRUCK}-last")).to_have_text(re.compile("6 of 6 well"))
    shown.picture("demo-over", whole=True)
    said = page.evaluate("window.said")
    began = next(at for at, words in enumerate(said) if re.search(r"has been failing since \d\d:\d\d UTC", words))
    assert any(" recovering from trouble that began at " in words for words in said[began:]), said
    assert not re.search(r"Microsoft 365 sign-in (has been failing|is recovering)", said[-1])
