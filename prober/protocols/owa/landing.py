"""Where opening Outlook on the web ends for somebody who has not signed in, and the script that its pages load."""

import html
import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import challenge, phrases
from prober.protocols.http import status as http
from prober.protocols.oidc import document, signin_page
from prober.protocols.owa import status

FORM = "/owa/auth/logon.aspx"
MOST = 262_144
TAG = re.compile(r"<(?:script|link)\b[^<>]{0,2000}>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""(?<![a-z-])([a-z-]{1,30})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def ended(url: str, reply: Reply, unwanted: Iterable[str], *, on_premises: bool) -> str:
    """Return how people sign in where the way ended: `sign-in` page, `form` of Exchange Server, or `integrated`.

    Raises `FaultError` where it ended elsewhere, or where the page shows one of the phrases `unwanted`.
    """
    if signin_page.asks_to_sign_in(url):
        signin_page.check(reply)
        return "sign-in"
    if on_premises and reply.status == 401 and challenge.read(reply.headers):
        return "integrated"
    _check(reply, unwanted)
    if at_form(url) and b"<form" in reply.body[:MOST].lower():
        return "form"
    raise FaultError(status.ELSEWHERE, status.evidence(reply))


def at_form(url: str) -> bool:
    """Whether `url` is that of the sign-in form of Exchange Server."""
    return urlsplit(url).path.lower().endswith(FORM)


def _check(reply: Reply, unwanted: Iterable[str]) -> None:
    error = status.named(reply)
    if error is not None:
        raise error
    if reply.status in (401, 403):
        raise FaultError(status.FORBIDDEN, status.evidence(reply))
    if reply.status != 200:
        raise http.fault(reply)
    phrases.refuse_error_page(reply, unwanted)


def script(url: str, reply: Reply) -> str:
    """Return the address of the first script that the page at `url` loads over TLS, or nothing."""
    page = reply.body[:MOST].decode("utf-8", "replace")
    for tag in TAG.findall(page):
        found = _source(tag)
        where = _joined(url, html.unescape(found)) if found else ""
        if where:
            return where
    return ""


def _source(tag: str) -> str:
    """Return what a `script` loads, or a `link` that preloads one."""
    given: dict[str, str] = {name.lower(): one or two or three for name, one, two, three in ATTRIBUTE.findall(tag)}
    if tag[1:7].lower() == "script":
        return given.get("src", "")
    preloads = given.get("rel", "").lower() in ("preload", "modulepreload") and given.get("as", "script") == "script"
    return given.get("href", "") if preloads else ""


def _joined(url: str, reference: str) -> str:
    try:
        found = urljoin(url, reference.strip())
    except ValueError:
        return ""
    return found if document.is_https(found) else ""
