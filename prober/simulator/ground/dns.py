"""The tenant's resolver: it knows the tenant's names, asks nobody else, and can be told to fail (RFC 1035).

Rule of this file: a look-up is one decision, however many questions a client asks in it.
"""

import asyncio
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

ONE_LOOKUP = 0.05
"""Seconds within which the questions about one name are taken for one look-up."""
SAME_QUESTION = 30.0
"""Seconds within which a question with the id of one left unanswered is that one, sent again."""
MAX_QUESTION = 4096
CODES: Mapping[str, dns.rcode.Rcode] = MappingProxyType(
    {"refused": dns.rcode.REFUSED, "nxdomain": dns.rcode.NXDOMAIN, "servfail": dns.rcode.SERVFAIL}
)
"""By the kind of an answer (RFC 1035 section 4.1.1); the others are no error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look-up comes to: an address, or none of `kind` `nxdomain`, `empty`, `servfail`, `silence`, `refused`."""

    address: str = ""
    kind: str = "address"


Key = TypeVar("Key")
Value = TypeVar("Value")
Decide = Callable[[str], Answer]
"""Told the name looked up, in lower case and without the last dot."""


@dataclass(slots=True)
class Resolver:
    """Answers questions, wherever they come from. `clock` in seconds."""

    domain: str
    decide: Decide
    clock: Callable[[], float]
    services: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    _lately: dict[str, tuple[float, set[int], Answer]] = field(default_factory=dict)
    _unanswered: dict[tuple[str, int], float] = field(default_factory=dict)
    _questions: dict[bytes, dns.message.Message] = field(default_factory=dict)
    _written: dict[tuple[bytes, Answer], bytes] = field(default_factory=dict)

    def reply(self, wire: bytes) -> bytes | None:
        """Return the answer to a question as it came over the wire, `None` for silence."""
        question = self._question(wire)
        if question is None:
            return _malformed(wire)
        asked, number = question.question[0], int.from_bytes(wire[:2])
        name = asked.name.to_text(omit_final_dot=True).lower()
        if asked.rdtype == dns.rdatatype.SRV and name in self.services:
            return wire[:2] + self._service(question, *self.services[name])
        if self._again(name, number):
            return None
        answer = self._decided(name, int(asked.rdtype))
        if answer.kind == "silence":
            self._leave(name, number)
            return None
        return wire[:2] + self._answer(wire, question, answer)

    def _question(self, wire: bytes) -> dns.message.Message | None:
        """Return what is asked, `None` for what is no question. But for its number, it is asked again and again."""
        known = self._questions.get(wire[2:])
        if known is None:
            try:
                known = dns.message.from_wire(wire, ignore_trailing=True)
            except (dns.exception.DNSException, struct.error, ValueError):
                return None
            if known.flags & dns.flags.QR or len(known.question) != 1:
                return None
            _keep(self._questions, wire[2:], known)
        return known

    def _service(self, question: dns.message.Message, host: str, port: int) -> bytes:
        reply = dns.message.make_response(question, recursion_available=True)
        asked = question.question[0]
        reply.answer.append(dns.rrset.from_text(asked.name, 0, "IN", "SRV", f"0 0 {port} {host}."))
        return reply.to_wire()[2:]

    def _answer(self, wire: bytes, question: dns.message.Message, answer: Answer) -> bytes:
        """Return the answer as it goes over the wire, without its number."""
        written = self._written.get((wire[2:], answer))
        if written is None:
            reply = dns.message.make_response(question, recursion_available=True)
            asked = question.question[0]
            reply.set_rcode(CODES.get(answer.kind, dns.rcode.NOERROR))
            if asked.rdtype == dns.rdatatype.A and answer.address:
                reply.answer.append(dns.rrset.from_text(asked.name, 0, "IN", "A", answer.address))
            elif answer.kind not in ("refused", "servfail"):
                reply.authority.append(self._soa())
            written = reply.to_wire()[2:]
            _keep(self._written, (wire[2:], answer), written)
        return written

    def _again(self, name: str, number: int) -> bool:
        """Whether this question has been left unanswered and comes again: asking twice is still one look-up."""
        return self.clock() - self._unanswered.get((name, number), -SAME_QUESTION) < SAME_QUESTION

    def _leave(self, name: str, number: int) -> None:
        if len(self._unanswered) >= MAX_QUESTION:
            self._unanswered.clear()
        self._unanswered[name, number] = self.clock()

    def _decided(self, name: str, rdtype: int) -> Answer:
        """Return the decision of the look-up that this question belongs to: the same type again is a new one."""
        now = self.clock()
        known = self._lately.get(name)
        if known and now - known[0] <= ONE_LOOKUP and rdtype not in known[1]:
            known[1].add(rdtype)
            return known[2]
        answer = self.decide(name)
        self._lately[name] = (now, {rdtype}, answer)
        if len(self._lately) > MAX_QUESTION:
            self._lately.clear()
        return answer

    def _soa(self) -> dns.rrset.RRset:
        text = f"ns.{self.domain}. hostmaster.{self.domain}. 1 3600 600 86400 0"
        return dns.rrset.from_text(f"{self.domain}.", 0, "IN", "SOA", text)


class Datagrams(asyncio.DatagramProtocol):
    """The resolver over UDP."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = transport  # type: ignore[assignment]  # an endpoint for datagrams hands out no other

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        answer = self._resolver.reply(data)
        if answer is not None:
            self._transport.sendto(answer, addr)


async def stream(resolver: Resolver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the questions of one TCP connection, each with its length before it (RFC 1035 section 4.2.2)."""
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = resolver.reply(await reader.readexactly(length))
            if answer is not None:
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
    writer.close()


def _keep(known: dict[Key, Value], key: Key, value: Value) -> None:
    """Remember something, and nothing else when that has become too much."""
    if len(known) >= MAX_QUESTION:
        known.clear()
    known[key] = value


def _malformed(wire: bytes) -> bytes | None:
    """Return FORMERR for what has an id to answer to and is no answer itself."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    return wire[:2] + bytes([0x80 | (wire[2] & 0x79), 0x01]) + bytes(8)
