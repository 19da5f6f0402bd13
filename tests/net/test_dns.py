"""Names to addresses, asked of a name server that answers as each test wants."""

import asyncio
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pycares
import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind
from prober.net import dns
from prober.net.dns import HostsFile, _Lookup, check_servers, is_numeric, resolve
from tests.net.conftest import Run
from tests.net.made import Raised
from tests.net.servers import descriptors, name_server, until


def test_addresses_of_both_families_are_found(run: Run) -> None:
    """`auto` asks for both, the others for one."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.a, server.aaaa = ("192.0.2.1", "192.0.2.2"), ("2001:db8::1",)
            assert set(await resolve("mail.test", "auto", [address])) == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}
            assert set(await resolve("mail.test", "ipv4", [address])) == {"192.0.2.1", "192.0.2.2"}
            assert await resolve("mail.test", "ipv6", [address]) == ("2001:db8::1",)

    run(scenario())


@pytest.mark.parametrize(
    ("rcode", "kind", "evidence"),
    [
        (0, kinds.DNS_NO_ADDRESS, "ARES_ENODATA"),
        (2, kinds.DNS_SERVER_FAILURE, "ARES_ESERVFAIL"),
        (3, kinds.DNS_NO_SUCH_NAME, "ARES_ENOTFOUND"),
        (4, kinds.DNS_SERVER_FAILURE, "ARES_ENOTIMP"),
        (5, kinds.DNS_SERVER_FAILURE, "ARES_EREFUSED"),
    ],
)
def test_each_failure_keeps_its_kind(run: Run, rcode: int, kind: Kind, evidence: str) -> None:
    """Response codes of RFC 1035 section 4.1.1, and a name that exists without an address."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.rcode = rcode
            with Raised() as raised:
                await resolve("mail.test", "auto", [address])
            assert raised.error.fault.kind is kind
            assert raised.error.fault.evidence == {"resolver": evidence}
            assert "mail.test" in server.questions

    run(scenario())


def test_an_answer_too_long_for_a_datagram_is_fetched_over_tcp(run: Run) -> None:
    """As RFC 7766 section 5 demands of every resolver."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.truncated, server.a = True, tuple(f"192.0.2.{n}" for n in range(1, 100))
            before = descriptors()
            assert len(await resolve("mail.test", "ipv4", [address])) == 99
            await until(lambda: descriptors() <= before)

    run(scenario())


def test_a_name_server_that_is_not_there_is_a_server_failure(run: Run, closed_port: int) -> None:
    """Nobody listens on its port."""

    async def scenario() -> None:
        with Raised() as raised:
            await resolve("mail.test", "auto", [f"127.0.0.1:{closed_port}"])
        assert raised.error.fault.kind is kinds.DNS_SERVER_FAILURE

    run(scenario())


def test_no_descriptor_left_is_our_fault_and_not_the_name_servers(run: Run) -> None:
    """c-ares says then that no server answered; we know better."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.a = ("192.0.2.1",)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                with Raised() as raised:
                    await resolve("mail.test", "auto", [address])
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert raised.error.fault.kind is kinds.NO_DESCRIPTORS

    run(scenario())


async def test_a_resolver_that_cannot_start_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its servers were checked at load, so it lacks memory or descriptors."""

    def fail(**_: object) -> None:
        raise pycares.AresError("Failed to initialize c-ares channel")

    monkeypatch.setattr(pycares, "Channel", fail)
    with Raised() as raised:
        await resolve("mail.test")
    assert raised.error.fault.kind is kinds.NO_DESCRIPTORS


def test_a_malformed_name_does_not_exist(run: Run) -> None:
    """No server is asked for what cannot be a name."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            with Raised() as raised:
                await resolve("mail..test", "auto", [address])
            assert raised.error.fault.kind is kinds.DNS_NO_SUCH_NAME
            assert server.questions == []

    run(scenario())


