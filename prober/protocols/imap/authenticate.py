"""Signing in: LOGIN and AUTHENTICATE with the mechanisms that mail clients use.

Rule: a secret is revealed in `segments` alone, where the bytes for the wire are made; nothing of a command can be
printed that is one. Sources: RFC 9051 sections 6.2.2 and 6.2.3, RFC 4959 (SASL-IR), RFC 7888 (LITERAL+), RFC 4616
(PLAIN), draft-murchison-sasl-login (LOGIN), RFC 7628 (OAUTHBEARER), Google's and Microsoft's XOAUTH2.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar, Protocol

from prober.faults.taxonomy import Fault
from prober.protocols.imap.commands import Answer, Command, quoted
from prober.protocols.imap.responses import Continuation
from prober.protocols.imap.status import (
    AUTHENTICATION_ERROR,
    AUTHENTICATION_FAILED,
    Stage,
    diagnosed,
)
from prober.secret import Secret

LITERAL_MINUS_LIMIT = 4096
"""RFC 7888 section 5."""
STATUS_WORD = re.compile(r"[A-Za-z0-9_]{1,32}")


class Mechanism(Protocol):
    """One SASL mechanism: the messages of the client in order, and its answer to an error challenge."""

    name: ClassVar[str]
    initial: ClassVar[bool]
    """Whether the client speaks first (RFC 4422 section 5), so that an initial response makes sense."""

    def messages(self) -> tuple[bytes, ...]:
        """Return the client's messages, not yet in base64."""

    def after_error(self) -> bytes:
        """Return the line that answers an error challenge."""


@dataclass(frozen=True, slots=True)
class Plain:
    """PLAIN (RFC 4616) without an authorisation identity."""

    username: str = field(repr=False)
    password: Secret

    name: ClassVar[str] = "PLAIN"
    initial: ClassVar[bool] = True

    def messages(self) -> tuple[bytes, ...]:
        """Return the one message."""
        return (f"\0{self.username}\0{self.password.reveal()}".encode(),)

    def after_error(self) -> bytes:
        """PLAIN knows no challenge: cancel (RFC 9051 section 6.2.2)."""
        return b"*"


@dataclass(frozen=True, slots=True)
class LoginMechanism:
    """LOGIN, the mechanism: user name, then password, each when asked."""

    username: str = field(repr=False)
    password: Secret

    name: ClassVar[str] = "LOGIN"
    initial: ClassVar[bool] = False

    def messages(self) -> tuple[bytes, ...]:
        """Return both messages."""
        return (self.username.encode(), self.password.reveal().encode())

    def after_error(self) -> bytes:
        """LOGIN knows no third challenge: cancel."""
        return b"*"


@dataclass(frozen=True, slots=True)
class XOAuth2:
    """XOAUTH2: `user` is the mailbox's address, a shared mailbox's too."""

    user: str = field(repr=False)
    token: Secret

    name: ClassVar[str] = "XOAUTH2"
    initial: ClassVar[bool] = True

    def messages(self) -> tuple[bytes, ...]:
        """Return the one message."""
        return (f"user={self.user}\x01auth=Bearer {self.token.reveal()}\x01\x01".encode(),)

    def after_error(self) -> bytes:
        """Return the empty line that lets the server say its tagged NO."""
        return b""


@dataclass(frozen=True, slots=True)
class OAuthBearer:
    """OAUTHBEARER (RFC 7628 section 3.1)."""

    user: str = field(repr=False)
    token: Secret
    host: str
    port: int

    name: ClassVar[str] = "OAUTHBEARER"
    initial: ClassVar[bool] = True

    def messages(self) -> tuple[bytes, ...]:
        """Return the one message: the GS2 header (RFC 5801 section 4) and the key-value pairs."""
        user = self.user.replace("=", "=3D").replace(",", "=2C")
        pairs = (f"host={self.host}", f"port={self.port}", f"auth=Bearer {self.token.reveal()}")
        return ("\x01".join((f"n,a={user},", *pairs, "", "")).encode(),)

    def after_error(self) -> bytes:
        """Return the dummy response, a single 0x01 (RFC 7628 section 3.2.3)."""
        return b"AQ=="


