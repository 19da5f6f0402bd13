"""The fields of a reply by which Exchange tells who answered."""

from prober.simulator.http import diagnostics
from prober.simulator.http.message import Request
from prober.simulator.tenant import Site, Tenant
from prober.simulator.wire import Attempt, Connection, Host


def asked(*fields: tuple[str, str], number: int = 1) -> Request:
    host = Host("mail.ams1.contoso.example", "127.8.0.1", 443, site="ams1")
    return Request("GET", "/", fields, b"", Connection(number, host, "127.0.0.1", 0.0, Attempt("x", 1)))


AMS = Site("ams1", "eu", "AMS")


def test_a_front_end_names_itself_and_repeats_the_request_id() -> None:
    """`client-request-id` only where one was sent; `request-id` always and ever new."""
    first, second = (dict(diagnostics.front_end(asked(("client-request-id", "abc")), AMS)) for _ in range(2))
    assert first["client-request-id"] == "abc"
    assert first["request-id"] != second["request-id"]
    assert first["X-FEEFZInfo"] == "AMS"
    assert "client-request-id" not in dict(diagnostics.front_end(asked(), AMS))


def test_the_front_ends_of_a_site_answer_in_turn() -> None:
    """As many as the site has."""
    names = {dict(diagnostics.front_end(asked(number=n), AMS))["X-FEServer"] for n in range(10)}
    assert len(names) == AMS.front_ends


def test_the_mailbox_server_is_that_of_the_mailbox_wherever_it_was_asked_for() -> None:
    """A mailbox at another site is served from there; `X-BackEndHttpStatus` is what it said."""
    sin = Site("sin1", "apac", "SIN")
    tenant = Tenant("contoso.example", [AMS, sin])
    mailbox = tenant.open_mailbox("a@contoso.example", "sin1")
    fields = dict(diagnostics.back_end(tenant, AMS, mailbox, 503))
    assert fields["X-CalculatedBETarget"] == sin.back_end(mailbox)
    assert fields["X-CalculatedBETarget"].endswith(".prod.outlook.com")
    assert fields["X-BackEndHttpStatus"] == "503"


def test_every_reply_carries_the_tenants_time() -> None:
    """As HTTP writes dates (RFC 9110 section 5.6.7)."""
    assert dict(diagnostics.plain(784111777))["Date"] == "Sun, 06 Nov 1994 08:49:37 GMT"
