"""The name server answers as told, as seen by a resolver that speaks to it by UDP."""

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.servers.dns_server import DnsServer
from tests.servers.ports import HOST


def ask(server: DnsServer, name: str, kind: str = "A") -> dns.message.Message:
    """Send one query."""
    return dns.query.udp(dns.message.make_query(name, kind), HOST, timeout=0.5, port=server.port)


def test_addresses_are_given_by_type(dns_server: DnsServer) -> None:
    """A name with IPv4 alone exists for IPv6, too, without an address."""
    dns_server.addresses["mail.test"] = ["127.0.0.1", "127.0.0.2"]
    assert sorted(str(found) for found in ask(dns_server, "mail.test").answer[0]) == ["127.0.0.1", "127.0.0.2"]
    empty = ask(dns_server, "mail.test", "AAAA")
    assert (empty.rcode(), empty.answer) == (dns.rcode.NOERROR, [])
    assert dns_server.asked == [("mail.test", "A"), ("mail.test", "AAAA")]


def test_failures_keep_their_kind(dns_server: DnsServer) -> None:
    """No such name, a server's failure, and silence."""
    dns_server.failing.add("failing.test")
    dns_server.silent.add("silent.test")
    assert ask(dns_server, "absent.test").rcode() == dns.rcode.NXDOMAIN
    assert ask(dns_server, "failing.test").rcode() == dns.rcode.SERVFAIL
    with pytest.raises(dns.exception.Timeout):
        ask(dns_server, "silent.test")
