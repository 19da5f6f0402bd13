"""Walks of a browser, and the pages where they end."""

import pytest

from prober.clients.browsing import browse, told, visit
from prober.clients.m365_signin import CLIENT
from prober.exchange import Auth, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http.phrases import DEFAULT, split
from prober.transaction import Transaction
from prober.vocabulary import Phase
from tests.clients.web_made import AUTHORIZE, SIGNIN, Answers, Web, page, sent, transaction

START = "https://www.example.test/"
UNWANTED = split(DEFAULT)


def walking(answers: Answers) -> tuple[Transaction, Web]:
    web = Web(answers)
    return transaction(CLIENT, web, {}), web


async def fault_of(answers: Answers) -> tuple[str, Reason]:
    tx, _ = walking(answers)
    with pytest.raises(FaultError) as caught:
        await visit(tx, START, UNWANTED)
    return caught.value.fault.kind.code, caught.value.fault.reason


async def test_a_walk_ends_where_nobody_sends_us_on() -> None:
    """Every reply on the way is shown to who asked; nobody is told who we are."""
    answers = {START: sent("/home"), f"{START}home": sent("https://b.test/x?y"), "https://b.test/x": page("end")}
    tx, web = walking(answers)
    seen: list[tuple[str, int]] = []

    def look(url: str, reply: Reply) -> None:
        seen.append((url, reply.status))

    found = await browse(tx, START, look)
    assert (found.url, found.reply.body, found.hops) == ("https://b.test/x?y", b"end", 2)
    assert seen == [(START, 302), (f"{START}home", 302), ("https://b.test/x?y", 200)]
    assert {call.auth for call in web.calls} == {Auth.NONE}


async def test_a_walk_in_a_circle_ends() -> None:
    """Before the circle is closed."""
    tx, web = walking({START: sent("/a"), f"{START}a": sent("/")})
    with pytest.raises(FaultError) as caught:
        await browse(tx, START)
    assert caught.value.fault.reason is Reason.REDIRECT_LOOP
    assert len(web.calls) == 2


async def test_a_portal_shows_its_page_or_leads_to_signing_in() -> None:
    """Either is well, and noted."""
    tx, _ = walking({START: page()})
    await visit(tx, START, UNWANTED)
    assert dict(tx.timeline.facts) == {"hops": 0, "ended": "page"}
    tx, _ = walking({START: sent(f"{AUTHORIZE}?client_id=1"), AUTHORIZE: page(SIGNIN)})
    await visit(tx, START, UNWANTED)
    assert dict(tx.timeline.facts) == {"hops": 1, "ended": "sign-in"}


async def test_whose_page_is_broken_decides_whose_fault_it_is() -> None:
    """The portal's own, or that of the service it sends people to."""
    busy, away = page("", 503), sent(AUTHORIZE)
    assert await fault_of({START: busy}) == ("portal_busy", Reason.SERVER_BUSY)
    assert await fault_of({START: away, AUTHORIZE: busy}) == ("signin_page_broken", Reason.TOKEN_SERVICE_ERROR)
    wrong = page("<p>AADSTS90033: A transient error has occurred.")
    assert await fault_of({START: away, AUTHORIZE: wrong}) == ("aadsts_90033", Reason.TOKEN_SERVICE_ERROR)
    assert await fault_of({START: page("Something went wrong")}) == ("error_page_text", Reason.SERVER_ERROR)


def test_a_fault_can_be_told_more_of() -> None:
    """And stays what it is."""
    error = FaultError(Kind("x", Reason.SERVER_BUSY), {"a": "1"}, phase=Phase.WAIT, retry_after=3.0)
    fault = told(error, b="2").fault
    assert (fault.kind, dict(fault.evidence)) == (error.fault.kind, {"a": "1", "b": "2"})
    assert (fault.phase, fault.retry_after) == (Phase.WAIT, 3.0)
