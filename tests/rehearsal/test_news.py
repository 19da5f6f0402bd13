"""News that is kept back from one client while another of the same mailbox sees it: silent channels, old pictures."""

import asyncio
from dataclasses import replace
from typing import Any

from prober.assembly import Assembly
from prober.faults.taxonomy import Reason
from prober.model import Assignment, Outcome
from prober.rehearsal.post import Post
from prober.settings.settings import Settings
from prober.sightings import LIMIT
from tests.rehearsal.theatre import Theatre, assigned, theatre

__all__ = ["theatre"]
PHONE = "outlook_mobile"


async def attempt(assembly: Assembly, assignment: Assignment) -> Outcome:
    outcome, _ = await assembly.attempts.by_hand(assignment)
    return outcome


def landed(outcome: Outcome) -> tuple[str, str, Reason] | None:
    """Return where an attempt broke, by which kind and for which reason; `None` when it did not."""
    failure = outcome.failure
    if failure is None or failure.fault is None:
        return None
    return failure.step, failure.fault.kind.code, failure.fault.reason


def patient(settings: Settings) -> Assignment:
    """Return the phone's assignment, waiting long enough for news to grow old."""
    assignment = assigned(settings, PHONE)
    return replace(assignment, options=replace(assignment.options, notify_seconds=20.0))


def test_a_channel_that_keeps_news_back_is_lost(theatre: Theatre) -> None:
    """It is open, and says nothing of the mail that comes; mail that goes meanwhile hides none."""

    async def scene() -> None:
        assembly, assignment = theatre.assembly(theatre.settings), patient(theatre.settings)
        post = Post([theatre.mailbox], 5.0)
        post.start()
        try:
            await asyncio.sleep(150)
            well = await attempt(assembly, assignment)
            assert landed(well) is None
            assert well.results[-1].facts["changes"]
            theatre.begin({"kind": "push_silent", "step": "notify_wait", "client": PHONE})
            silent = landed(await attempt(assembly, assignment))
        finally:
            post.stop()
            await theatre.clear()
            await assembly.close()
        assert silent == ("notify_wait", "notify_silent", Reason.PUSH_CHANNEL_LOST)

    theatre.run(scene())


def test_a_quiet_mailbox_is_no_silent_channel(theatre: Theatre) -> None:
    """Nothing came, so there was nothing to tell, whatever the channel would have done."""

    async def scene() -> None:
        assembly = theatre.assembly(theatre.settings)
        theatre.begin({"kind": "push_silent", "step": "notify_wait", "client": PHONE})
        try:
            assert landed(await attempt(assembly, patient(theatre.settings))) is None
        finally:
            await theatre.clear()
            await assembly.close()

    theatre.run(scene())


def _beside(theatre: Theatre, settings: Settings, fault: dict[str, Any]) -> list[tuple[str, str, Reason] | None]:
    """Let two clients look in turn, of whom one is shown an old picture; return where the phone's attempts landed."""

    async def scene() -> list[tuple[str, str, Reason] | None]:
        assembly = theatre.assembly(settings)
        phone, program = assigned(settings, PHONE), assigned(settings, "imap4")
        theatre.mailbox.deliver("Something new")
        theatre.begin(fault | {"client": PHONE})
        found = []
        try:
            for _ in range(3):
                assert landed(await attempt(assembly, program)) is None
                found.append(landed(await attempt(assembly, phone)))
                await asyncio.sleep(LIMIT + 10)
        finally:
            await theatre.clear()
            await assembly.close()
        return found

    return theatre.run(scene())


def test_an_old_picture_is_stale_once_another_client_has_seen_more_for_long_enough(theatre: Theatre) -> None:
    """Not at once: views are replicated, and clients look at different times."""
    found = _beside(theatre, theatre.settings, {"kind": "stale", "step": "read_newest", "age_min": 600})
    assert found == [None, None, ("read_newest", "view_stale", Reason.STALE_DATA)]


def test_a_canary_that_is_hidden_from_one_client_is_missed(theatre: Theatre) -> None:
    """Green but empty: every step would be well without it."""
    found = _beside(theatre, theatre.with_canary, {"kind": "stale", "step": "canary", "age_min": 600})
    assert found[0] is None
    assert found[1] == found[2] == ("canary", "canary_missing", Reason.STALE_DATA)
