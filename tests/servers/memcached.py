"""A real memcached."""

from pathlib import Path
from typing import Self

from tests.servers.account import make
from tests.servers.packages import program
from tests.servers.ports import HOST, accepts, free_port
from tests.servers.process import Daemon, retried


class Memcached:
    """One server on `port`."""

    def __init__(self, room: Path) -> None:
        self.port = 0
        self._room = make(room)
        self._daemon: Daemon | None = None

    def __enter__(self) -> Self:
        retried(self._start_anew)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        if self._daemon is not None:
            self._daemon.stop()

    def _start_anew(self) -> None:
        self.port = free_port()
        command = [program("memcached"), "-l", HOST, "-p", str(self.port), "-U", "0", "-m", "16"]
        self._daemon = Daemon(command, self._room / "memcached.log")
        self._daemon.until(lambda: accepts(self.port), "listening")
