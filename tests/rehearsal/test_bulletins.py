"""What the operator says of incidents: when, of which, and that the reader of notices understands it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from prober.advisories.issue import read_issue
from prober.advisories.matching import named_clients
from prober.clients import catalogue
from prober.rehearsal.bulletins import Bulletins
from prober.simulator.faults.catalogue import incidents
from prober.simulator.faults.fault import Fault
from prober.simulator.faults.read import Incident
from prober.simulator.graph.announcements import Announcements
from tests.schedule import virtual

MAIL = Incident("M1", "mail is slow", (Fault("stall", frozenset({"imap4", "owa"})),))
DECOY = Incident("D1", "a firewall", (Fault("stall"),), decoy=True)
TITLES: Mapping[str, str] = {name: client.title for name, client in catalogue().items()}


def board() -> tuple[Announcements, Bulletins]:
    announcements = Announcements()
    return announcements, Bulletins(announcements, TITLES, 30.0, lambda: 1_800_000_000.0 + virtual.now())


def test_it_is_published_late_and_its_end_at_once() -> None:
    """With a message each, in terms of what users know; the same incident once more is another notice."""

    async def main() -> None:
        announcements, bulletins = board()
        bulletins.begin(MAIL)
        await asyncio.sleep(29.9)
        assert announcements.issues == []
        await asyncio.sleep(0.2)
        (issue,) = map(read_issue, announcements.issues)
        assert (issue.id, issue.title, issue.resolved, len(issue.posts)) == ("EX9000001", "mail is slow", False, 1)
        assert issue.impact == "Users may be unable to access their mailboxes through IMAP4 and Outlook on the web."
        assert issue.first_post is not None
        assert issue.started is not None
        assert issue.first_post - issue.started == pytest.approx(30.0)
        await asyncio.sleep(10.0)
        bulletins.end(MAIL)
        began = issue.started
        (issue,) = map(read_issue, announcements.issues)
        assert (issue.resolved, len(issue.posts)) == (True, 2)
        assert issue.closed == pytest.approx(began + 40.1)
        bulletins.begin(MAIL)
        await asyncio.sleep(31.0)
        assert [one["id"] for one in announcements.issues] == ["EX9000001", "EX9000002"]
        assert [one["isResolved"] for one in announcements.issues] == [True, False]

    virtual.run(main())


def test_nothing_is_said_of_what_is_over_or_not_the_services() -> None:
    """Nor after the end of everything."""

    async def main() -> None:
        announcements, bulletins = board()
        bulletins.begin(MAIL)
        bulletins.begin(DECOY)
        await asyncio.sleep(10.0)
        bulletins.end(MAIL)
        await asyncio.sleep(100.0)
        bulletins.end(DECOY)
        bulletins.begin(MAIL)
        bulletins.stop()
        await asyncio.sleep(100.0)
        assert announcements.issues == []

    virtual.run(main())


@pytest.mark.parametrize(
    "incident", [one for one in incidents() if one.faults and not one.decoy], ids=lambda one: one.id
)
def test_the_reader_knows_of_every_one_whom_it_concerns(incident: Incident) -> None:
    """Or it would never be compared with what is seen here."""

    async def main() -> dict[str, Any]:
        announcements, bulletins = board()
        bulletins.begin(incident)
        await asyncio.sleep(31.0)
        return announcements.issues[0]

    named = named_clients(read_issue(virtual.run(main())), TITLES)
    struck = {client for fault in incident.faults for client in fault.clients}
    assert named >= (set(TITLES) if "all" in struck else struck)
