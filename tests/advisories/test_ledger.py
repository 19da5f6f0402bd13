"""What is remembered of notices."""

from dataclasses import replace

import pytest

from prober.advisories.issue import Issue, Post
from prober.advisories.ledger import Ledger

OPEN = Issue("EX1", "Exchange Online", classification="incident", started=50.0, posts=(Post(1000.0), Post(2000.0)))


def test_publication_is_the_first_message_and_never_the_start_that_was_set_back() -> None:
    ledger = Ledger()
    ledger.update([OPEN], 5000.0)
    (notice,) = ledger.notices
    assert (notice.published, notice.first_seen) == (1000.0, 5000.0)


def test_publication_is_our_first_sight_where_that_was_earlier_or_there_is_no_message() -> None:
    """A message that is taken back later does not make the notice younger."""
    ledger = Ledger()
    ledger.update([replace(OPEN, posts=())], 900.0)
    assert ledger.notices[0].published == 900.0
    ledger.update([OPEN], 1500.0)
    assert ledger.notices[0].published == 900.0


def test_first_sight_survives_a_restart() -> None:
    memory: dict[str, str] = {}
    Ledger(memory).update([OPEN], 900.0)
    again = Ledger(memory)
    again.update([OPEN], 7000.0)
    assert again.notices[0].first_seen == 900.0


def test_a_downgrade_is_remembered() -> None:
    """Over a restart too; what was never an incident was not downgraded."""
    memory: dict[str, str] = {}
    ledger = Ledger(memory)
    ledger.update([OPEN], 900.0)
    assert not ledger.notices[0].downgraded
    ledger = Ledger(memory)
    ledger.update([replace(OPEN, classification="advisory")], 1000.0)
    assert ledger.notices[0].downgraded
    other = Ledger()
    other.update([replace(OPEN, classification="advisory")], 1000.0)
    assert not other.notices[0].downgraded


def test_what_is_not_in_the_feed_any_more_is_forgotten() -> None:
    memory: dict[str, str] = {}
    ledger = Ledger(memory)
    ledger.update([OPEN, replace(OPEN, id="EX2")], 900.0)
    ledger.update([replace(OPEN, id="EX2")], 1000.0)
    assert set(memory) == {"EX2"}
    assert [one.issue.id for one in ledger.notices] == ["EX2"]


@pytest.mark.parametrize("text", ["", "x incident", "9999 incident"])
def test_a_state_that_cannot_be_is_not_believed(text: str) -> None:
    """Nonsense, or a first sight in the future."""
    ledger = Ledger({"EX1": text})
    ledger.update([OPEN], 900.0)
    assert ledger.notices[0].first_seen == 900.0
