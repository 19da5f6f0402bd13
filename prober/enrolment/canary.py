"""Puts the canary item into a mailbox: a message with the marker in its subject, which every client is to see.

Rule of this file: it is put there by a client that the configuration lets write, and by nobody else.
"""

import secrets
from collections.abc import Iterable
from contextlib import suppress

from prober.clients.ews import caller, say
from prober.clients.graph_mailbox import IMAP
from prober.clients.imap4_mailbox import MailProgram, sign_in
from prober.clients.marker import message
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.ews.create_item import CreateItem
from prober.protocols.imap.commands import Logout
from prober.protocols.imap.marker import Append
from prober.transaction import Transaction

BY_IMAP, BESIDE, BY_EWS = "imap4", ("outlook_mobile", "outlook_mac"), "outlook_mac_legacy"
ORDER = (BY_IMAP, BY_EWS, *BESIDE)
"""Clients that can write, the plainest way first."""


def new_marker() -> str:
    """Return a word that nothing else in a mailbox holds."""
    return f"canary-{secrets.token_hex(8)}"


def writer(assignments: Iterable[Assignment]) -> Assignment | None:
    """Return the assignment by which to write, `None` where none can."""
    able = [one for one in assignments if one.client in ORDER and one.credential is not None]
    return min(able, key=lambda one: ORDER.index(one.client), default=None)


async def place(tx: Transaction, marker: str) -> None:
    """Put the canary there by the transaction's client. Raises `FaultError`."""
    subject = f"{marker} (left here for a prober: please keep)"
    if tx.assignment.client == BY_EWS:
        await say(tx, CreateItem(caller(tx), subject))
        return
    aside = tx if tx.assignment.client == BY_IMAP else tx.beside(IMAP)
    program = MailProgram()
    try:
        await sign_in(aside, program)
        await program.talk.run(Append(message(aside, subject)))
        with suppress(FaultError):
            await program.talk.run(Logout())
    finally:
        if program.conversation is not None:
            await program.talk.close()
