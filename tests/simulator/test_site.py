"""The web site beside the mail."""

from prober.simulator.http.message import Request
from prober.simulator.site import Website
from prober.simulator.wire import Attempt, Connection, Host

HERE = Connection(1, Host("www.contoso.example", "127.0.0.1", 443), "127.0.0.1", 0.0, Attempt("x", 1))


async def test_it_has_a_page_and_takes_nothing() -> None:
    """GET and HEAD, no POST."""
    answers = [await Website().answer(Request(method, "/", (), b"", HERE), None) for method in ("GET", "HEAD", "POST")]
    assert [answer.status for answer in answers] == [200, 200, 405]


def test_it_says_when_to_come_back() -> None:
    """In seconds."""
    reply = Website().throttled(Request("GET", "/", (), b"", HERE), 0, 29.6)
    assert (reply.status, reply.headers) == (429, (("Retry-After", "30"),))
