"""The status page in a browser, of a prober that does what the test says."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser import LARGE, PHONE, Watched, chromium
from tests.browser.scene import Scene, served

pytestmark = [pytest.mark.real, pytest.mark.long(40)]
FAILURES = "Failures of IMAP4 on ams-1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def scene() -> Scene:
    """All has been well for a while."""
    made = Scene()
    made.play(40)
    return made


@pytest.fixture
def url(scene: Scene) -> Iterator[str]:
    with served(scene.app) as address:
        yield address


@pytest.fixture
def shown(browser: Browser, url: str) -> Iterator[Watched]:
    """The page. When the test is over nothing has gone wrong in it, and it has asked nobody else."""
    watched = Watched(browser, url)
    yield watched
    watched.close()
    assert (watched.faults, watched.strangers) == ([], [])


def test_an_incident_begins_is_blamed_and_passes(shown: Watched, scene: Scene) -> None:
    """Without reloading: sentence, alarms, the client's state and its last attempts; each change is told once."""
    shown.words("All well.")
    shown.page.evaluate("window.stayed = true")
    shown.picture("well", whole=True)
    scene.play(20, "imap4")
    shown.again()
    shown.words("IMAP4 has been failing since 08:2")
    shown.words("Most probably: ")
    page = shown.page
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(page.get_by_role("heading", name="Most probably to blame")).to_be_visible()
    expect(page.locator("#s-imap4")).to_have_text(re.compile("failing"))
    expect(page.locator("#c-imap4-last")).to_have_text(re.compile("2 failed"))
    expect(page.locator("#c-owa-last")).to_have_text(re.compile("2 of 2 well"))
    expect(page.get_by_role("status")).to_have_text(re.compile("IMAP4 has been failing"))
    expect(page).to_have_title("✕ Client access")
    shown.picture("trouble", whole=True)
    scene.play_until("recovering")
    shown.again()
    shown.words("recovering")
    scene.play_until("All well")
    shown.again()
    shown.words("All well.")
    expect(page.get_by_role("heading", name="Alarms")).to_have_count(0)
    expect(page).to_have_title("✓ Client access")
    assert page.evaluate("window.stayed")


def test_it_looks_for_news_by_itself_and_says_since_when_it_has_none(browser: Browser, url: str, scene: Scene) -> None:
    """Every few seconds, while somebody looks; what is stale says so, and stops saying so."""
    shown = Watched(browser, url)
    expect(shown.page.locator("#live")).to_have_text(re.compile(r"Live, \d\d:\d\d:\d\d UTC"))
    scene.play(1, "imap4")
    shown.words("IMAP4")
    shown.context.set_offline(True)
    shown.again()
    expect(shown.page.locator("#live")).to_have_text(re.compile(r"Stale since \d\d:\d\d:\d\d UTC"))
    expect(shown.page.get_by_role("status")).to_have_text(re.compile("does not answer"))
    shown.context.set_offline(False)
    shown.again()
    expect(shown.page.locator("#live")).to_have_text(re.compile("Live"))
    shown.close()


def test_a_failed_transaction_opens_as_a_waterfall_by_keyboard(shown: Watched) -> None:
    """The newest first; what the server said is text; Escape leads back to where one was."""
    page = shown.page
    button = page.get_by_role("button", name=FAILURES)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Failures: IMAP4 on ams-1")
    expect(dialog.get_by_role("list", name="Failures, newest first").get_by_role("button")).to_have_text(
        [re.compile("08:25:00 UTC.* at namespace$"), re.compile("08:20:00 UTC.* at namespace · second look$")]
    )
    expect(dialog.get_by_role("rowheader")).to_contain_text(["connect", "authenticate", "namespace ✕ broke here"])
    expect(dialog.get_by_role("img", name="dns 10 ms, connect 20 ms, tls 50 ms")).to_be_visible()
    expect(dialog).to_contain_text("BAD <b>User</b> is authenticated but not connected.")
    expect(dialog.get_by_role("row", name="not reached")).to_contain_text("select, fetch")
    expect(dialog).to_contain_text("0a0b-1234")
    expect(dialog.get_by_role("link", name="Open as text")).to_have_attribute("href", "api/v1/failures/f1?format=text")
    dialog.get_by_text("Transcript, 2 lines").click()
    expect(dialog.get_by_label("Transcript")).to_have_text("> a1 NAMESPACE\n< a1 BAD")
    shown.picture("waterfall")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_a_failure_can_be_copied_for_a_support_case(browser: Browser, url: str) -> None:
    """Or taken from a field, where the browser lets nobody write to the clipboard."""
    shown = Watched(browser, url, permissions=["clipboard-read", "clipboard-write"])
    shown.page.get_by_role("button", name=FAILURES).click()
    shown.page.get_by_role("button", name="Copy for a support case").click()
    expect(shown.page.get_by_role("dialog")).to_contain_text(re.compile(r"Copied\.|Copy it from the field"))
    assert shown.faults == []
    shown.close()


