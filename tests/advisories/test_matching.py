"""Which notice may be about what: recorded notices against what was seen here."""

import pytest

from prober.advisories.issue import Issue, read_issue
from prober.advisories.matching import EARLIER, RECENT, compared, kept, matches, named_clients, overlapping
from prober.advisories.onsets import Episode
from prober.clients import catalogue
from tests.advisories.feeds import (
    PUBLISHED,
    Record,
    at,
    ex1215307,
    ex1256020,
    ex1268771,
    ex1320296,
    ex1321282,
    record,
)

SERVICES = ("Exchange Online", "Microsoft 365 suite")
CLIENTS = frozenset(catalogue()) - {"control"}
DAY = 86_400.0


def episode(client: str, began: str, latest: str | None = None, region: str = "") -> Episode:
    return Episode(client, at(began), at(latest or began), 2, frozenset({region} if region else ()))


@pytest.mark.parametrize(
    ("told", "named"),
    [
        (ex1256020(), {"outlook_mobile", "outlook_mac", "outlook_mac_legacy"}),
        (ex1268771(), {"outlook_mobile", "outlook_mac", "outlook_mac_legacy"}),
        (ex1215307(), {"imap4"}),
        (ex1320296(), {"owa", "outlook_desktop"}),
        (ex1321282(), CLIENTS),
        (dict(PUBLISHED), set()),
    ],
    ids=lambda value: value.get("id", "") if isinstance(value, dict) else "",
)
def test_clients_are_named_in_title_impact_and_feature(told: Record, named: set[str]) -> None:
    """Not in posts, which speak of all sorts of things (authentication, in one)."""
    assert named_clients(read_issue(told), CLIENTS) == named


def test_a_notice_about_the_client_that_fails_is_a_possible_match() -> None:
    match = compared(
        read_issue(ex1256020()), episode("outlook_mobile", "2026-03-19T15:00Z"), SERVICES, at("2026-03-19T19:00Z")
    )
    assert match is not None
    assert (match.score, match.signs) == (4, ("service", "client", "time"))
    assert match.onset == at("2026-03-19T15:00Z")


def test_a_notice_about_another_client_is_none() -> None:
    """The same service at the same time is not enough."""
    seen = episode("imap4", "2026-03-19T17:00Z")
    assert compared(read_issue(ex1256020()), seen, SERVICES, at("2026-03-19T19:00Z")) is None


def test_a_region_makes_up_for_a_client_that_is_not_named() -> None:
    """Service, region and time: the text speaks of the United Kingdom."""
    now = at("2026-05-25T10:00Z")
    match = compared(read_issue(ex1320296()), episode("imap4", "2026-05-25T08:30Z", region="uk"), SERVICES, now)
    assert match is not None
    assert match.signs == ("service", "region", "time")
    elsewhere = episode("imap4", "2026-05-25T08:30Z", region="apac")
    assert compared(read_issue(ex1320296()), elsewhere, SERVICES, now) is None


def test_another_service_must_have_more_to_say() -> None:
    """Client and time are enough without the service; time and region are not."""
    told = read_issue(ex1320296() | {"service": "Microsoft Teams"})
    now = at("2026-05-25T10:00Z")
    assert compared(told, episode("owa", "2026-05-25T08:30Z"), SERVICES, now) is not None
    assert compared(told, episode("imap4", "2026-05-25T08:30Z", region="uk"), SERVICES, now) is None


def test_a_notice_that_comes_days_later_and_is_set_back_matches() -> None:
    """EX1215307: our onset on 2 January, the notice on the 7th, its start set back; the trouble is over by then."""
    seen = episode("imap4", "2026-01-02T01:00Z", "2026-01-06T20:00Z")
    match = compared(read_issue(ex1215307()), seen, SERVICES, at("2026-01-08T00:00Z"))
    assert match is not None
    assert "time" in match.signs


def test_a_notice_that_is_not_set_back_matches_trouble_that_goes_on() -> None:
    """EX1268771: seen since 17 March, noticed on 2 April."""
    now = at("2026-04-02T13:00Z")
    going_on = episode("outlook_mac", "2026-03-17T14:05Z", "2026-04-02T12:30Z")
    over = episode("outlook_mac", "2026-03-17T14:05Z", "2026-03-20T12:00Z")
    told = read_issue(ex1268771())
    assert compared(told, over, SERVICES, now) is None
    match = compared(told, going_on, SERVICES, now)
    assert match is not None
    assert match.onset == at("2026-03-17T14:05Z")


