"""The pages of the sign-in."""

import re

from prober.simulator.http.message import Reply
from prober.simulator.login import pages


def text(reply: Reply) -> str:
    assert isinstance(reply.body, bytes)
    return reply.body.decode()


def test_the_page_says_which_it_is_and_where_it_posts_to() -> None:
    """In a block that clients look for."""
    page = text(pages.signin("contoso.example", {"client_id": "x"}))
    assert re.search(r'\$Config=\{"pgid": "ConvergedSignIn", "urlPost": "/contoso.example/login"', page)


def test_nothing_of_the_request_breaks_out_of_the_page() -> None:
    """Neither markup nor the end of the script."""
    nasty = '"><script>alert(1)</script>'
    for page in (
        pages.signin(nasty, {nasty: nasty}),
        pages.failure(1, nasty),
        pages.handed_back(nasty, {"code": nasty}),
    ):
        shown = text(page)
        assert "</script><" not in shown.replace("</script></head>", "")
        assert "<script>alert(1)</script>" not in shown


def test_a_failed_sign_in_says_so() -> None:
    """And the page stays."""
    assert "incorrect" in text(pages.signin("t", {}, error=50126))
    assert "AADSTS90002" in text(pages.failure(90002, "Tenant not found."))