def test_who_may_not_see_failures_is_told_so(browser: Browser, url: str, scene: Scene) -> None:
    scene.hidden = True
    shown = Watched(browser, url)
    shown.page.get_by_role("button", name=FAILURES).click()
    expect(shown.page.get_by_role("alert")).to_have_text(re.compile("to this machine only"))
    shown.close()


def test_the_last_24_hours_are_told_in_words_too(shown: Watched) -> None:
    """Strips of pairs and of whole clients; the share is that of the day, with its limits."""
    row = shown.page.locator('tr[data-client="imap4"][data-target="ams-1"]')
    expect(row.get_by_role("img")).to_have_attribute(
        "aria-label",
        "2 of 96 quarter hours with failures, 1 with slow attempts only, 86 well, 6 without measurement",
    )
    expect(row.locator(".ratio24")).to_have_text("99.1 % 98.6 to 99.4 %")
    expect(row.locator(".ratio > [data-live]")).to_be_hidden()
    expect(shown.page.locator("tbody[data-of=imap4] tr.client").get_by_role("img")).to_be_visible()


def test_targets_fold_and_unfold_by_keyboard(shown: Watched) -> None:
    """And stay as somebody wanted them."""
    page = shown.page
    fold = page.get_by_role("button", name="Outlook on the web", exact=True)
    row = page.locator('tr[data-client="owa"][data-target="iad-1"]')
    expect(row).to_be_visible()
    fold.press("Enter")
    expect(row).to_be_hidden()
    shown.again()
    page.get_by_role("button", name="Show all targets").click()
    expect(row).to_be_visible()


def test_what_can_be_done_is_done_without_leaving_the_page(shown: Watched, scene: Scene) -> None:
    """The button says what it does next, and keeps the focus."""
    shown.page.evaluate("window.stayed = true")
    shown.page.get_by_role("button", name="Start it").press("Enter")
    ending = shown.page.get_by_role("button", name="End it")
    expect(ending).to_be_focused()
    assert scene.levers.on
    assert shown.page.evaluate("window.stayed")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("large", LARGE), ("phone", PHONE)])
def test_nobody_meets_a_barrier(
    browser: Browser, url: str, scene: Scene, colours: str, name: str, size: dict[str, int]
) -> None:
    """In trouble, where most is to be seen, and in a waterfall; on a phone nothing is wider than it."""
    scene.play(20, "imap4")
    shown = Watched(browser, url, color_scheme=colours, viewport=size)
    shown.words("failing")
    button = shown.page.get_by_role("button", name=FAILURES)
    button.wait_for()
    assert shown.barriers() == []
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    shown.picture(f"trouble-{name}-{colours}", whole=True)
    button.click()
    shown.page.get_by_role("button", name="Copy for a support case").wait_for()
    assert shown.barriers() == []
    shown.picture(f"waterfall-{name}-{colours}")
    shown.close()


def test_without_scripts_it_is_a_page_to_read(browser: Browser, url: str) -> None:
    """As it was served; nothing is offered that would not work."""
    shown = Watched(browser, url, java_script_enabled=False)
    shown.words("All well.")
    expect(shown.page.locator("table.clients").get_by_role("row")).to_have_count(7)
    expect(shown.page.get_by_text("need the page's script")).to_be_visible()
    assert shown.page.locator("button:visible").all_text_contents() == ["Start it"]
    shown.close()
