"""The task that reads, compares and tells: recorded notices over time."""

import asyncio
import logging

import pytest

from prober.advisories.reader import LONGEST_PAUSE, NO_CLIENT
from prober.advisories.reading import FeedError, Result
from tests.advisories.feeds import ex1215307, ex1256020, ex1268771, ex1321282, record
from tests.advisories.scripted import CLIENTS, INTERVAL, SERVICES, Stage

EXO, SUITE = SERVICES
HOUR = 3600.0


def active(stage: Stage) -> set[tuple[str, str]]:
    return {key for key, value in stage.heard.active.items() if value}


async def test_a_notice_lights_its_service_and_the_clients_it_names() -> None:
    """Everything else is told to be dark, once there was a reading."""
    stage = Stage("2026-03-19T19:00Z")
    await stage.read(ex1256020())
    assert active(stage) == {(EXO, NO_CLIENT), (EXO, "outlook_mac")}
    assert set(stage.heard.active) == {(service, client) for service in SERVICES for client in (NO_CLIENT, *CLIENTS)}


async def test_before_the_first_reading_nothing_is_claimed() -> None:
    """Neither that there are notices nor that there are none."""
    stage = Stage("2026-03-19T19:00Z")
    await stage.fail(FeedError(Result.UNREACHABLE, "tcp_refused"))
    assert stage.heard.active == {}
    assert stage.heard.lead == {}


async def test_the_lead_is_publication_minus_onset() -> None:
    """EX1215307: seen on 2 January at one, published on the 7th at 23:35: almost six days ahead, whatever its start."""
    stage = Stage("2026-01-08T00:00Z")
    stage.trouble("imap4", "2026-01-02T01:00Z", "2026-01-02T01:10Z", "2026-01-02T03:00Z")
    await stage.read(ex1215307())
    assert stage.heard.lead == {(EXO, "imap4"): 5 * 24 * HOUR + 22 * HOUR + 35 * 60}


async def test_a_notice_that_was_there_first_gives_a_negative_lead() -> None:
    stage = Stage("2026-03-20T00:00Z")
    stage.trouble("outlook_mac", "2026-03-19T20:10Z", "2026-03-19T20:20Z")
    await stage.read(ex1256020())
    assert stage.heard.lead == {(EXO, "outlook_mac"): -2 * HOUR}


async def test_a_start_that_is_set_back_later_changes_no_lead() -> None:
    stage = Stage("2026-04-02T13:00Z")
    stage.trouble("outlook_mac", "2026-04-02T11:40Z", "2026-04-02T11:50Z")
    await stage.read(ex1268771())
    before = dict(stage.heard.lead)
    await stage.read(ex1268771() | {"startDateTime": "2026-03-17T14:00:00Z"}, now="2026-04-02T14:00Z")
    assert stage.heard.lead == before == {(EXO, "outlook_mac"): HOUR}


async def test_without_trouble_here_there_is_no_lead() -> None:
    """And none for trouble of another client."""
    stage = Stage("2026-03-19T19:00Z")
    await stage.read(ex1256020())
    assert stage.heard.lead == {}
    stage.trouble("imap4", "2026-03-19T18:00Z", "2026-03-19T18:10Z")
    await stage.read(ex1256020())
    assert stage.heard.lead == {}


async def test_a_downgrade_keeps_match_and_lead_and_is_told() -> None:
    stage = Stage("2026-04-02T13:00Z")
    stage.trouble("outlook_mac", "2026-04-02T12:00Z", "2026-04-02T12:10Z")
    await stage.read(ex1268771())
    before = dict(stage.heard.lead)
    await stage.read(ex1268771() | {"classification": "Advisory"}, now="2026-04-03T13:00Z")
    assert stage.heard.lead == before
    (notice,) = stage.reader.view().notices
    assert notice.downgraded


async def test_a_notice_that_is_closed_goes_dark_stays_a_day_and_lights_again_when_reopened() -> None:
    stage = Stage("2026-03-20T10:00Z")
    stage.trouble("outlook_mac", "2026-03-19T17:10Z", "2026-03-19T17:20Z")
    closed = ex1256020() | {"isResolved": True, "endDateTime": "2026-03-20T10:00:00Z", "status": "serviceRestored"}
    await stage.read(ex1256020())
    await stage.read(closed, now="2026-03-20T11:00Z")
    assert active(stage) == set()
    assert stage.heard.lead == {(EXO, "outlook_mac"): HOUR}
    await stage.read(ex1256020(), now="2026-03-20T12:00Z")
    assert active(stage) == {(EXO, NO_CLIENT), (EXO, "outlook_mac")}
    assert stage.heard.lead == {(EXO, "outlook_mac"): HOUR}
    await stage.read(closed, now="2026-03-21T10:01Z")
    assert stage.heard.lead == {}
    assert stage.reader.view().notices == ()


