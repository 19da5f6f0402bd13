"""Commands of any IMAP client that only looks: what each sends and what it reads from the answer.

Rule: a command never changes the mailbox (EXAMINE, BODY.PEEK) and is sent whole: no line is split, whatever the
server's own limit. Signing in stands in `authenticate`, the IDLE command in `session`, what writes in `marker`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from prober.faults.taxonomy import BAD_REPLY, STARTTLS_REFUSED, Fault, FaultError
from prober.protocols.imap import responses
from prober.protocols.imap.grammar import Value
from prober.protocols.imap.responses import (
    Capability,
    Condition,
    Continuation,
    Exists,
    Expunge,
    Fetch,
    Found,
    Listed,
    Namespace,
    Response,
    ServerId,
    Status,
)
from prober.protocols.imap.status import NO_INBOX, Stage
from prober.record import record

R = TypeVar("R")
D = TypeVar("D")


@record
class Answer:
    """All that came between a command and its tagged response: untagged data, requests for more, and that response."""

    status: Status
    data: tuple[Response, ...] = ()
    prompts: tuple[Continuation, ...] = ()

    def of(self, kind: type[D]) -> tuple[D, ...]:
        """Return the data of one kind, in order."""
        return tuple([one for one in self.data if isinstance(one, kind)])

    def last(self, kind: type[D], name: str) -> D:
        """Return the last datum of a kind that must be there. Raises `FaultError` (`bad_reply`)."""
        for one in reversed(self.data):
            if isinstance(one, kind):
                return one
        raise FaultError(BAD_REPLY, {"missing": name})

    def code(self, name: str) -> str | None:
        """Return the arguments of the last response code `name`, tagged or not, or `None`."""
        for one in (self.status, *reversed(self.data)):
            if isinstance(one, Status) and one.code == name:
                return one.arguments
        return None

    def code_number(self, name: str) -> int | None:
        """Return the number in the last response code `name`, or `None`. Raises `FaultError` (`bad_reply`)."""
        text = self.code(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            raise FaultError(BAD_REPLY, {"grammar": f"number in {name}"})
        return int(text)


class Command(Generic[R]):
    """One command. `segments` are its pieces: each one after the first is sent when the server asks for it."""

    __slots__ = ()
    name: ClassVar[str]
    stage: ClassVar[Stage] = Stage.MAILBOX

    def segments(self) -> tuple[bytes, ...]:
        """Return what follows the tag, without the final CRLF of each piece."""
        return (self.name.encode("ascii"),)

    def respond(self, prompt: Continuation) -> bytes:
        """Return the line for a request beyond the prepared pieces. Raises `FaultError` (`bad_reply`)."""
        raise FaultError(BAD_REPLY, {"unexpected": "continuation", "command": self.name})

    def settles(self, answer: Answer) -> bool:
        """Whether `answer` lets the client go on."""
        return answer.status.condition is Condition.OK

    def refused(self, answer: Answer, fault: Fault) -> Fault:
        """Return `fault`, the table's reading of a refusal, made finer by what this command knows."""
        return fault

    def read(self, answer: Answer) -> R:
        """Return what an answer that settles says. Raises `FaultError` (`bad_reply`)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class AskCapability(Command[frozenset[str]]):
    """CAPABILITY (RFC 9051 section 6.1.1): the names offered, in capitals."""

    name: ClassVar[str] = "CAPABILITY"
    stage: ClassVar[Stage] = Stage.BEFORE_LOGIN

    def read(self, answer: Answer) -> frozenset[str]:
        """Return the names; one of the revisions must be among them."""
        names = answer.last(Capability, "CAPABILITY").names
        if not names & {"IMAP4REV1", "IMAP4REV2"}:
            raise FaultError(BAD_REPLY, {"missing": "IMAP4rev1"})
        return names


@dataclass(frozen=True, slots=True)
class AskCapabilityAgain(AskCapability):
    """The same after login, when more is offered (RFC 9051 section 6.2)."""

    stage: ClassVar[Stage] = Stage.MAILBOX


@dataclass(frozen=True, slots=True)
class Identify(Command[ServerId | None]):
    """ID (RFC 2971): tell who we are, hear who answers. A refusal is no fault: `None`."""

    client: str
    version: str

    name: ClassVar[str] = "ID"
    stage: ClassVar[Stage] = Stage.BEFORE_LOGIN

    def segments(self) -> tuple[bytes, ...]:
        """Return the command with the two fields that every server understands."""
        return (b"ID (" + b" ".join(quoted(word) for word in ("name", self.client, "version", self.version)) + b")",)

    def settles(self, answer: Answer) -> bool:
        """Any tagged answer will do."""
        return True

    def read(self, answer: Answer) -> ServerId | None:
        """Return what the server said of itself, if it answered the question."""
        if answer.status.condition is not Condition.OK:
            return None
        found = answer.of(ServerId)
        return found[-1] if found else ServerId()


@dataclass(frozen=True, slots=True)
class StartTls(Command[None]):
    """STARTTLS (RFC 9051 section 6.2.1): ask for the upgrade; the handshake is the wire's."""

    name: ClassVar[str] = "STARTTLS"
    stage: ClassVar[Stage] = Stage.BEFORE_LOGIN

    def refused(self, answer: Answer, fault: Fault) -> Fault:
        """A refusal of any wording means no TLS."""
        return Fault(STARTTLS_REFUSED, fault.evidence)

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""


