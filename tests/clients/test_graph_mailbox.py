"""A mailbox over Graph: links that are kept, begun anew, and held against what others see; and news beside it."""

from typing import Any

import pytest

from prober.clients.graph_mailbox import PAGES
from prober.clients.outlook_mobile import CLIENT
from prober.faults.taxonomy import Reason
from prober.model import Outcome
from prober.sightings import LIMIT, Sightings
from prober.transaction import perform
from tests.clients.graph_made import NOW, Web, transaction
from tests.protocols.graph.made import DELTA, NEXT, collection, error

FIRST = "https://graph.microsoft.com/v1.0/first?$deltatoken=1"
SECOND = "https://graph.microsoft.com/v1.0/users/x/mailFolders/inbox/messages/delta?$deltatoken=2"


async def outcome_of(web: Web, memory: dict[str, str] | None = None, **more: Any) -> Outcome:
    return await perform(CLIENT, transaction(CLIENT, web, memory=memory, **more))


def facts(outcome: Outcome, step: str) -> dict[str, Any]:
    return dict(next(result.facts for result in outcome.results if result.step == step))


async def test_pages_are_followed_to_the_link_that_is_kept() -> None:
    """The next transaction begins with it, and primes nothing."""
    memory: dict[str, str] = {}
    web = Web(delta=[collection({"id": "1"}, next_link=NEXT), collection({"id": "2"}, delta_link=DELTA),
                     collection(delta_link=SECOND)])  # fmt: skip
    outcome = await outcome_of(web, memory)
    assert outcome.fault is None
    assert facts(outcome, "mail_delta_prime")["items"] == 2
    assert memory["mail_delta"] == SECOND
    urls = [call.url for call in web.calls if "delta" in call.url and "calendar" not in call.url]
    assert urls[1:] == [NEXT, DELTA]
    again = Web(delta=collection(delta_link=DELTA))
    outcome = await outcome_of(again, memory)
    assert "mail_delta_prime" in outcome.skipped
    assert next(call.url for call in again.calls if "messages/delta" in call.url) == SECOND


@pytest.mark.parametrize("refusal", [error("SyncStateNotFound", 410), error("resyncRequired", 410)])
async def test_a_link_that_is_known_no_more_is_begun_anew_once(refusal: Any) -> None:
    """A second refusal is a fault."""
    memory: dict[str, str] = {}
    await outcome_of(Web(), memory)
    memory["mail_delta"] = SECOND
    web = Web(delta=[refusal, collection({"id": "1"}, delta_link=DELTA)])
    outcome = await outcome_of(web, memory)
    assert outcome.fault is None
    assert facts(outcome, "mail_delta_next")["link"] == "refused"
    assert memory["mail_delta"] == DELTA
    broken = await outcome_of(Web(delta=refusal), memory)
    assert broken.failure is not None
    assert broken.failure.step == "mail_delta_next"
    assert broken.fault is not None
    assert broken.fault.reason is Reason.SERVER_ERROR


async def test_everything_is_begun_anew_after_so_many_transactions() -> None:
    """Primed at first, then not for `cold_every` transactions less one."""
    memory: dict[str, str] = {}
    primed = []
    for _ in range(4):
        outcome = await outcome_of(Web(), memory, options=type("O", (), {"cold_every": 3, "notify_seconds": 1.0})())
        primed.append("mail_delta_prime" not in outcome.skipped)
    assert primed == [True, False, False, True]


async def test_pages_without_end_are_given_up() -> None:
    """A mailbox for probing is no archive."""
    web = Web(delta=collection({"id": "1"}, next_link=NEXT))
    outcome = await outcome_of(web)
    assert outcome.fault is not None
    assert outcome.fault.reason is Reason.CLIENT_MISCONFIG
    assert web.asked.count("delta") == PAGES


async def test_a_round_without_its_link_is_a_violation() -> None:
    outcome = await outcome_of(Web(calendar=collection()))
    assert outcome.fault is not None
    assert outcome.fault.reason is Reason.PROTOCOL_VIOLATION


async def test_the_calendar_is_followed_anew_every_day() -> None:
    """Its window begins at midnight, and a link is one of its window."""
    memory: dict[str, str] = {}
    web = Web()
    for later in (0.0, 3600.0, 86_400.0):
        await outcome_of(web, memory, wall=lambda later=later: NOW + later)
    primes = [call.url for call in web.calls if "startDateTime" in call.url]
    assert [url.partition("startDateTime=")[2][:10] for url in primes] == ["2026-11-24", "2026-11-25"]


async def test_an_old_view_beside_a_newer_one_is_stale() -> None:
    """What another client of the same mailbox has seen for long enough."""
    seen = Sightings()
    outcome = await outcome_of(Web(), sightings=seen)
    assert outcome.fault is None
    assert facts(outcome, "read_newest")["newest_age"] == 60
    seen.saw_newest("imap4", NOW, NOW)
    await outcome_of(Web(), sightings=seen, wall=lambda: NOW + LIMIT + 1)
    seen.saw_newest("imap4", NOW, NOW + LIMIT + 2)
    later = await outcome_of(Web(), sightings=seen, wall=lambda: NOW + LIMIT + 3)
    assert later.failure is not None
    assert later.failure.step == "read_newest"
    assert later.fault is not None
    assert later.fault.reason is Reason.STALE_DATA


async def test_a_canary_that_another_sees_is_missed() -> None:
    """And one that nobody sees is only noted."""
    seen = Sightings()
    alone = await outcome_of(Web(canary=collection()), sightings=seen, canary="k4d8fy2w")
    assert alone.fault is None
    assert facts(alone, "canary")["canary"] == "absent"
    seen.saw_canary("imap4", seen=True, now=NOW + 1)
    missed = await outcome_of(Web(canary=collection()), sightings=seen, canary="k4d8fy2w")
    assert missed.fault is not None
    assert missed.fault.kind.code == "canary_missing"


@pytest.mark.parametrize(
    "change",
    [
        {"endpoints": {"graph": "https://graph.microsoft.us/v1.0"}},
        {"mailbox": "other@contoso.example"},
    ],
)
async def test_a_link_of_another_host_or_mailbox_is_never_asked(change: dict[str, Any]) -> None:
    """Configuration may have changed since: our token goes nowhere else, and no other mailbox is followed."""
    memory: dict[str, str] = {}
    await outcome_of(Web(delta=collection(delta_link=SECOND)), memory)
    assert memory["mail_delta"] == SECOND
    there = DELTA.replace("graph.microsoft.com", "graph.microsoft.us") if "endpoints" in change else DELTA
    web = Web(delta=collection(delta_link=there), calendar=collection(delta_link=there))
    outcome = await outcome_of(web, memory, **change)
    assert outcome.fault is None
    assert SECOND not in [call.url for call in web.calls]
    assert "contoso" not in str(memory)
