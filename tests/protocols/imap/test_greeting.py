"""Which front-end site Exchange's greeting names, and nothing more."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.protocols.imap.greeting import site

EXCHANGE = (
    "The Microsoft Exchange IMAP4 service is ready. [RgBSADMAUAAyADgAMQBDAEEAMAAxADUANwAuAEQARQBVAFAAMgA4ADEALgBQAFIA"
    "TwBEAC4ATwBVAFQATABPAE8ASwAuAEMATwBNAA==]"
)


def banner(name: str) -> str:
    return f"The Microsoft Exchange IMAP4 service is ready. [{base64.b64encode(name.encode('utf-16-le')).decode()}]"


def test_the_site_of_an_exchange_online_front_end_is_told() -> None:
    """Base64 of UTF-16LE; the site is what stands before role and number."""
    assert site(EXCHANGE) == "FR3P281"
    assert site(banner("AM0PR01CA0123.eurprd01.prod.exchangelabs.com")) == "AM0PR01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Dovecot (Debian) ready.",
        "The Microsoft Exchange IMAP4 service is ready.",
        "ready [not base64 at all]",
        "ready [QUJDREVGRw==]",
        "ready [////////]",
        banner("EX01.corp.example"),
        banner("EXCHSRV01CA0157.corp.example"),
        banner("FR3P281CA0157"),
        banner("x" * 700),
    ],
)
def test_nobody_elses_server_name_is_told(text: str) -> None:
    """Anything that is not such a name gives nothing."""
    assert site(text) == ""


@given(st.text(max_size=80), st.binary(max_size=80))
def test_no_text_breaks_it(text: str, data: bytes) -> None:
    """Any text gives a text without a dot."""
    assert "." not in site(text) + site(f"[{base64.b64encode(data).decode()}]")
