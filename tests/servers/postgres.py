"""A real PostgreSQL with one role and one database, both called `sogo`. It forgets nothing while stopped."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.servers.account import make
from tests.servers.packages import postgresql_program
from tests.servers.ports import HOST, free_port
from tests.servers.process import Daemon, ServerError, retried, run

NAME = "sogo"
HASTE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


class Postgres:
    """One server on `port`; `start()` after `stop()` comes back on the same port with the same data."""

    def __init__(self, room: Path) -> None:
        self.port = 0
        self._room = make(room)
        self._data = room / "data"
        self._daemon: Daemon | None = None

    def __enter__(self) -> Self:
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        run([postgresql_program("initdb"), "-D", str(self._data), *options])
        retried(self._start_anew)
        self.sql(f"CREATE ROLE {NAME} LOGIN PASSWORD '{NAME}'", role="postgres", database="postgres")
        self.sql(f"CREATE DATABASE {NAME} OWNER {NAME} TEMPLATE template0", role="postgres", database="postgres")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def daemon(self) -> Daemon:
        """The processes."""
        if self._daemon is None:
            raise RuntimeError("PostgreSQL is not running")
        return self._daemon

    @property
    def url(self) -> str:
        """Address of the database."""
        return f"postgresql://{NAME}:{NAME}@{HOST}:{self.port}/{NAME}"

    def start(self) -> None:
        """Start on the port it had before."""
        settings = ("listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", *HASTE)
        arguments = [word for setting in settings for word in ("-c", setting)]
        command = [postgresql_program("postgres"), "-D", str(self._data), *arguments]
        self._daemon = Daemon(command, self._room / "postgres.log", stop_signal=signal.SIGINT)
        self._daemon.until(self._ready, "answering")

    def stop(self) -> None:
        """Shut down fast, ending every connection."""
        if self._daemon is not None:
            self._daemon.stop()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Be stopped for the length of a block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def sql(self, statement: str, *, role: str = NAME, database: str = NAME) -> str:
        """Run one statement and return its bare output. Raises `ServerError`."""
        place = ["-h", HOST, "-p", str(self.port), "-U", role, "-d", database]
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return run([postgresql_program("psql"), *place, *options, "-c", statement])

    def _start_anew(self) -> None:
        self.port = free_port()
        self.start()

    def _ready(self) -> bool:
        try:
            return self.sql("SELECT 1", role="postgres", database="postgres").strip() == "1"
        except (ServerError, subprocess.TimeoutExpired):
            return False
