"""An inbox held in IDLE, and the markers by which it is known to tell of what comes.

Rule: a hold that told nothing is not believed. Before IDLE is begun anew, the mailbox is looked at; a message that had
been there for a while, and of which IDLE did not tell, loses the channel.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from prober.clients.imap4_mailbox import LONGEST_IDLE, MailProgram, begin_idle, select_inbox, sign_in
from prober.clients.marker import message
from prober.faults.taxonomy import BAD_REPLY, FaultError
from prober.model import PushSettings
from prober.protocols.imap.commands import FetchArrivals, Logout, Noop
from prober.protocols.imap.marker import Append, Appended, ExpungeOne, MarkDeleted, Select
from prober.protocols.imap.status import IDLE_MISSED, IDLE_NOT_OFFERED, SESSION_EXPIRED, UIDPLUS_NOT_OFFERED
from prober.transaction import Transaction

LATE = 30.0
"""Seconds that a message has been there, by its INTERNALDATE, when IDLE ought to have told of it.

Long enough for what arrives just as IDLE ends, for servers that look twice a minute, and for clocks that differ a bit.
"""
NEARLY = 5.0
"""Seconds by which a wait may end early where IDLE is due to be renewed just then, lest it be renewed twice."""


@dataclass(slots=True)
class _Left:
    """A marker in the inbox, and the signed-in program that put it there."""

    program: MailProgram
    where: Appended


@dataclass(slots=True)
class HeldInbox:
    """The inbox held in IDLE: renewed well before the server's limit, reopened when its token's life is over."""

    _program: MailProgram = field(default_factory=MailProgram)
    _renew_at: float = 0.0
    _left: _Left | None = None

    async def open(self, tx: Transaction) -> None:
        """Sign in, open the inbox for reading only and begin IDLE."""
        await self._enter(tx)
        await self._begin(tx)

    async def _enter(self, tx: Transaction) -> None:
        self._program = MailProgram(spent=self._program.spent)
        await sign_in(tx, self._program)
        await select_inbox(tx, self._program)

    async def _begin(self, tx: Transaction) -> None:
        if not await begin_idle(self._program):
            raise FaultError(IDLE_NOT_OFFERED)
        self._renew_at = tx.timeline.clock() + _hold(tx)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hold up to `seconds`; return whether a message came or went.

        Raises `FaultError` (`imap_idle_missed` for a message that IDLE did not tell of).
        """
        until = tx.timeline.clock() + seconds
        if 0 <= until - self._renew_at < NEARLY:
            until = self._renew_at
        while True:
            try:
                return await self._hold_until(tx, until)
            except FaultError as error:
                if error.fault.kind is not SESSION_EXPIRED:
                    raise
            if await self._reopen(tx):
                return True

    async def _hold_until(self, tx: Transaction, until: float) -> bool:
        while (left := until - tx.timeline.clock()) > 0:
            if await self._listen(tx, left):
                return True
        await self._renew(tx)
        return False

    async def _listen(self, tx: Transaction, seconds: float) -> bool:
        talk, clock = self._program.talk, tx.timeline.clock
        if self._renew_at <= clock():
            await self._renew(tx)
        return await talk.wait(min(seconds, self._renew_at - clock())) > 0

    async def _renew(self, tx: Transaction) -> None:
        """End IDLE, look whether it kept anything back, and begin it anew."""
        talk = self._program.talk
        told = talk.messages or 0
        await talk.done()
        await talk.run(Noop())
        await self._look(tx, told)
        await self._begin(tx)

    async def _look(self, tx: Transaction, told: int) -> None:
        """Find out since when there have been messages beyond the `told` ones, if there are any."""
        if (self._program.talk.messages or 0) <= told:
            return
        arrived = await self._program.talk.run(FetchArrivals(told + 1))
        longest = max((tx.wall() - one.timestamp() for one in arrived), default=0.0)
        if longest >= LATE:
            raise FaultError(IDLE_MISSED, {"messages": str(len(arrived)), "seconds": str(round(longest))})

    async def _reopen(self, tx: Transaction) -> bool:
        """Sign in anew with a new token; return whether the mailbox changed in between."""
        told = self._program.talk.messages or 0
        await self._program.talk.close()
        self._program.spent = self._program.token
        await self._enter(tx)
        await self._look(tx, told)
        await self._begin(tx)
        return self._program.talk.messages != told

    async def close(self, tx: Transaction) -> None:
        """End IDLE, take leave, hang up; what goes wrong with it no longer matters."""
        if self._program.conversation is None:
            return
        with suppress(FaultError):
            if self._program.talk.idling:
                await self._program.talk.done()
        await _leave(self._program)

    async def mark(self, tx: Transaction) -> None:
        """Put a marker into the inbox, by a connection of its own that stays open until `tidy`.

        Raises `FaultError` (`imap_uidplus_not_offered` where the one message could not be removed again).
        """
        program = MailProgram(spent=self._program.spent)
        await sign_in(tx, program)
        if "UIDPLUS" not in program.talk.offered:
            raise FaultError(UIDPLUS_NOT_OFFERED)
        self._left = _Left(program, await program.talk.run(Append(message(tx))))

    async def tidy(self, tx: Transaction) -> None:
        """Remove the marker, and nothing else."""
        if self._left is None:
            return
        left, self._left = self._left, None
        talk = left.program.talk
        if await talk.run(Select()) != left.where.uid_validity:
            raise FaultError(BAD_REPLY, {"changed": "UIDVALIDITY"})
        await talk.run(MarkDeleted(left.where.uid))
        await talk.run(ExpungeOne(left.where.uid))
        await _leave(left.program)


async def _leave(program: MailProgram) -> None:
    with suppress(FaultError):
        await program.talk.run(Logout())
    await program.talk.close()


def _hold(tx: Transaction) -> float:
    return min((tx.assignment.push or PushSettings()).hold, LONGEST_IDLE)
