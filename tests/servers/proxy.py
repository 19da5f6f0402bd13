"""An HTTP proxy that knows CONNECT alone (RFC 9110 section 9.3.6): passes bytes on, or refuses as told."""

import base64
import http
import selectors
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tests.servers.listener import Listener
from tests.servers.ports import HOST

END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One CONNECT request: where to, and its header fields by lower-case name."""

    authority: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class ConnectProxy:
    """Listens on `port` while entered. `status` is what every request gets; 200 opens the tunnel.

    With `credentials` (`user:password`) a request without them gets 407. Every name leads to 127.0.0.1.
    """

    status: int = 200
    credentials: str | None = None
    asked: list[Asked] = field(default_factory=list)
    _listener: Listener | None = None

    def __enter__(self) -> Self:
        self._listener = Listener(self._serve).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.__exit__()

    @property
    def listener(self) -> Listener:
        """What accepts its connections."""
        if self._listener is None:
            raise RuntimeError("the proxy is not running")
        return self._listener

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.listener.port

    @property
    def url(self) -> str:
        """Its address as configured."""
        return f"http://{HOST}:{self.port}"

    def _serve(self, client: socket.socket) -> None:
        head, rest = _read_head(client)
        asked = _parse(head)
        if asked is None:
            client.sendall(_answer(http.HTTPStatus.METHOD_NOT_ALLOWED))
            return
        self.asked.append(asked)
        status = http.HTTPStatus(self._decide(asked))
        if status != http.HTTPStatus.OK:
            client.sendall(_answer(status))
            return
        self._tunnel(client, asked, rest)

    def _decide(self, asked: Asked) -> int:
        if self.credentials is None:
            return self.status
        expected = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        right = asked.headers.get("proxy-authorization") == expected
        return self.status if right else http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED

    def _tunnel(self, client: socket.socket, asked: Asked, rest: bytes) -> None:
        port = int(asked.authority.rpartition(":")[2])
        try:
            server = socket.create_connection((HOST, port), timeout=10)
        except OSError:
            client.sendall(_answer(http.HTTPStatus.BAD_GATEWAY))
            return
        with server:
            server.settimeout(None)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server.sendall(rest)
            _pass_on(client, server)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while END_OF_HEAD not in received:
        chunk = client.recv(4096)
        if not chunk:
            return received, b""
        received += chunk
    head, _, rest = received.partition(END_OF_HEAD)
    return head, rest


def _parse(head: bytes) -> Asked | None:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, target = first.partition(" ")
    if method != "CONNECT":
        return None
    pairs = (line.partition(":") for line in lines)
    return Asked(target.split(" ")[0], {name.strip().lower(): value.strip() for name, _, value in pairs})


def _answer(status: http.HTTPStatus) -> bytes:
    challenge = 'Proxy-Authenticate: Basic realm="proxy"\r\n' if status == 407 else ""
    return f"HTTP/1.1 {status} {status.phrase}\r\n{challenge}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Copy both ways until either side ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                if not isinstance(key.fileobj, socket.socket):
                    raise TypeError(key.fileobj)
                data = key.fileobj.recv(65536)
                if not data:
                    return
                key.data.sendall(data)
