"""The post: mail that keeps coming to every mailbox of a tenant, so that there is news to tell of and to miss.

Rule of this file: a mailbox stays as full as it was; what the post brought is taken away again when more has come.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from prober.simulator.mailbox import FolderKind, Mailbox

KEPT = 20
"""Messages of the post that stay in a mailbox."""


@dataclass(slots=True)
class Post:
    """Delivers to each of `mailboxes` every `every` seconds of the running loop, one mailbox after the other."""

    mailboxes: Collection[Mailbox]
    every: float
    _due: asyncio.TimerHandle | None = None
    _round: deque[Mailbox] = field(default_factory=deque)
    _brought: dict[str, deque[int]] = field(default_factory=dict)
    _number: int = 0

    def start(self) -> None:
        """Begin; where there is nobody to deliver to, there is nothing to do."""
        self._round = deque(self.mailboxes)
        self._wait()

    def stop(self) -> None:
        """Bring nothing more."""
        if self._due is not None:
            self._due.cancel()
        self._due = None

    def _wait(self) -> None:
        if self._round:
            self._due = asyncio.get_running_loop().call_later(self.every / len(self._round), self._bring)

    def _bring(self) -> None:
        mailbox = self._round[0]
        self._round.rotate(-1)
        self._number += 1
        item = mailbox.deliver(f"Note {self._number}", body=f"Note {self._number}.\r\n")
        brought = self._brought.setdefault(mailbox.address, deque())
        brought.append(item.uid)
        if len(brought) > KEPT:
            _take_away(mailbox, brought.popleft())
        self._wait()


def _take_away(mailbox: Mailbox, uid: int) -> None:
    """Remove a message, unless somebody has."""
    if uid in mailbox.folders[FolderKind.INBOX].items:
        mailbox.delete(FolderKind.INBOX, uid)