def test_the_window_begins_two_hours_early_and_no_earlier() -> None:
    start = at("2026-03-19T16:00Z")
    told = read_issue(ex1256020())
    assert overlapping(told, Episode("owa", 0.0, start - EARLIER), start + DAY)
    assert not overlapping(told, Episode("owa", 0.0, start - EARLIER - 1), start + DAY)


def test_the_window_ends_when_the_notice_was_closed() -> None:
    start = at("2026-03-19T16:00Z")
    ended = ex1256020() | {"isResolved": True, "endDateTime": "2026-03-20T16:00:00Z"}
    assert overlapping(read_issue(ended), Episode("owa", start + DAY, start + DAY), start + 3 * DAY)
    assert not overlapping(read_issue(ended), Episode("owa", start + DAY + 1, start + DAY + 1), start + 3 * DAY)
    again = read_issue(ended | {"isResolved": False})
    assert overlapping(again, Episode("owa", start + DAY + 1, start + DAY + 1), start + 3 * DAY)


def test_without_a_start_the_first_message_is_it() -> None:
    told = read_issue(ex1256020() | {"startDateTime": None})
    first = at("2026-03-19T18:10Z")
    assert overlapping(told, Episode("owa", 0.0, first - EARLIER), first)
    assert not overlapping(told, Episode("owa", 0.0, first - EARLIER - 1), first)


def test_trouble_that_ended_a_day_ago_and_at_another_time_is_not_compared() -> None:
    """The client's name alone would otherwise join a notice to last month's trouble."""
    told = read_issue(ex1215307())
    late = at("2026-01-02T00:00Z") - EARLIER - 1
    assert compared(told, Episode("imap4", late, late), SERVICES, late + RECENT) is not None
    assert compared(told, Episode("imap4", late, late), SERVICES, late + RECENT + 1) is None


def test_the_earliest_onset_and_the_best_score_are_told() -> None:
    """Two episodes of one incident, the first before a pause, the second in a region that the text names."""
    early = episode("owa", "2026-05-25T07:00Z", "2026-05-25T07:30Z")
    late = episode("owa", "2026-05-25T11:00Z", region="uk")
    for order in ((early, late), (late, early)):
        (match,) = matches([read_issue(ex1320296())], order, SERVICES, at("2026-05-25T12:00Z"))
        assert match.onset == early.began
        assert match.signs == ("service", "client", "region", "time")


def test_one_notice_may_be_about_several_clients() -> None:
    seen = [episode(client, "2026-05-24T23:10Z") for client in ("imap4", "owa", "activesync")]
    found = matches([read_issue(ex1321282())], seen, SERVICES, at("2026-05-25T01:00Z"))
    assert {match.client for match in found} == {"imap4", "owa", "activesync"}


def test_a_match_is_made_anew_when_the_text_changes() -> None:
    """A scope that is widened to a client makes a match, one that is narrowed ends it."""
    seen, now = [episode("owa", "2026-03-19T17:00Z")], at("2026-03-20T10:00Z")
    assert matches([read_issue(ex1256020())], seen, SERVICES, now) == ()
    wider = ex1256020() | {"impactDescription": "Outlook on the web is affected as well."}
    assert len(matches([read_issue(wider)], seen, SERVICES, now)) == 1


def test_a_downgrade_changes_no_match() -> None:
    """What was an incident and is an advisory speaks of the same thing."""
    seen, now = [episode("outlook_mac", "2026-04-02T11:00Z")], at("2026-04-02T13:00Z")
    before = matches([read_issue(ex1268771())], seen, SERVICES, now)
    assert before == matches([read_issue(ex1268771() | {"classification": "Advisory"})], seen, SERVICES, now)


def test_open_notices_are_kept_and_closed_ones_for_a_day() -> None:
    def closed_at(end: float) -> Issue:
        return Issue("EX1", "exchange online", resolved=True, ended=end)

    assert kept(Issue("EX1", "EXCHANGE ONLINE"), SERVICES, 1e9)
    assert kept(closed_at(1e9 - RECENT + 1), SERVICES, 1e9)
    assert not kept(closed_at(1e9 - RECENT), SERVICES, 1e9)
    assert not kept(Issue("TM1", "Microsoft Teams"), SERVICES, 1e9)


def test_a_notice_that_says_next_to_nothing_matches_nothing() -> None:
    told = read_issue(record("EX1", startDateTime=None, lastModifiedDateTime=None))
    assert matches([told], [episode("owa", "2026-05-25T07:00Z")], SERVICES, at("2026-05-25T07:00Z")) == ()
