"""Views of one mailbox held against each other."""

import pytest

from prober.faults.taxonomy import CANARY_MISSING, VIEW_STALE, FaultError
from prober.sightings import LIMIT, MEMORY, Sightings


def test_one_client_alone_is_never_stale() -> None:
    """However old its newest item is."""
    seen = Sightings()
    seen.saw_newest("imap4", 0.0, 1e9)
    seen.saw_newest("imap4", None, 1e9)


def lagging(seen: Sightings, now: float, received: float | None = 50.0) -> FaultError | None:
    """Let one client look, find itself behind, and look again after another has looked too."""
    seen.saw_newest("outlook_mobile", received, now)
    seen.saw_newest("imap4", 100.0, now + 1)
    try:
        seen.saw_newest("outlook_mobile", received, now + 2)
    except FaultError as error:
        return error
    return None


def test_a_view_that_lags_behind_another_for_too_long_is_stale() -> None:
    """Not before the limit has passed since the other saw it, and not once it has caught up."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    assert lagging(seen, 98.0 + LIMIT) is None
    stale = lagging(seen, 101.0 + LIMIT)
    assert stale is not None
    assert stale.fault.kind is VIEW_STALE
    assert dict(stale.fault.evidence) == {"behind_seconds": "50", "clients_ahead": "1"}
    seen.saw_newest("outlook_mobile", 100.0, 110.0 + LIMIT)
    seen.saw_newest("outlook_mobile", 50.0, 111.0 + LIMIT)


def test_an_empty_view_beside_a_full_one_is_stale() -> None:
    """The mailbox that is green but empty."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    stale = lagging(seen, 102.0 + LIMIT, None)
    assert stale is not None
    assert stale.fault.evidence["behind_seconds"] == "empty"


def test_what_is_deleted_between_two_looks_is_not_held_against_anybody() -> None:
    """Only who saw it again afterwards is a witness."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    seen.saw_newest("outlook_mobile", 50.0, 200.0 + LIMIT)
    seen.saw_newest("outlook_mobile", 50.0, 201.0 + LIMIT)
    seen.saw_newest("imap4", 50.0, 202.0 + LIMIT)
    seen.saw_newest("outlook_mobile", 50.0, 203.0 + LIMIT)


def test_what_another_saw_long_ago_is_forgotten() -> None:
    """A client that no longer looks is no witness."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    for later in (101.0, 102.0, 103.0):
        seen.saw_newest("outlook_mobile", 50.0, later + MEMORY)


def test_a_view_that_goes_back_and_forth_still_tells_what_it_saw() -> None:
    """A store of which half serves an old picture serves it to everybody in turn."""
    seen = Sightings()
    for moment in range(0, int(LIMIT) + 60, 10):
        seen.saw_newest("imap4", 50.0 if moment % 20 else 1000.0 + moment, 1000.0 + moment)
    seen.saw_newest("imap4", 1100.0 + LIMIT, 1100.0 + LIMIT)
    seen.saw_newest("outlook_mobile", 50.0, 1101.0 + LIMIT)
    seen.saw_newest("imap4", 50.0, 1102.0 + LIMIT)
    seen.saw_newest("imap4", 1103.0 + LIMIT, 1103.0 + LIMIT)
    with pytest.raises(FaultError):
        seen.saw_newest("outlook_mobile", 50.0, 1104.0 + LIMIT)


def test_a_canary_that_only_some_see_is_missing() -> None:
    """One that nobody sees was taken away; one that another sees, after we had missed it, is hidden from us."""
    seen = Sightings()
    seen.saw_canary("imap4", seen=False, now=0.0)
    seen.saw_canary("outlook_mobile", seen=True, now=1.0)
    with pytest.raises(FaultError) as caught:
        seen.saw_canary("imap4", seen=False, now=2.0)
    assert caught.value.fault.kind is CANARY_MISSING
    seen.saw_canary("outlook_mobile", seen=False, now=3.0)
    seen.saw_canary("imap4", seen=False, now=4.0)
    seen.saw_canary("outlook_mobile", seen=False, now=5.0)


def test_a_canary_seen_before_we_missed_it_or_long_ago_is_no_evidence() -> None:
    """It may have been taken away meanwhile."""
    seen = Sightings()
    seen.saw_canary("imap4", seen=True, now=0.0)
    seen.saw_canary("outlook_mobile", seen=False, now=1.0)
    seen.saw_canary("outlook_mobile", seen=False, now=2.0)
    seen.saw_canary("imap4", seen=True, now=3.0)
    seen.saw_canary("outlook_mobile", seen=False, now=4.0 + MEMORY)


def test_mail_that_keeps_coming_hides_no_stale_view() -> None:
    """What another has seen for long is held against the view, also when it sees something newer every moment."""
    seen = Sightings()
    for moment in range(int(LIMIT) + 40):
        seen.saw_newest("imap4", 1000.0 + moment, 1000.0 + moment)
    seen.saw_newest("outlook_mobile", 900.0, 1000.0 + LIMIT + 40)
    seen.saw_newest("imap4", 1400.0 + LIMIT, 1000.0 + LIMIT + 41)
    with pytest.raises(FaultError):
        seen.saw_newest("outlook_mobile", 900.0, 1000.0 + LIMIT + 42)
    seen.saw_newest("outlook_mobile", 1400.0 + LIMIT, 1000.0 + LIMIT + 43)
