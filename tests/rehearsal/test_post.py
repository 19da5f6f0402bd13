"""The post, on a loop whose time is made."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from prober.rehearsal.clock import Accelerated
from prober.rehearsal.post import KEPT, Post
from prober.simulator.mailbox import FolderKind, Mailbox
from prober.simulator.tenant import Clocks, Site, Tenant, User


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=lambda: Accelerated(60)) as made:
        yield made


def mailboxes(count: int) -> list[Mailbox]:
    addresses = [f"probe{number}@x.test" for number in range(count)]
    clocks = Clocks(lambda: 0.0, lambda: datetime(2026, 11, 24, tzinfo=UTC).timestamp())
    tenant = Tenant("x.test", (Site("ams1", "eu", "AMS"),), users=[User(one, "pw") for one in addresses], clocks=clocks)
    return [tenant.open_mailbox(address, "ams1") for address in addresses]


def test_every_mailbox_gets_its_share_and_none_fills_up(runner: asyncio.Runner) -> None:
    """In turn; after a while as much is taken away as comes, and what somebody else took is missed by nobody."""
    some = mailboxes(2)

    async def scenario() -> None:
        post = Post(some, 2.0)
        post.start()
        await asyncio.sleep(11)
        inbox = some[0].folders[FolderKind.INBOX]
        some[0].delete(FolderKind.INBOX, next(iter(inbox.items)))
        await asyncio.sleep(2 * (KEPT + 6))
        post.stop()
        came = inbox.uid_next
        assert came > KEPT + 6
        await asyncio.sleep(30)
        assert inbox.uid_next == came
        assert len(inbox.items) <= KEPT
        assert abs(some[1].folders[FolderKind.INBOX].uid_next - came) <= 1

    runner.run(scenario())


def test_without_mailboxes_there_is_nothing_to_do(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        post = Post([], 1.0)
        post.start()
        post.stop()

    runner.run(scenario())
