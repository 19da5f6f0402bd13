"""The page that asks for name and password: that it is that page, and that it says nothing is wrong.

Before the password the service looks at the tenant only, at neither application nor redirect.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import phrases
from prober.protocols.oidc import status

MARK = b"$Config="
MOST = 524_288
TROUBLE = ("trouble signing you in", "Something went wrong", "Service unavailable")
"""What the service's error template says, in the language it is asked for."""
PLACES = ("/authorize", "/authorize/", "/adfs/ls", "/adfs/ls/")
"""Ends of the paths under which people are asked to sign in: the cloud's and those of federation servers."""


@dataclass(frozen=True, slots=True)
class SigninPage:
    """Ask for the page at the authorisation endpoint `url` (OpenID Connect Core 1.0, section 3.1.2.1)."""

    url: str
    client_id: str
    redirect_uri: str
    state: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        query = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": self.state,
        }
        joint = "&" if "?" in self.url else "?"
        headers = (("Accept", "text/html"), ("Accept-Language", "en"))
        return Call("GET", f"{self.url}{joint}{urlencode(query)}", headers)

    def read(self, reply: Reply) -> str:
        """Return the id of the page, such as `ConvergedSignIn`. Raises `FaultError`."""
        check(reply)
        config = _config(reply.body[:MOST])
        page, post = config.get("pgid"), config.get("urlPost")
        if not isinstance(page, str) or not page or not isinstance(post, str) or not post:
            raise FaultError(status.SIGNIN_PAGE_BROKEN, status.evidence(reply) | {"missing": "page id"})
        if "error" in page.lower():
            raise FaultError(status.SIGNIN_PAGE_ERROR, status.evidence(reply))
        return page[:40] if page.isascii() and page.isalnum() else "other"


def check(reply: Reply) -> None:
    """Raise `FaultError` where a page of the sign-in service is none, says a number, or that something is wrong."""
    if reply.status != 200:
        raise status.refused(reply, status.SIGNIN_PAGE_BROKEN)
    coded = status.by_code(reply)
    if coded is not None:
        raise coded
    if not reply.body.strip():
        raise FaultError(status.SIGNIN_PAGE_BROKEN, status.evidence(reply) | {"missing": "page"})
    if phrases.recognised(reply.body, TROUBLE):
        raise FaultError(status.SIGNIN_PAGE_ERROR, status.evidence(reply))


def asks_to_sign_in(url: str) -> bool:
    """Whether people are asked to sign in at `url`, whoever's it is."""
    return urlsplit(url).path.lower().endswith(PLACES)


def _config(body: bytes) -> dict[str, Any]:
    """Return the object that the page's script is given, empty where there is none."""
    _, _, rest = body.partition(MARK)
    try:
        found, _ = json.JSONDecoder().raw_decode(rest.decode("utf-8", "replace").lstrip())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