def test_the_hosts_file_comes_first(run: Run) -> None:
    """As in the system's own resolver, whatever name servers are configured."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.a = ("192.0.2.1",)
            assert "127.0.0.1" in await resolve("localhost", "ipv4", [address])
            assert server.questions == []

    run(scenario())


def test_the_hosts_file_is_found_in_without_asking_anybody() -> None:
    """Neither a loop nor a socket is needed, however often; a name that is not there is nobody's fault yet."""
    hosts = HostsFile()
    before = descriptors()
    for _ in range(2):
        assert "127.0.0.1" in hosts.find("localhost", "ipv4")
        assert hosts.find("mail.test") == ()
        assert hosts.find("mail..test") == ()
    assert descriptors() == before


class Reader:
    """What reads the hosts file, as often as it is asked: c-ares with an answer that the test chooses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.opened = 0
        self.asked: list[str] = []

    def __call__(self, **_: object) -> "Reader":
        self.opened += 1
        return self

    def getaddrinfo(self, host: str, port: None, *, callback: Callable[[object, int | None], None], **_: int) -> None:
        self.asked.append(host)
        nodes = [SimpleNamespace(addr=(one.encode(),)) for one in self.addresses]
        found = SimpleNamespace(nodes=nodes)
        callback(found if nodes else None, None if nodes else pycares.errno.ARES_ENOTFOUND)


def test_an_address_of_the_hosts_file_holds_as_long_as_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept by name and family; once the file has changed, or is gone, nothing is."""
    states: list[tuple[int, ...] | None] = [(1,)]
    monkeypatch.setattr(pycares, "Channel", reader := Reader("192.0.2.1"))
    hosts = HostsFile(lambda: states[-1], lambda: frozenset({"mail.test"}))
    for _ in range(2):
        assert hosts.find("mail.test") == ("192.0.2.1",)
        assert hosts.find("mail.test", "ipv4") == ("192.0.2.1",)
    assert (reader.opened, len(reader.asked)) == (1, 2)
    states.append((2,))
    reader.addresses = ("192.0.2.2",)
    for _ in range(2):
        assert hosts.find("mail.test") == ("192.0.2.2",)
    assert (reader.opened, len(reader.asked)) == (2, 3)
    states.append(None)
    assert hosts.find("mail.test") == ()
    states.append((2,))
    assert hosts.find("mail.test") == ("192.0.2.2",)
    assert (reader.opened, len(reader.asked)) == (3, 4)


@pytest.mark.parametrize("words", [None, frozenset({"mail.test"})])
@pytest.mark.parametrize("addresses", [(), ("192.0.2.1", "192.0.2.2")])
def test_what_may_change_while_the_hosts_file_does_not_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...], words: frozenset[str] | None
) -> None:
    """The order of several addresses, and that there is none although the file may name the host."""
    monkeypatch.setattr(pycares, "Channel", reader := Reader(*addresses))
    hosts = HostsFile(lambda: (1,), lambda: words)
    for _ in range(2):
        assert hosts.find("mail.test") == addresses
    assert (reader.opened, len(reader.asked)) == (1, 2)


def test_a_name_that_is_not_in_the_hosts_file_is_not_looked_for_there_until_it_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In comments and in any case it could be one; below `localhost` c-ares needs no file."""
    monkeypatch.setattr(dns, "HOSTS", file := tmp_path / "hosts")
    monkeypatch.setattr(pycares, "Channel", reader := Reader("192.0.2.1"))
    states = [(1,)]
    hosts = HostsFile(lambda: states[-1])
    file.write_text("192.0.2.1\tOther.Test #mail2.test\n192.0.2.2 dotted.test.")
    for _ in range(2):
        assert hosts.find("mail.test") == ()
        assert hosts.find("test", "ipv4") == ()
    assert reader.asked == []
    named = ["other.test", "OTHER.TEST", "mail2.test", "dotted.test", "other.test.", "localhost", "a.localhost"]
    for name in named:
        assert hosts.find(name) == ("192.0.2.1",)
    assert reader.asked == named
    file.write_text("192.0.2.1 mail.test")
    states.append((2,))
    assert hosts.find("mail.test") == ("192.0.2.1",)


@pytest.mark.parametrize("content", [None, b"#" * (dns.LARGEST_HOSTS + 1)])
def test_a_hosts_file_that_is_not_read_or_very_large_is_left_to_c_ares(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    monkeypatch.setattr(dns, "HOSTS", file := tmp_path / "hosts")
    monkeypatch.setattr(pycares, "Channel", Reader("192.0.2.1"))
    if content is not None:
        file.write_bytes(content)
    assert HostsFile(lambda: (1,)).find("mail.test") == ("192.0.2.1",)


def test_without_memory_or_descriptors_the_hosts_file_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver itself, which is asked then, says what is wrong."""

    def fails(**_: object) -> None:
        raise pycares.AresError("Failed to initialize c-ares channel")

    monkeypatch.setattr(pycares, "Channel", fails)
    assert HostsFile().find("localhost") == ()


