"""Delta and skip tokens: opaque views of a mailbox's sequence number, good for one mailbox and one generation.

Rule of this file: nothing is kept for a client. What a token does not prove to be of this generation's making is
answered as a state that is not known any more.
"""

import base64
import binascii
import json
import secrets
from dataclasses import astuple, dataclass
from hashlib import blake2b

from prober.simulator.graph.errors import GraphError, sync_state_lost
from prober.simulator.mailbox import Mailbox

MAC = 12
"""Octets by which a token proves where it comes from."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a client has come in following a folder.

    `folder` is the folder's number, `since` the sequence number of the last change it has been told of. `again`: it
    has been through the whole folder once. The rest is what its first request asked for.
    """

    folder: int
    since: int = 0
    again: bool = False
    select: str = ""
    filter: str = ""
    start: str = ""
    end: str = ""


class SyncStates:
    """Writes and reads tokens. A new generation makes all tokens of the last one unknown."""

    def __init__(self) -> None:
        self.generation = 1
        self._key = secrets.token_bytes(16)

    def forget(self) -> None:
        """Begin a new generation: every client has to start over."""
        self.generation += 1
        self._key = secrets.token_bytes(16)

    def write(self, mailbox: Mailbox, state: State) -> str:
        """Return a token."""
        said = json.dumps(astuple(state), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(mailbox, said) + said).decode().rstrip("=")

    def read(self, mailbox: Mailbox, token: str) -> State:
        """Return the state a token stands for. Raises `GraphError` (410)."""
        try:
            whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise self._lost() from None
        mac, said = whole[:MAC], whole[MAC:]
        if not secrets.compare_digest(mac, self._mac(mailbox, said)):
            raise self._lost()
        return State(*json.loads(said))

    def peek(self, token: str) -> bool:
        """Whether this is a token of a client that has been through the whole folder, going by its word."""
        try:
            whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return bool(json.loads(whole[MAC:])[2])
        except (ValueError, LookupError, TypeError, RecursionError):
            return True

    def _mac(self, mailbox: Mailbox, said: bytes) -> bytes:
        return blake2b(mailbox.guid.encode() + said, digest_size=MAC, key=self._key).digest()

    def _lost(self) -> GraphError:
        return sync_state_lost(self.generation)
