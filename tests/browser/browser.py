"""A browser, and pages that take down what goes wrong in them: messages, errors, requests to anybody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PATIENCE = 30_000
"""Milliseconds that something on the page may take, on a machine with a lot to do."""
GRAVE = frozenset({"serious", "critical"})
LARGE = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's own browser, with a profile of its own; nothing is fetched for it."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), timeout=4 * PATIENCE)
        yield browser
        browser.close()


class Watched:
    """A page at `url`. `faults`: what went wrong in it; `strangers`: hosts other than its own that it asked."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": LARGE, **context})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.url = url
        self.faults: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.strangers.append(request.url)

    def words(self, text: str) -> None:
        """Wait until the sentence at the top has `text` in it."""
        self.page.locator(".headline .words", has_text=text).wait_for()

    def again(self) -> None:
        """Have the page look for news at once, as it does when its tab is shown again."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Write a screenshot."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    def barriers(self) -> list[str]:
        """Return what axe finds grave: the rule, and where it is broken."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:120]} {node['failureSummary']}"
            for one in found
            if one["impact"] in GRAVE
            for node in one["nodes"]
        ]

    def close(self) -> None:
        """Close it."""
        self.context.close()