@dataclass(frozen=True, slots=True)
class AskNamespace(Command[Namespace]):
    """NAMESPACE (RFC 2342): on Exchange the first command that needs the mailbox behind the front end."""

    name: ClassVar[str] = "NAMESPACE"

    def read(self, answer: Answer) -> Namespace:
        """Return the namespaces."""
        return answer.last(Namespace, "NAMESPACE")


@dataclass(frozen=True, slots=True)
class ListAll(Command[tuple[Listed, ...]]):
    """LIST "" "*" (RFC 9051 section 6.3.9), with special uses where they can be asked for (RFC 6154 section 3)."""

    special_use: bool = False

    name: ClassVar[str] = "LIST"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b'LIST "" "*"' + (b" RETURN (SPECIAL-USE)" if self.special_use else b""),)

    def read(self, answer: Answer) -> tuple[Listed, ...]:
        """Return all mailboxes. Raises `FaultError` (`imap_no_inbox`): every account has one."""
        mailboxes = answer.of(Listed)
        if not any(one.name.upper() == "INBOX" for one in mailboxes):
            raise FaultError(NO_INBOX, {"listed": str(len(mailboxes))})
        return mailboxes


@dataclass(frozen=True, slots=True)
class Examined:
    """An open mailbox: message count, UIDVALIDITY, next UID where told, and whether it is open for reading only."""

    exists: int
    uid_validity: int
    uid_next: int | None
    read_only: bool


@dataclass(frozen=True, slots=True)
class Examine(Command[Examined]):
    """EXAMINE INBOX (RFC 9051 section 6.3.3): as SELECT, but nothing changes, not even what is recent."""

    name: ClassVar[str] = "EXAMINE"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"EXAMINE INBOX",)

    def read(self, answer: Answer) -> Examined:
        """Return the mailbox's numbers; without EXISTS or UIDVALIDITY no client can go on."""
        validity = answer.code_number("UIDVALIDITY")
        if validity is None:
            raise FaultError(BAD_REPLY, {"missing": "UIDVALIDITY"})
        return Examined(
            exists=answer.last(Exists, "EXISTS").messages,
            uid_validity=validity,
            uid_next=answer.code_number("UIDNEXT"),
            read_only=answer.code("READ-ONLY") is not None,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """What the list of messages shows of one: UID, size in bytes, arrival in UTC."""

    uid: int
    size: int
    arrived: datetime


@dataclass(frozen=True, slots=True)
class FetchNewest(Command[tuple[Message, ...]]):
    """UID FETCH of the last few messages from `first_uid` on (RFC 9051 section 6.4.9); `*` makes it at least one.

    `NO … could not be FETCHed` with some messages told is one bad item and no fault; with none told it is.
    """

    first_uid: int

    name: ClassVar[str] = "UID FETCH"
    ITEMS: ClassVar[bytes] = b"(UID FLAGS INTERNALDATE RFC822.SIZE)"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"UID FETCH %d:* %s" % (self.first_uid, self.ITEMS),)

    def settles(self, answer: Answer) -> bool:
        """OK, or a partial refusal after at least one message."""
        return answer.status.condition is Condition.OK or (_partial(answer) and bool(_asked(answer)))

    def read(self, answer: Answer) -> tuple[Message, ...]:
        """Return the messages. None at all is a fault, unless the server told that some went away meanwhile."""
        messages = tuple(_message(items) for items in _asked(answer))
        if not messages and not answer.of(Expunge):
            raise FaultError(BAD_REPLY, {"missing": "FETCH"})
        return messages


