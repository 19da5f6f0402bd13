"""A name server that answers as told, by UDP."""

import socket
import threading
from dataclasses import dataclass, field
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.servers.listener import shut
from tests.servers.ports import HOST

TTL = 60


@dataclass(slots=True)
class DnsServer:
    """Listens on `port` while entered. Names are lower-case, without a final dot.

    `addresses` holds IPv4 and IPv6 addresses by name; a name in `failing` gets SERVFAIL, one in `silent` no answer at
    all, any other NXDOMAIN. `asked` remembers each query as name and type.
    """

    addresses: dict[str, list[str]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    _socket: socket.socket | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None and self._thread is not None:
            shut(self._socket)
            self._thread.join()
            self._socket.close()

    @property
    def address(self) -> str:
        """Where it listens, as a resolver is configured."""
        return f"{HOST}:{self.port}"

    def _serve(self, bound: socket.socket) -> None:
        while True:
            packet, asker = bound.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(packet)
            if answer is not None:
                bound.sendto(answer, asker)

    def _answer(self, packet: bytes) -> bytes | None:
        try:
            query = dns.message.from_wire(packet)
        except dns.exception.DNSException:
            return None
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append((name, dns.rdatatype.to_text(question.rdtype)))
        if name in self.silent:
            return None
        return self._decide(query, name).to_wire()

    def _decide(self, query: dns.message.Message, name: str) -> dns.message.Message:
        answer = dns.message.make_response(query, recursion_available=True)
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.addresses:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found := [text for text in self.addresses[name] if _kind(text) == query.question[0].rdtype]:
            question = query.question[0]
            answer.answer.append(dns.rrset.from_text(question.name, TTL, "IN", question.rdtype, *found))
        return answer


def _kind(address: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.AAAA if ":" in address else dns.rdatatype.A
