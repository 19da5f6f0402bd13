"""Every client while the prober has hardly a descriptor left, or its wall clock jumps: nobody else is ever blamed."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.model import Assignment, Outcome
from prober.storage.store import Store
from prober.verdict import Judgement
from prober.vocabulary import Verdict
from tests.rehearsal.theatre import Theatre, assigned, theatre

__all__ = ["theatre"]
CLIENTS = sorted(name for name in catalogue() if name != "control")


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Let this process open no more than `count` files and sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 64, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(count):
            os.close(held.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)


async def work(assembly: Assembly, assignment: Assignment) -> None:
    """Succeed once, so that nothing is a matter of set-up, and let everything be closed that was opened for it."""
    _, well = await assembly.attempts.by_hand(assignment)
    assert well.verdict is Verdict.OK
    await asyncio.sleep(2.0)


@pytest.mark.parametrize("left", [0, 3])
@pytest.mark.parametrize("client", CLIENTS)
def test_without_descriptors_everything_is_inconclusive(theatre: Theatre, client: str, left: int) -> None:
    """Whether the first socket cannot be had, one in the middle of an attempt, or the server's, which is here, too."""

    async def scene() -> tuple[Outcome, Judgement]:
        assembly, assignment = theatre.assembly(theatre.plain), assigned(theatre.plain, client)
        try:
            await work(assembly, assignment)
            with descriptors_left(left):
                return await assembly.attempts.by_hand(assignment)
        finally:
            await assembly.close()

    outcome, judgement = theatre.run(scene())
    expected = Verdict.OK if outcome.fault is None else Verdict.INCONCLUSIVE
    assert (judgement.verdict, judgement.timed) == (expected, False)
    assert left or outcome.fault is not None


@pytest.mark.parametrize(("client", "jump"), [*((client, 7200.0) for client in CLIENTS), ("activesync", -7200.0)])
def test_a_wall_clock_that_jumps_fails_nothing_and_times_nothing(theatre: Theatre, client: str, jump: float) -> None:
    """Two hours, in the middle of the attempt: tokens seem to have ended, or to last for hours."""

    async def scene() -> tuple[Outcome, Judgement]:
        loop, ahead = theatre._loop, [0.0]

        def leap() -> None:
            ahead[0] = jump

        assembly = Assembly(
            theatre.plain,
            catalogue(),
            Store.open(None),
            watch=Unwatched(),
            tell=lambda *_: None,
            lagged=lambda _: None,
            clock=loop.time,
            wall=lambda: loop.wall() + ahead[0],
        )
        assignment = assigned(theatre.plain, client)
        try:
            await work(assembly, assignment)
            loop.call_later(0.002, leap)
            return await assembly.attempts.by_hand(assignment)
        finally:
            await assembly.close()

    outcome, judgement = theatre.run(scene())
    expected = Verdict.OK if outcome.fault is None else Verdict.INCONCLUSIVE
    assert (judgement.verdict, judgement.timed) == (expected, False)


async def test_the_limit_is_one() -> None:
    """Or the tests above would prove nothing."""
    with descriptors_left(1):
        held = os.open(os.devnull, os.O_RDONLY)
        with pytest.raises(OSError, match="Too many open files"):
            await asyncio.to_thread(os.open, os.devnull, os.O_RDONLY)
        os.close(held)