@dataclass(frozen=True, slots=True)
class FetchDate(Command[bool]):
    """Read one header field, leaving the message unseen (RFC 9051 section 6.4.5 BODY.PEEK); its content is not kept."""

    uid: int

    name: ClassVar[str] = "UID FETCH"
    ITEM: ClassVar[str] = "BODY[HEADER.FIELDS (DATE)]"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"UID FETCH %d (BODY.PEEK[HEADER.FIELDS (DATE)])" % self.uid,)

    def read(self, answer: Answer) -> bool:
        """Return whether the message was still there; if it was, the header must be too."""
        found = [one.items[self.ITEM] for one in answer.of(Fetch) if self.ITEM in one.items]
        if any(isinstance(header, bytes) for header in found):
            return True
        if answer.of(Expunge):
            return False
        raise FaultError(BAD_REPLY, {"missing": "BODY"})


@dataclass(frozen=True, slots=True)
class FetchArrivals(Command[tuple[datetime, ...]]):
    """FETCH of when messages arrived, from number `first` on (RFC 9051 section 6.4.5).

    A refusal of some of them is no fault (they may be gone again): what was told counts.
    """

    first: int

    name: ClassVar[str] = "FETCH"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"FETCH %d:* (INTERNALDATE)" % self.first,)

    def settles(self, answer: Answer) -> bool:
        """OK, or a partial refusal."""
        return answer.status.condition is Condition.OK or _partial(answer)

    def read(self, answer: Answer) -> tuple[datetime, ...]:
        """Return the times in UTC; `n:*` always names the last message, which is left out where it is an older one."""
        told = {one.number: one.items["INTERNALDATE"] for one in answer.of(Fetch) if "INTERNALDATE" in one.items}
        return tuple(responses.internal_date(told[number]) for number in sorted(told) if number >= self.first)


@dataclass(frozen=True, slots=True)
class FindSubject(Command[tuple[int, ...]]):
    """UID SEARCH for a text in the subject (RFC 3501 section 6.4.4): the UIDs of all messages that have it.

    A text that cannot be quoted goes as a literal; one beyond ASCII with its charset, which every server of RFC 9051
    knows.
    """

    text: str = field(repr=False)

    name: ClassVar[str] = "UID SEARCH"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command in as many pieces as its literal needs."""
        if self.text.isascii() and self.text.isprintable():
            return (b"UID SEARCH SUBJECT " + quoted(self.text),)
        charset = b"" if self.text.isascii() else b"CHARSET UTF-8 "
        data = self.text.encode()
        return (b"UID SEARCH %sSUBJECT {%d}" % (charset, len(data)), data)

    def read(self, answer: Answer) -> tuple[int, ...]:
        """Return the UIDs; a server that finds nothing may say nothing."""
        return tuple(number for one in answer.of(Found) for number in one.numbers)


@dataclass(frozen=True, slots=True)
class Noop(Command[None]):
    """NOOP (RFC 9051 section 6.1.2)."""

    name: ClassVar[str] = "NOOP"

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""


@dataclass(frozen=True, slots=True)
class Logout(Command[None]):
    """LOGOUT (RFC 9051 section 6.1.3): the one command that an untagged BYE belongs to."""

    name: ClassVar[str] = "LOGOUT"
    stage: ClassVar[Stage] = Stage.LOGOUT

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""


def quoted(text: str) -> bytes:
    """Return a quoted string (RFC 9051 section 9 `quoted`); `text` must be printable ASCII."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'


def _partial(answer: Answer) -> bool:
    status = answer.status
    return status.condition is Condition.NO and (
        "could not be fetched" in status.text.lower() or status.code == "EXPUNGEISSUED"
    )


def _asked(answer: Answer) -> list[dict[str, Value]]:
    """Return the items of each message that was told whole, in one FETCH response or in several.

    Flags that others changed meanwhile come without the rest and are nobody's answer.
    """
    messages: dict[int, dict[str, Value]] = {}
    for one in answer.of(Fetch):
        messages.setdefault(one.number, {}).update(one.items)
    return [items for items in messages.values() if {"UID", "INTERNALDATE", "RFC822.SIZE"} <= items.keys()]


def _message(items: dict[str, Value]) -> Message:
    uid, size = items["UID"], items["RFC822.SIZE"]
    if not isinstance(uid, int) or not isinstance(size, int):
        raise FaultError(BAD_REPLY, {"grammar": "number in FETCH"})
    return Message(uid, size, responses.internal_date(items["INTERNALDATE"]))