async def test_one_notice_about_every_client_leads_each_by_its_own_onset() -> None:
    stage = Stage("2026-05-25T01:00Z")
    stage.trouble("imap4", "2026-05-24T23:30Z", "2026-05-24T23:40Z")
    stage.trouble("owa", "2026-05-25T00:00Z", "2026-05-25T00:10Z")
    await stage.read(ex1321282())
    assert stage.heard.lead == {(EXO, "imap4"): HOUR, (EXO, "owa"): HOUR / 2}
    assert active(stage) == {(EXO, client) for client in (NO_CLIENT, *CLIENTS)}


async def test_of_two_notices_that_match_as_well_the_later_one_leads() -> None:
    stage = Stage("2026-01-08T00:00Z")
    stage.trouble("imap4", "2026-01-07T22:35Z", "2026-01-07T22:40Z")
    await stage.read(ex1215307(), ex1215307() | {"id": "EX1", "posts": []})
    assert stage.heard.lead == {(EXO, "imap4"): 85 * 60.0}  # no message: our first sight, at midnight


async def test_services_compare_without_case_and_others_are_left_out() -> None:
    stage = Stage("2026-01-08T00:00Z")
    await stage.read(record("MO1", service="MICROSOFT 365 SUITE"), record("TM1", service="Microsoft Teams"))
    assert active(stage) == {(SUITE, NO_CLIENT)}


async def test_a_feed_that_fails_leaves_what_was_read_and_is_compared_with_what_happens_meanwhile() -> None:
    """The notice is known; that our trouble began only now does not need another reading."""
    stage = Stage("2026-03-19T19:00Z")
    await stage.read(ex1256020())
    stage.trouble("outlook_mac", "2026-03-19T18:40Z", "2026-03-19T18:50Z")
    await stage.fail(FeedError(Result.SERVER_ERROR, "status 500"))
    assert active(stage) == {(EXO, NO_CLIENT), (EXO, "outlook_mac")}
    assert stage.heard.lead == {(EXO, "outlook_mac"): -HOUR / 2}
    assert stage.heard.reads == ["ok", "server_error"]


async def test_a_pause_that_the_server_asks_for_is_kept_within_reason() -> None:
    stage = Stage("2026-03-19T19:00Z")
    assert await stage.read() == INTERVAL
    assert await stage.fail(FeedError(Result.THROTTLED, "x", 900.0)) == 900.0
    assert await stage.fail(FeedError(Result.THROTTLED, "x", 10.0)) == INTERVAL
    assert await stage.fail(FeedError(Result.THROTTLED, "x", 1e9)) == LONGEST_PAUSE


async def test_a_failure_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    """Every five minutes the same line would be noise."""
    stage = Stage("2026-03-19T19:00Z")
    caplog.set_level(logging.INFO)
    missing = FeedError(Result.PERMISSION_MISSING, "the credential lacks ServiceHealth.Read.All")
    for _ in range(3):
        await stage.fail(missing)
    await stage.fail(FeedError(Result.UNREACHABLE, "tcp_refused"))
    for _ in range(3):
        await stage.read()
    lines = [one.getMessage() for one in caplog.records]
    assert [line.count("ServiceHealth.Read.All") for line in lines] == [1, 0, 0]
    assert lines[1:] == [
        "service health cannot be read: unreachable (tcp_refused)",
        "service health: reading again",
    ]


async def test_a_reading_that_works_at_once_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await Stage("2026-03-19T19:00Z").read(ex1256020())
    assert caplog.records == []


async def test_bad_records_are_counted_and_logged_when_their_number_changes(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage("2026-03-19T19:00Z")
    for _ in range(2):
        await stage.read(ex1256020(), {"id": 7})
    assert stage.reader.view().bad_records == 1
    assert [one.getMessage() for one in caplog.records] == ["service health: 1 records could not be read"]


async def test_a_bug_costs_the_reading_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """Its text, which may hold anything, is not logged."""
    stage = Stage("2026-03-19T19:00Z")
    assert await stage.fail(RuntimeError("tester@contoso.example")) == INTERVAL
    assert stage.heard.reads == ["prober_bug"]
    assert "RuntimeError" in caplog.text
    assert "contoso" not in caplog.text


async def test_first_sight_outlives_a_restart() -> None:
    """A notice without messages is as old as it was."""
    stage = Stage("2026-01-08T00:00Z")
    stage.trouble("imap4", "2026-01-07T23:00Z", "2026-01-07T23:10Z")
    silent = ex1215307() | {"posts": []}
    await stage.read(silent)
    stage.again()
    await stage.read(silent, now="2026-01-08T05:00Z")
    assert stage.heard.lead == {(EXO, "imap4"): HOUR}


async def test_it_reads_at_once_and_then_again_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage("2026-03-19T19:00Z")
    slept: list[float] = []
    thrice = asyncio.Event()
    plain = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            thrice.set()
        await plain(0)

    monkeypatch.setattr("prober.advisories.reader.asyncio.sleep", sleep)
    running = asyncio.create_task(stage.reader.run())
    await asyncio.wait_for(thrice.wait(), 5)
    running.cancel()
    await asyncio.wait([running])
    assert slept[:3] == [INTERVAL] * 3
    assert len(stage.heard.reads) >= 3
