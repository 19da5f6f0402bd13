"""Where the landing page leads, and which script it loads."""

import random

import pytest

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http.phrases import DEFAULT, split
from prober.protocols.owa.landing import at_form, ended, script
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import said, shaken

OWA = "https://mail.corp.test/owa/"
FORM = "https://mail.corp.test/owa/auth/logon.aspx?url=https%3a%2f%2fmail.corp.test%2fowa%2f&reason=0"
AUTHORIZE = "https://login.example.test/common/oauth2/authorize?client_id=1"
UNWANTED = split(DEFAULT)
LOGON = (
    b'<html><body class="signInBg"><FORM action="/owa/auth.owa" method="POST" name="logonForm"><input name="username">'
)


def end(url: str, reply: Reply, *, on_premises: bool = True) -> str:
    return ended(url, reply, UNWANTED, on_premises=on_premises)


def test_the_way_ends_where_people_sign_in() -> None:
    """On the cloud's page, a federation server's, or the form of Exchange Server."""
    for url in (AUTHORIZE, "https://fs.corp.test/adfs/ls/?wa=wsignin1.0"):
        assert end(url, said(b"<html>Sign in"), on_premises=False) == "sign-in"
    assert end(FORM, said(LOGON)) == "form"
    assert at_form(FORM)
    assert at_form("https://mail.corp.test/OWA/Auth/Logon.aspx")
    assert not at_form(OWA)


def test_a_server_of_ones_own_may_sign_people_in_by_itself() -> None:
    """By the schemes of its network; in the cloud nothing of the kind is due."""
    asked = said(b"", 401, WWW_Authenticate="Negotiate")
    assert end(OWA, asked) == "integrated"
    assert refused(lambda reply: end(OWA, reply, on_premises=False), asked).kind.code == "owa_anonymous_forbidden"
    assert refused(lambda reply: end(OWA, reply), said(b"", 401)).kind.code == "owa_anonymous_forbidden"


@pytest.mark.parametrize(
    ("url", "reply", "code", "reason"),
    [
        (OWA, said(b"<html>Mail"), "owa_not_at_signin", Reason.UNEXPECTED_CHALLENGE),
        (FORM, said(b"<html>"), "owa_not_at_signin", Reason.UNEXPECTED_CHALLENGE),
        (OWA, said(b"<form>", 403), "owa_anonymous_forbidden", Reason.UNEXPECTED_CHALLENGE),
        (OWA, said(b"Something went wrong"), "error_page_text", Reason.SERVER_ERROR),
        (FORM, said(LOGON + b"Something went wrong"), "error_page_text", Reason.SERVER_ERROR),
        (OWA, said(b"", 500), "http_500", Reason.SERVER_ERROR),
        (OWA, said(b"", 503), "http_503", Reason.SERVER_BUSY),
        (OWA, said(b"", 500, X_OWA_Error="Microsoft.Mapi.X"), "owa_mailbox", Reason.MAILBOX_UNAVAILABLE),
        (AUTHORIZE, said(b"", 500), "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (AUTHORIZE, said(b"AADSTS90002: x"), "aadsts_90002", Reason.CLIENT_MISCONFIG),
    ],
)
def test_where_it_ends_elsewhere_it_says_why(url: str, reply: Reply, code: str, reason: Reason) -> None:
    """And whose page it was that was broken."""
    fault = refused(lambda reply: end(url, reply), reply)
    assert (fault.kind.code, fault.reason) == (code, reason)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        # the example of the W3C's "Preload", section 1, with a script in place of a style
        (
            '<link rel="preload" href="/assets/font.woff" as="font"><link rel="preload" href="/a.js" as="script">',
            "/a.js",
        ),
        ("<script src='prem/15.2/scripts/boot.js' crossorigin></script>", "/owa/prem/15.2/scripts/boot.js"),
        ("<SCRIPT async SRC=/x.js></SCRIPT>", "/x.js"),
        ('<link rel="modulepreload" href="/m.js">', "/m.js"),
        ('<LINK REL="Preload" AS="script" HREF=" /n.js ">', "/n.js"),
        ('<script src="/a.js?x=1&amp;y=2"></script>', "/a.js?x=1&y=2"),
        ("<script>inline()</script><script src=/second.js></script>", "/second.js"),
        ('<script src="http://plain.test/a.js"></script><script src="/b.js"></script>', "/b.js"),
        ('<link rel="stylesheet" href="/a.css"><link rel="preload" as="style" href="/a.css">', ""),
        ('<script src="data:text/javascript,1"></script><script src="//[b"></script>', ""),
        ("", ""),
        ("<script", ""),
    ],
)
def test_the_first_script_over_tls_is_found(body: str, found: str) -> None:
    """Loaded or preloaded, in whatever way it is quoted."""
    assert script(OWA, said(body.encode())) == (f"https://mail.corp.test{found}" if found else "")


def test_a_script_elsewhere_is_found_too() -> None:
    """That is where they mostly lie."""
    where = "https://res.cdn.test/owamail/boot.js"
    assert script(OWA, said(f'<link rel=preload as=script href="{where}">'.encode())) == where


def test_any_bytes_are_a_page() -> None:
    """Never a traceback; and text that opens again and again takes no longer."""
    page = LOGON + b'<script src="/a.js"></script><link rel="preload" as="script" href="/b.js">'
    found = set()
    for body in shaken(page):
        found.add(script(OWA, said(body)))
        for status in (200, 401, 500):
            try:
                found.add(end(FORM, said(body, status)))
            except FaultError as error:
                found.add(error.fault.kind.code)
    assert {"form", "owa_not_at_signin", "owa_anonymous_forbidden", "http_500"} <= found
    assert script(OWA, said(b"<script " * 40_000)) == ""
    assert script(OWA, said((b"<script " + b"a" * 1900 + b">") * 130)) == ""
    rng = random.Random(1)
    assert script(OWA, said(bytes(rng.choice(b"<script rc=\"'>/") for _ in range(200_000)))) is not None
