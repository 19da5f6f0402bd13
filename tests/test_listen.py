"""Listen addresses: what may be written, what is bound, and what is said when it cannot be."""

import socket

import pytest

from prober.listen import DEFAULT_LISTEN, ListenError, bind, name, parse


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (DEFAULT_LISTEN, ("", 10143)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("[::1]:80", ("::1", 80)),
        ("[::]:80", ("::", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, expected: tuple[str, int]) -> None:
    """An empty host means every address; IPv6 goes in brackets."""
    assert parse(address) == expected


@pytest.mark.parametrize("address", ["", "10143", "host:", "host:http", ":65536", ":-1", ":1_0", "::1:80", ":²"])
def test_what_is_no_address_is_said_in_one_line(address: str) -> None:
    """The line names the address as it was written."""
    with pytest.raises(ListenError) as caught:
        parse(address)
    assert repr(address) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_address_gets_a_listening_socket() -> None:
    """Two addresses, two sockets that accept."""
    sockets = bind(["127.0.0.1:0", "127.0.0.1:0"])
    for bound in sockets:
        with bound, socket.create_connection(bound.getsockname()):
            assert name(bound) == f"127.0.0.1:{bound.getsockname()[1]}"
    assert len(sockets) == 2


def test_without_a_host_both_ip_versions_are_served() -> None:
    """`:0` answers on 127.0.0.1, and where the machine has IPv6 its name says so."""
    (bound,) = bind([":0"])
    with bound, socket.create_connection(("127.0.0.1", bound.getsockname()[1])):
        assert name(bound).rpartition(":")[0] in ("[::]", "0.0.0.0")


def test_a_taken_port_is_one_clear_line_and_no_socket_stays_open() -> None:
    """The first of two addresses is given back when the second is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        port, free_port = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{port}: another process listens there"):
            bind([f"127.0.0.1:{free_port}", f"127.0.0.1:{port}"])
        socket.create_server(("127.0.0.1", free_port)).close()


def test_a_foreign_address_is_one_clear_line() -> None:
    """192.0.2.1 is nobody's (RFC 5737)."""
    with pytest.raises(ListenError, match="this machine has no such address"):
        bind(["192.0.2.1:0"])


def test_a_name_that_does_not_resolve_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the resolver says, it is `no such host` for the reader."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ListenError, match="no such host"):
        bind(["nowhere.test:80"])