def test_nothing_is_remembered_between_lookups(run: Run) -> None:
    """Cold means cold: the second lookup asks again, although the answer may live 300 seconds."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.a = ("192.0.2.1",)
            for _ in range(2):
                await resolve("mail.test", "ipv4", [address])
            assert server.questions == ["mail.test", "mail.test"]

    run(scenario())


def test_cancelling_a_lookup_leaves_no_socket_and_no_task(run: Run) -> None:
    """The sockets are closed before the cancelled call returns."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.silent = True
            before, tasks = descriptors(), asyncio.all_tasks()
            lookup = asyncio.create_task(resolve("mail.test", "auto", [address]))
            await until(lambda: bool(server.questions))
            assert descriptors() - before
            lookup.cancel()
            with pytest.raises(asyncio.CancelledError):
                await lookup
            assert descriptors() == before
            assert asyncio.all_tasks() == tasks

    run(scenario())


@pytest.mark.parametrize("truncated", [False, True], ids=["UDP", "TCP"])
def test_the_loop_is_only_touched_from_its_own_thread(
    run: Run, monkeypatch: pytest.MonkeyPatch, truncated: bool
) -> None:
    """c-ares frees a channel on another thread; by then its sockets must be closed and unwatched."""
    threads: set[str] = set()
    watch = _Lookup._watch

    def noted(self: _Lookup, descriptor: int, readable: bool, writable: bool) -> None:
        threads.add(threading.current_thread().name)
        watch(self, descriptor, readable, writable)

    async def scenario() -> None:
        monkeypatch.setattr(_Lookup, "_watch", noted)
        async with name_server() as (server, address):
            server.a, server.truncated = ("192.0.2.1",), truncated
            for turns in range(40):
                asking = asyncio.create_task(resolve("mail.test", "auto", [address]))
                for _ in range(turns):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
        assert threads == {"MainThread"}

    run(scenario())


def test_a_finished_lookup_leaves_no_socket(run: Run) -> None:
    """Not even until the next turn of the loop."""

    async def scenario() -> None:
        async with name_server() as (server, address):
            server.a = ("192.0.2.1",)
            before = descriptors()
            await resolve("mail.test", "ipv4", [address])
            assert descriptors() == before

    run(scenario())


@pytest.mark.parametrize(
    ("host", "numeric"),
    [("192.0.2.1", True), ("::1", True), ("fe80::1", True), ("localhost", False), ("192.0.2", False), ("", False)],
)
def test_an_address_is_told_from_a_name(host: str, *, numeric: bool) -> None:
    """What is numeric already is not resolved."""
    assert is_numeric(host) is numeric


@pytest.mark.parametrize("server", ["192.0.2.53", "127.0.0.1:5353", "[::1]:5353", "2001:db8::53"])
def test_addresses_of_name_servers_are_taken(server: str) -> None:
    """With and without a port, of both families."""
    check_servers([server])


@pytest.mark.parametrize("server", ["resolver.test", "192.0.2.53:99999", "192.0.2.300"])
def test_what_is_no_address_of_a_name_server_is_refused(server: str) -> None:
    """At load, with a sentence that names it."""
    with pytest.raises(ValueError, match=f"{server}: not the address of a name server"):
        check_servers([server])
