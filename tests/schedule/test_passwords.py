"""Passwords: one rejection stops everybody; one at a time until it is accepted."""

import asyncio
from dataclasses import replace

import pytest

from prober.faults.taxonomy import Fault, Kind, Reason
from prober.schedule.passwords import Passwords, proves
from prober.schedule.records import Records, Stamp
from prober.vocabulary import Depth
from tests.schedule import virtual
from tests.schedule.made import Watch, assignment

REJECTED = Fault(Kind("imap_login_refused", Reason.AUTH_REJECTED))
LOCKED = Fault(Kind("aadsts_50053", Reason.AUTH_REJECTED))


class World:
    """What is known of passwords, with clock and configuration set by hand."""

    def __init__(self, section: dict[str, str] | None = None) -> None:
        self.section = {} if section is None else section
        self.wall = Watch()
        self.now = Stamp("aa", "11")
        self.passwords = Passwords(Records(self.section), lambda _: self.now, wall=self.wall)

    def held(self) -> bool:
        return self.passwords.rest("phone") is not None


def test_one_that_never_worked_is_shown_once() -> None:
    """For ever, also after a restart, until it or the configuration changes; other credentials are not concerned."""
    world = World()
    world.passwords.rejected("phone", REJECTED)
    later = World(world.section)
    later.wall.now += 1e9
    assert later.held()
    assert later.passwords.rest("tablet") is None
    for change in (Stamp("aa", "22"), Stamp("bb", "11")):
        later.now = change
        assert not later.held()


def test_one_that_worked_is_shown_again_after_half_an_hour() -> None:
    """To the second, whenever it is rejected; it is proven again once it is accepted."""
    world = World()
    world.passwords.accepted("phone")
    for _ in range(2):
        world.passwords.rejected("phone", REJECTED)
        world.wall.now += 1799.0
        assert world.held()
        world.wall.now += 1.0
        assert not world.held()
        assert not world.passwords.proven("phone")
    world.passwords.accepted("phone")
    assert world.passwords.proven("phone")


def test_a_locked_account_is_looked_at_again_after_half_an_hour() -> None:
    """Although it never worked: locked is not wrong."""
    world = World()
    world.passwords.rejected("phone", LOCKED)
    world.wall.now += 1799.0
    assert world.held()
    world.wall.now += 1.0
    assert not world.held()


def test_one_that_is_not_proven_is_shown_by_one_at_a_time() -> None:
    """Three at once: the second goes when the first has come back. Once accepted, nobody waits."""

    async def main() -> None:
        world = World()
        began = virtual.now()
        entered: list[float] = []

        async def show() -> None:
            async with world.passwords.trial(["phone"]):
                entered.append(virtual.now() - began)
                await asyncio.sleep(2.0)

        await asyncio.gather(show(), show(), show())
        assert entered == pytest.approx([0.0, 2.0, 4.0])
        world.passwords.accepted("phone")
        entered.clear()
        began = virtual.now()
        await asyncio.gather(show(), show())
        assert entered == pytest.approx([0.0, 0.0])

    virtual.run(main())


def test_whoever_waits_goes_at_once_when_it_is_accepted() -> None:
    """All of them together: there is nothing left to find out."""

    async def main() -> None:
        world = World()
        entered: list[float] = []
        began = virtual.now()

        async def show(*, accepted: bool = False) -> None:
            async with world.passwords.trial(["phone"]):
                assert world.passwords.on_trial("phone") or world.passwords.proven("phone")
                entered.append(virtual.now() - began)
                await asyncio.sleep(1.0)
                if accepted:
                    world.passwords.accepted("phone")

        await asyncio.gather(show(accepted=True), show(), show())
        assert entered == pytest.approx([0.0, 1.0, 1.0])
        assert not world.passwords.on_trial("phone")

    virtual.run(main())


def test_a_rejection_is_repeated_from_memory() -> None:
    """By the process that heard it, while it would be repeated anyway; another process has heard nothing."""
    world = World()
    world.passwords.rejected("phone", REJECTED)
    told = world.passwords.remembered("phone")
    assert told is not None
    assert (told.kind.code, told.evidence["answered"]) == ("imap_login_refused", "from memory")
    assert World(world.section).passwords.remembered("phone") is None
    world.now = Stamp("aa", "22")
    assert world.passwords.remembered("phone") is None


def test_acceptance_is_not_written_every_minute() -> None:
    """The state file is written when something changes."""
    world = World()
    world.passwords.accepted("phone")
    before = dict(world.section)
    world.wall.now += 30.0
    world.passwords.accepted("phone")
    assert world.section == before
    world.wall.now += 40.0
    world.passwords.accepted("phone")
    assert world.passwords.accepted_since("phone", world.wall.now - 1.0)


def test_only_who_signs_in_proves_a_password() -> None:
    """A front door does not, a token does not need one, a token for a password does."""
    assert proves(assignment())
    assert not proves(assignment(depth=Depth.REACH))
    assert not proves(assignment(credential_kind="client_credentials"))
    assert proves(replace(assignment(depth=Depth.TOKEN), credential_kind="ropc"))
    assert not proves(assignment(depth=Depth.TOKEN))
