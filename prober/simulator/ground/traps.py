"""What stands in a server's place when a connection is to fail: it listens where the server would, and is none.

Rule of this file: no trap waits for anything but its callers; whoever is caught waits by his own patience.
"""

import asyncio
import socket
import struct
from contextlib import suppress

FILLING = 4
"""Connections that fill a backlog of 0 on every kernel."""
BACKLOG = 1024
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""
PLAIN = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
"""What a server says on a port without TLS, when it is shown a ClientHello."""
HELLO = 16_384


class Trap:
    """One place where nothing comes of a connection, as its kind has it.

    `connect_blackhole`: SYNs are dropped. `tls_stall`: accepted by the system, and nobody reads. `tls_close`,
    `tls_reset`, `tls_plain`: the ClientHello is answered with an orderly end, a reset, or HTTP without TLS. Raises
    `OSError` where the place is taken. Made on a running loop, except the first two kinds.
    """

    def __init__(self, kind: str, address: str, port: int) -> None:
        self._kind = kind
        self._listener = _listener(address, port, 0 if kind == "connect_blackhole" else BACKLOG)
        self._fillers = [_filler(address, port) for _ in range(FILLING if kind == "connect_blackhole" else 0)]
        self._callers: set[socket.socket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        if kind not in ("connect_blackhole", "tls_stall"):
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._listener, self._accept, self._loop)

    def close(self) -> None:
        """Let go of everything and everybody."""
        for one in (self._listener, *self._fillers, *self._callers):
            if self._loop is not None:
                self._loop.remove_reader(one)
            one.close()
        self._fillers, self._callers = [], set()

    def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(OSError):
            caller, _ = self._listener.accept()
            caller.settimeout(0)
            self._callers.add(caller)
            loop.add_reader(caller, self._answer, loop, caller)

    def _answer(self, loop: asyncio.AbstractEventLoop, caller: socket.socket) -> None:
        """Read the hello before the end: with something left unread the system itself would reset."""
        loop.remove_reader(caller)
        self._callers.discard(caller)
        with suppress(OSError), caller:
            caller.recv(HELLO)
            if self._kind == "tls_plain":
                caller.send(PLAIN)
            if self._kind == "tls_reset":
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _listener(address: str, port: int, backlog: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(0)
        made.bind((address, port))
        made.listen(backlog)
    except OSError:
        made.close()
        raise
    return made


def _filler(address: str, port: int) -> socket.socket:
    """Return a connection that takes a place in the backlog: with none left, Linux drops every further SYN."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.settimeout(0)
    with suppress(BlockingIOError):
        made.connect((address, port))
    return made
