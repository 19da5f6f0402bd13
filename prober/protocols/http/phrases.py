"""Error pages that come with status 200: recognised by what they say to people.

Only text that a browser would show counts: programs carry the words of all their error messages with them.
"""

import html
import re
from collections.abc import Iterable

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import diagnostics

ERROR_PAGE_TEXT = Kind("error_page_text", Reason.SERVER_ERROR)
MOST = 262_144
"""Bytes of a page that are looked at."""
DEFAULT = (
    "Something went wrong|wasn't able to respond|Our services aren't available right now|Service unavailable"
    "|We're having trouble|An error occurred while processing your request"
)
"""What error pages of portals, of Exchange and of the edge network say, separated as configuration has it."""
HIDDEN = ("script", "style", "template", "noscript")
OPENING = re.compile(rf"<(?:({'|'.join(HIDDEN)})\b|!--)")
TAG = re.compile(r"<[^<>]*>")
WORD = re.compile(r"[A-Za-z]+")
SPACE = re.compile(r"\s+")


def split(text: str) -> tuple[str, ...]:
    """Return the phrases of a text that separates them by `|`, those without a letter left out."""
    return tuple(phrase.strip() for phrase in text.split("|") if phrase.strip())


def refuse_error_page(reply: Reply, phrases: Iterable[str]) -> None:
    """Raise `FaultError` (`error_page_text`) where the page shows one of `phrases`."""
    found = recognised(reply.body, phrases)
    if found:
        evidence = {"http_status": str(reply.status), "phrase": found[:60], **diagnostics.evidence(reply.headers)}
        raise FaultError(ERROR_PAGE_TEXT, evidence)


def recognised(body: bytes, phrases: Iterable[str]) -> str:
    """Return the first of `phrases` that the page shows, whatever its case, spaces and apostrophes; or nothing."""
    page = body[:MOST].lower()
    likely = [phrase for phrase in phrases if _may_show(page, phrase)]
    if not likely:
        return ""
    shown = _plain(visible(body))
    return next((phrase for phrase in likely if _plain(phrase) in shown), "")


def _may_show(page: bytes, phrase: str) -> bool:
    """Whether the longest plain word of a phrase is in the page at all, which spares most pages being read."""
    word = max(WORD.findall(phrase), key=len, default="")
    return word.lower().encode() in page


def visible(body: bytes) -> str:
    """Return the text of a page without tags, comments and what only programs read; bounded, in linear time."""
    page = body[:MOST].decode("utf-8", "replace")
    lower = _lowered(page)
    kept, position = [], 0
    while (opening := OPENING.search(lower, position)) is not None:
        kept.append(page[position : opening.start()])
        closing = f"</{opening[1]}" if opening[1] else "-->"
        end = lower.find(closing, opening.end())
        if end < 0:
            return html.unescape(TAG.sub(" ", " ".join(kept)))
        position = lower.find(">", end) + 1 or len(page)
    kept.append(page[position:])
    return html.unescape(TAG.sub(" ", " ".join(kept)))


def _lowered(page: str) -> str:
    """Return `page` with ASCII letters in lower case and every character in its place."""
    return page.translate({code: code + 32 for code in range(ord("A"), ord("Z") + 1)})


def _plain(text: str) -> str:
    return SPACE.sub(" ", text.replace("\u2019", "'").casefold())