@dataclass(frozen=True, slots=True)
class Authenticate(Command[None]):
    """AUTHENTICATE, with the initial response on the command line where `initial_response` says so."""

    mechanism: Mechanism
    initial_response: bool

    name: ClassVar[str] = "AUTHENTICATE"
    stage: ClassVar[Stage] = Stage.AUTHENTICATION

    def segments(self) -> tuple[bytes, ...]:
        """Return the command and the mechanism's messages."""
        start = b"AUTHENTICATE " + self.mechanism.name.encode("ascii")
        messages = tuple(base64.b64encode(one) for one in self.mechanism.messages())
        if self.initial_response and self.mechanism.initial:
            return (start + b" " + messages[0], *messages[1:])
        return (start, *messages)

    def respond(self, prompt: Continuation) -> bytes:
        """Answer an error challenge, so that the server can refuse in words."""
        return self.mechanism.after_error()

    def refused(self, answer: Answer, fault: Fault) -> Fault:
        """Add what the error challenge says."""
        return _with_challenge(fault, self._challenge(answer))

    def _challenge(self, answer: Answer) -> str:
        asked_for = len(self.segments()) - 1
        errors = answer.prompts[asked_for:]
        return challenge(errors[-1].text) if errors else ""

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""


def challenge(text: bytes) -> str:
    """Return the JSON text of an error challenge, or nothing when it is not one."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def sasl_status(text: str) -> str:
    """Return `status` of an error challenge's JSON (RFC 7628 section 3.2.2), or nothing."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    status = found.get("status", "") if isinstance(found, dict) else ""
    word = str(status) if isinstance(status, str | int) else ""
    return word if STATUS_WORD.fullmatch(word) else ""


def _with_challenge(fault: Fault, text: str) -> Fault:
    """A plain refusal becomes the server's own error where its challenge says so; other kinds stay."""
    status = sasl_status(text)
    evidence = MappingProxyType({**fault.evidence, **({"sasl_status": status} if status else {})})
    kind = fault.kind
    if kind is AUTHENTICATION_FAILED:
        broken = AUTHENTICATION_ERROR if re.fullmatch(r"5\d\d", status) else None
        kind = diagnosed(text) or broken or kind
    return replace(fault, kind=kind, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Login(Command[None]):
    """LOGIN (RFC 9051 section 6.2.3). What cannot be quoted goes as a literal, without waiting where allowed.

    `non_synchronizing` is the longest literal in bytes that need not wait for the server (RFC 7888), 0 for none.
    """

    username: str = field(repr=False)
    password: Secret
    non_synchronizing: int = 0

    name: ClassVar[str] = "LOGIN"
    stage: ClassVar[Stage] = Stage.AUTHENTICATION

    def segments(self) -> tuple[bytes, ...]:
        """Return the command, in pieces where the server must ask for each literal."""
        pieces = [b"LOGIN"]
        for text in (self.username, self.password.reveal()):
            before, literal = self._string(text)
            pieces[-1] += b" " + before
            if literal is not None:
                pieces.append(literal)
        return tuple(pieces)

    def _string(self, text: str) -> tuple[bytes, bytes | None]:
        """Return what follows the space, and the literal that must wait, if one must."""
        if all(0x20 <= ord(char) < 0x7F for char in text):
            return quoted(text), None
        data = text.encode()
        if len(data) <= self.non_synchronizing:
            return b"{%d+}\r\n%s" % (len(data), data), None
        return b"{%d}" % len(data), data

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""


def non_synchronizing(offered: frozenset[str]) -> int:
    """Return how long a literal may be, in bytes, that is sent without waiting (RFC 7888 sections 3 to 5)."""
    if "LITERAL+" in offered:
        return 1 << 20
    return LITERAL_MINUS_LIMIT if "LITERAL-" in offered else 0
