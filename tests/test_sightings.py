"""Views of one mailbox held against each other."""

import pytest

from prober.faults.taxonomy import CANARY_MISSING, VIEW_STALE, FaultError
from prober.sightings import LIMIT, MEMORY, Sightings


def test_one_client_alone_is_never_stale() -> None:
    """However old its newest item is."""
    seen = Sightings()
    seen.saw_newest("imap4", 0.0, 1e9)
    seen.saw_newest("imap4", None, 1e9)


def test_a_view_that_lags_behind_another_for_too_long_is_stale() -> None:
    """Not before the limit has passed since the other saw it, and not once it has caught up."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    seen.saw_newest("outlook_mobile", 50.0, 100.0 + LIMIT)
    with pytest.raises(FaultError) as caught:
        seen.saw_newest("outlook_mobile", 50.0, 101.0 + LIMIT)
    assert caught.value.fault.kind is VIEW_STALE
    assert caught.value.fault.evidence["behind_seconds"] == "50"
    seen.saw_newest("outlook_mobile", 100.0, 102.0 + LIMIT)


def test_an_empty_view_beside_a_full_one_is_stale() -> None:
    """The mailbox that is green but empty."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    with pytest.raises(FaultError):
        seen.saw_newest("activesync", None, 102.0 + LIMIT)


def test_what_another_no_longer_sees_is_not_held_against_anybody() -> None:
    """An item was deleted: the other's view went back too."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    seen.saw_newest("imap4", 50.0, 110.0)
    seen.saw_newest("outlook_mobile", 50.0, 110.0 + LIMIT + 1)


def test_what_another_saw_long_ago_is_forgotten() -> None:
    """A client that no longer looks is no witness."""
    seen = Sightings()
    seen.saw_newest("imap4", 100.0, 100.0)
    seen.saw_newest("outlook_mobile", 50.0, 101.0 + MEMORY)


def test_a_canary_that_only_some_see_is_missing() -> None:
    """One that nobody sees was taken away; one that another sees is hidden from us."""
    seen = Sightings()
    seen.saw_canary("imap4", seen=False, now=0.0)
    seen.saw_canary("outlook_mobile", seen=True, now=1.0)
    with pytest.raises(FaultError) as caught:
        seen.saw_canary("imap4", seen=False, now=2.0)
    assert caught.value.fault.kind is CANARY_MISSING
    seen.saw_canary("outlook_mobile", seen=False, now=3.0)
    seen.saw_canary("imap4", seen=False, now=4.0)
    seen.saw_canary("outlook_mobile", seen=True, now=5.0)
    seen.saw_canary("imap4", seen=False, now=6.0 + MEMORY)


def test_mail_that_keeps_coming_hides_no_stale_view() -> None:
    """What another has seen for long is held against the view, also when it sees something newer every moment."""
    seen = Sightings()
    for moment in range(int(LIMIT) + 40):
        seen.saw_newest("imap4", 1000.0 + moment, 1000.0 + moment)
    with pytest.raises(FaultError):
        seen.saw_newest("outlook_mobile", 900.0, 1000.0 + LIMIT + 40)
    seen.saw_newest("outlook_mobile", 1000.0 + LIMIT, 1000.0 + LIMIT + 40)
