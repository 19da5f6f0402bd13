"""The sign-in page, its error template, and pages that are neither."""

from urllib.parse import parse_qs, urlsplit

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.oidc.signin_page import SigninPage, asks_to_sign_in, check
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import outcomes, said

ASK = SigninPage("https://login.example.test/common/oauth2/v2.0/authorize", "1", "https://localhost/", "s1")
PAGE = (
    b'<!DOCTYPE html><html dir="ltr" lang="en"><head><title>Sign in to your account</title>\r\n'
    b'<script type="text/javascript">//<![CDATA[\r\n'
    b'$Config={"fShowPersistentCookiesWarning":false,"urlMsaSignUp":"https://x.test/?a=1\\u0026b=2","arrProofs":[{"a":1}],'
    b'"urlPost":"/common/login","iErrorCode":0,"sErrText":"Something went wrong","pgid":"ConvergedSignIn"};\r\n'
    b"//]]></script></head><body>Sign in</body></html>"
)
"""In the form of Entra ID's page: the block is one JSON object in a script, with the id and where the form goes."""
ERROR = PAGE.replace(b"ConvergedSignIn", b"ConvergedError")


def test_the_page_is_asked_for_as_an_application_would() -> None:
    """OpenID Connect Core 1.0, section 3.1.2.1: the four required parameters, and a state."""
    url = urlsplit(ASK.call().url)
    assert f"{url.scheme}://{url.netloc}{url.path}" == ASK.url
    assert parse_qs(url.query) == {
        "client_id": ["1"],
        "response_type": ["code"],
        "redirect_uri": ["https://localhost/"],
        "scope": ["openid"],
        "state": ["s1"],
    }
    assert (
        SigninPage("https://l.test/a?p=b2c", "1", "r", "s").call().url.startswith("https://l.test/a?p=b2c&client_id=1&")
    )


def test_the_page_is_known_by_its_id() -> None:
    """Words in its script are not shown to anybody."""
    assert ASK.read(said(PAGE)) == "ConvergedSignIn"
    assert ASK.read(said(PAGE.replace(b"ConvergedSignIn", b"odd id of <b>"))) == "other"


@pytest.mark.parametrize(
    ("body", "status", "code", "reason"),
    [
        (b"", 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (b"<html><body>Welcome", 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE.replace(b'"pgid"', b'"page"'), 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE.replace(b'"urlPost"', b'"post"'), 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE.replace(b"$Config={", b"$Config=["), 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE.replace(b"ConvergedSignIn", b""), 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE.replace(b'"/common/login"', b'""'), 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE.replace(b'"ConvergedSignIn"', b"7"), 200, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE, 500, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (PAGE, 302, "signin_page_broken", Reason.TOKEN_SERVICE_ERROR),
        (b"", 429, "signin_throttled", Reason.THROTTLED),
        (ERROR, 200, "signin_page_error", Reason.TOKEN_SERVICE_ERROR),
        (b"<p>Sorry, but we\xe2\x80\x99re having trouble signing you in.", 200, "signin_page_error", None),
        (ERROR + b"<p>AADSTS90033: A transient error", 200, "aadsts_90033", Reason.TOKEN_SERVICE_ERROR),
        (b"<p>AADSTS90002: Tenant not found", 200, "aadsts_90002", Reason.CLIENT_MISCONFIG),
        (b"<p>AADSTS53003: blocked", 403, "aadsts_53003", Reason.ACCESS_POLICY),
    ],
)
def test_a_page_that_is_none_says_why(body: bytes, status: int, code: str, reason: Reason | None) -> None:
    """A number first, then the error template, then that nothing useful is there."""
    fault = refused(ASK.read, said(body, status))
    assert (fault.kind.code, fault.reason) == (code, reason or Reason.TOKEN_SERVICE_ERROR)


def test_where_others_lead_the_page_need_only_be_well() -> None:
    """Without the block: a federation server has none."""
    check(said(b"<html><form>Sign in"))
    assert refused(check, said(b" \n")).kind.code == "signin_page_broken"
    assert refused(check, said(b"AADSTS50196: loop")).reason is Reason.THROTTLED


@pytest.mark.parametrize(
    ("url", "asks"),
    [
        ("https://login.example.test/common/oauth2/authorize?client_id=1", True),
        ("https://login.example.test/contoso.test/oauth2/v2.0/authorize", True),
        ("https://login.example.test/contoso.test/OAuth2/Authorize", True),
        ("https://fs.corp.test/adfs/ls/?wa=wsignin1.0", True),
        ("https://mail.corp.test/owa/auth/logon.aspx?url=x&reason=0", False),
        ("https://mail.corp.test/owa/?to=/common/oauth2/authorize", False),
        ("https://outlook.example.test/owa/", False),
        ("https://login.example.test/authorized", False),
    ],
)
def test_places_where_people_sign_in_are_known_by_their_path(url: str, asks: bool) -> None:
    """Whoever's they are."""
    assert asks_to_sign_in(url) is asks


def test_any_bytes_are_a_page_or_refused() -> None:
    """Never a traceback."""
    found = outcomes(ASK.read, PAGE)
    assert {"read", "signin_page_broken"} <= found <= {"read", "signin_page_broken", "signin_page_error"}
