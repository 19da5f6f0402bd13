"""The resolver, asked over the wire by dnspython and by c-ares."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Self

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pycares
import pytest

from prober.simulator.ground.addresses import pair
from prober.simulator.ground.dns import Answer, Datagrams, Resolver, stream

KNOWN = {
    "mail.contoso.example": Answer("127.16.1.1"),
    "quiet.contoso.example": Answer(kind="silence"),
    "ill.contoso.example": Answer(kind="servfail"),
    "bare.contoso.example": Answer(kind="empty"),
}


class Scene:
    """A resolver over UDP and TCP that remembers what it was asked to decide."""

    def __init__(self) -> None:
        self.now = 0.0
        self.decided: list[str] = []
        services = {"_autodiscover._tcp.contoso.example": ("autodiscover.contoso.example", 443)}
        self.resolver = Resolver("contoso.example", self.decide, lambda: self.now, services)
        self.port = 0

    def decide(self, name: str) -> Answer:
        self.decided.append(name)
        outside = Answer(kind="nxdomain" if name.endswith("contoso.example") else "refused")
        return KNOWN.get(name, outside)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        datagrams, streams = pair()
        self.port = datagrams.getsockname()[1]
        self.udp, _ = await loop.create_datagram_endpoint(lambda: Datagrams(self.resolver), sock=datagrams)
        self.tcp = await asyncio.start_server(
            lambda reader, writer: stream(self.resolver, reader, writer), sock=streams
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.udp.close()
        self.tcp.close()
        await self.tcp.wait_closed()
        await asyncio.sleep(0)

    async def ask(self, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        ask: Callable[..., Any] = dns.query.tcp if tcp else dns.query.udp
        answer: dns.message.Message = await asyncio.to_thread(ask, query, "127.0.0.1", port=self.port, timeout=2)
        return answer


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_name_of_the_tenant_has_an_address(tcp: bool) -> None:
    """Not to be kept: its time to live is zero. Letters compare without case."""
    async with Scene() as scene:
        answer = await scene.ask("Mail.CONTOSO.example", tcp=tcp)
        (found,) = answer.answer
        assert (found[0].to_text(), found.ttl) == ("127.16.1.1", 0)


async def test_other_types_of_a_known_name_are_empty() -> None:
    """No error, and the authority's word for it (RFC 2308 section 2.2)."""
    async with Scene() as scene:
        answer = await scene.ask("mail.contoso.example", "AAAA")
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])
        assert answer.authority[0].rdtype == dns.rdatatype.SOA


async def test_an_unknown_name_is_none_and_a_foreign_one_refused() -> None:
    """It forwards nothing."""
    async with Scene() as scene:
        assert (await scene.ask("nothing.contoso.example")).rcode() == dns.rcode.NXDOMAIN
        assert (await scene.ask("www.fabrikam.example")).rcode() == dns.rcode.REFUSED


async def test_a_look_up_can_fail_or_find_no_address() -> None:
    """RFC 1035 section 4.1.1, RFC 2308 section 2.2."""
    async with Scene() as scene:
        ill, bare = await scene.ask("ill.contoso.example"), await scene.ask("bare.contoso.example")
        assert (ill.rcode(), ill.authority) == (dns.rcode.SERVFAIL, [])
        assert (bare.rcode(), bare.answer) == (dns.rcode.NOERROR, [])


async def test_silence_is_silence() -> None:
    """The client's patience runs out."""
    async with Scene() as scene:
        query = dns.message.make_query("quiet.contoso.example", "A")
        with pytest.raises(dns.exception.Timeout):
            await asyncio.to_thread(dns.query.udp, query, "127.0.0.1", port=scene.port, timeout=0.1)


async def test_the_organisation_names_its_discovery() -> None:
    """By SRV, as MS-OXDISCO has it."""
    async with Scene() as scene:
        answer = await scene.ask("_autodiscover._tcp.contoso.example", "SRV")
        assert answer.answer[0][0].to_text() == "0 0 443 autodiscover.contoso.example."


async def test_the_questions_of_one_look_up_are_one_decision() -> None:
    """A and AAAA together; the same type again, or later, is another look-up."""
    async with Scene() as scene:
        for kind in ("A", "AAAA"):
            await scene.ask("mail.contoso.example", kind)
        assert len(scene.decided) == 1
        await scene.ask("mail.contoso.example", "A")
        assert len(scene.decided) == 2
        scene.now = 1.0
        await scene.ask("mail.contoso.example", "AAAA")
        assert len(scene.decided) == 3


async def test_c_ares_takes_its_answers() -> None:
    """The resolver most asynchronous programs use."""
    async with Scene() as scene:
        found: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()

        def heard(result: Any, error: int | None) -> None:
            loop.call_soon_threadsafe(found.set_result, [node.addr[0] for node in result.nodes] if result else [])

        channel = pycares.Channel(servers=[f"127.0.0.1:{scene.port}"], timeout=2, tries=1, lookups="b")
        channel.getaddrinfo("mail.contoso.example", None, family=socket.AF_INET, callback=heard)
        assert await asyncio.wait_for(found, 5) in (["127.16.1.1"], [b"127.16.1.1"])
        channel.close()


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (b"", None),
        (b"\xab\xcd\x01\x00\x00\x01", None),
        (b"\xab\xcd\x80\x00" + bytes(8), None),
        (b"\xab\xcd\x01\x00\x00\x05" + bytes(6), b"\xab\xcd\x81\x01" + bytes(8)),
        (b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff", b"\xab\xcd\x81\x01" + bytes(8)),
    ],
)
def test_what_is_no_question_gets_format_error_or_nothing(wire: bytes, answer: bytes | None) -> None:
    """An answer gets none, or two resolvers would talk for ever."""
    assert Scene().resolver.reply(wire) == answer


def test_a_question_sent_again_stays_unanswered() -> None:
    """It has the same id; another question about the name is decided anew, and so is a much later one."""
    scene = Scene()
    first, other = (
        dns.message.make_query("quiet.contoso.example", "A"),
        dns.message.make_query("quiet.contoso.example", "A"),
    )
    first.id, other.id = 1, 2
    assert scene.resolver.reply(first.to_wire()) is None
    for scene.now in (2.0, 6.0, 14.0):
        assert scene.resolver.reply(first.to_wire()) is None
    assert len(scene.decided) == 1
    assert scene.resolver.reply(other.to_wire()) is None
    scene.now = 31.0
    assert scene.resolver.reply(first.to_wire()) is None
    assert len(scene.decided) == 3


def test_a_question_asked_again_has_its_own_number_and_what_is_true_by_then() -> None:
    """Though all but the number is the same: who is ill in between is heard of, and who is well again."""
    scene = Scene()
    answers = [Answer("127.16.1.1"), Answer(kind="servfail"), Answer("127.16.1.2"), Answer("127.16.1.1")]
    coming = iter(answers)
    scene.resolver.decide = lambda name: next(coming)
    told = []
    for number in range(4):
        scene.now += 10.0
        question = dns.message.make_query("mail.contoso.example", "A", id=number + 7)
        wire = scene.resolver.reply(question.to_wire())
        assert wire is not None
        reply = dns.message.from_wire(wire)
        assert question.is_response(reply)
        told.append([str(one[0]) for one in reply.answer] or [dns.rcode.to_text(reply.rcode())])
    assert told == [["127.16.1.1"], ["SERVFAIL"], ["127.16.1.2"], ["127.16.1.1"]]
