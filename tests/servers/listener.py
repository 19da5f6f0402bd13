"""A thread per listener and per connection, all of them gone when the listener is."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.servers.ports import HOST


class Listener:
    """Accepts TCP connections on `port` while entered, and gives each to `serve` in a thread of its own.

    At the end every connection still open is shut down, which ends whatever `serve` waits for on it.
    """

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.port = 0
        self._serve = serve
        self._socket: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server((HOST, self.port))
        self.port = self._socket.getsockname()[1]
        self._run(self._accept, self._socket)
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is None:
            return
        shut(self._socket)
        self._threads[0].join()  # the one that accepts: from here on there are no new connections
        for connection in list(self._connections):
            shut(connection)
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # shut down: that is how it ends
                return
            self._connections.add(connection)
            self._run(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the other side, or the end of the listener, may break it off
            self._serve(connection)
        self._connections.discard(connection)

    def _run(self, target: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        self._threads.append(thread)
        thread.start()


def shut(connection: socket.socket) -> None:
    """End both directions, waking whoever waits on it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
