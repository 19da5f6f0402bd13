"""How things are, in one sentence."""

from dataclasses import replace

import pytest

from prober.blame.blame import Blame
from prober.detect.detector import Detector, Sample, What
from prober.detect.group import GroupKind, Groups, Result, Watched
from prober.detect.mixture import ratios
from prober.observe.headline import HeadlinePanel, Mood, headline
from prober.observe.status import Row
from prober.vocabulary import Domain
from tests.detect.made import START, source

ROWS = (
    Row("imap4", "", "one", "mailbox", "ok", title="IMAP4", ended_at="2026-11-23T12:00:05+00:00"),
    Row("owa", "", "one", "mailbox", "ok", title="Outlook on the web"),
)


def detector(*failing: str, count: int = 20, after: int = 0) -> Detector:
    """Return one of two clients that has seen some of them fail so often, and then succeed."""
    found = Detector({"imap4/one": source(), "owa/one": source("owa")})
    for index in range(60 + after):
        for offset, client in enumerate(("imap4", "owa")):
            failed = client in failing and 60 - count <= index < 60
            at = START + 30.0 * index + 9.0 * offset
            found.observe(Sample(f"{client}/one", at, What.FAILED if failed else What.OK, "login" if failed else ""))
    return found


def found(
    *failing: str, domains: tuple[Domain, ...] = (), rows: tuple[Row, ...] = ROWS, **more: int
) -> tuple[str, str]:
    one = headline(rows, detector(*failing, **more).groups, domains, START + 1800.0)
    return one.mood.value, one.words


def test_all_is_well() -> None:
    one = headline(ROWS, detector().groups, (), START + 1800.0)
    assert (one.mood, one.words) == (Mood.WELL, "All well.")
    assert one.detail == "2 clients, 2 pairs of client and target: 2 well; the last attempt began at 12:00:05 UTC."


def test_trouble_names_clients_time_share_and_whose_fault_it_is() -> None:
    assert found("imap4", domains=(Domain.MAILBOX,)) == (
        "trouble",
        "IMAP4 has been failing since 08:20 UTC (100 % of attempts). Most probably: mailbox.",
    )
    both = [one for client in ("imap4", "owa") for one in detector(client).groups]
    words = headline(ROWS, both, (), START + 1800.0).words
    assert words.startswith("IMAP4 and Outlook on the web have been failing since 08:20 UTC")


def test_recovery_is_told() -> None:
    """Until the detector says that it is over."""
    mood, words = found("imap4", after=4)
    assert mood == "trouble"
    assert words.startswith("IMAP4 is recovering from trouble that began at 08:20 UTC")


def test_one_failure_is_a_suspicion_and_no_alarm() -> None:
    assert found("imap4", count=1) == ("watch", "No alarm. IMAP4: a failure is being looked at.")


def test_without_alarm_what_did_not_succeed_is_still_told() -> None:
    """Also what counts against nobody: a page of excluded attempts is not well."""
    rows = (replace(ROWS[0], verdict="excluded"), ROWS[1])
    assert found(rows=rows) == ("watch", "No alarm. 1 of 2 pairs did not succeed at their last attempt.")
    assert found(domains=(Domain.DNS,)) == ("watch", "No alarm. Most probably: dns.")


@pytest.mark.parametrize(
    ("rows", "words"),
    [((), "Nothing is probed."), ((Row("imap4", "", "one", "reach"),), "Waiting for the first attempts.")],
)
def test_before_the_first_attempt_nothing_is_claimed(rows: tuple[Row, ...], words: str) -> None:
    assert found(rows=rows) == ("waiting", words)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (GroupKind.FLEET, "exchange_online", "Everything has"),
        (GroupKind.VANTAGE, "exchange_online@fra1/eu", "Every client from fra1/eu has"),
        (GroupKind.CELL, "exchange_online/imap4@fra1/eu", "IMAP4 from fra1/eu has"),
        (GroupKind.PUSH, "exchange_online/imap4", "Push of IMAP4 has"),
    ],
)
def test_whatever_fires_is_called_by_its_name(kind: GroupKind, name: str, words: str) -> None:
    """Where no client does: a location, a channel, all of it."""
    groups = Groups([Watched(kind, name, 60.0, 10.0, 30.0)], healthy=0.001, hear=lambda _: None)
    _, failure = ratios(0.0, 0.0, 0.001, failed=True)
    for number in range(3):
        groups.update(0, Result(START + 1200.0 + 60.0 * number, True, 0.0, 0.0, 0.001, failure))
    assert headline(ROWS, list(groups), (), START + 1800.0).words.startswith(f"{words} been failing since 08:20 UTC")


def test_page_and_data_say_the_same() -> None:
    """With the state of each client."""
    panel = HeadlinePanel(
        lambda: ROWS,
        lambda: detector("imap4"),
        Blame([], lambda *_: None, wall=lambda: START),
        wall=lambda: START + 1800.0,
    )
    data = panel.data()
    assert data["words"] in panel.page()
    assert 'class="headline trouble"' in panel.page()
    assert data["clients"]["imap4"] == "failing"
    assert (panel.name, panel.place, panel.routes) == ("headline", "head", ())
