"""The IMAP service on a free port, over TLS in a thread of its own, with every seam in the test's hands."""

import asyncio
import base64
import imaplib
import itertools
import os
import socket
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.faults.weather import Weather
from prober.simulator.imap.entrance import ImapEntrance, Limits
from prober.simulator.imap.line import Line
from prober.simulator.imap.protocol import ImapProtocol
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Premises
from prober.simulator.tenant import Tenant
from prober.simulator.tokens import EXCHANGE, Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host
from tests.servers.pki import Authority
from tests.simulator.doorway import ALICE, APP, tenant_of_one

T = TypeVar("T")


class Forecast(Weather):
    """Weather as the test foretells it: faults by step, each for one occasion; every occasion is remembered."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(tenant)
        self.occasions: deque[Occasion] = deque()
        self.coming: dict[str, Fault] = {}

    def strike(self, occasion: Occasion, level: Level) -> Fault | None:
        self.occasions.append(occasion)
        step = next(iter(occasion.steps), "")
        fault = self.coming.get(step)
        if fault is None or fault.kind not in occasion.kinds or level is not Level.REQUEST:
            return None
        return self.coming.pop(step)


@dataclass(slots=True)
class Office:
    """A running service. `on_loop` runs something where the tenant lives: nothing of it may be touched elsewhere."""

    tenant: Tenant
    premises: Premises
    weather: Forecast
    loop: asyncio.AbstractEventLoop
    ca_file: Path
    port: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    open: set[Line] = field(default_factory=set)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mailbox(self) -> Mailbox:
        """Alice's."""
        return self.tenant.mailboxes[ALICE]

    @property
    def context(self) -> ssl.SSLContext:
        """TLS that trusts this server and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def on_loop(self, work: Callable[[], T]) -> T:
        """Run `work` on the tenant's loop and return what it returns."""

        async def doing() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result(10)

    def token(self, audience: str = EXCHANGE, user: str = "") -> str:
        """Return a token of the one application there is."""
        return self.premises.doorkeeper.issue(APP, audience, user)

    def response(self, user: str = ALICE, token: str | None = None) -> bytes:
        """Return the initial response of XOAUTH2, in base64."""
        said = f"user={user}\x01auth=Bearer {self.token() if token is None else token}\x01\x01"
        return base64.b64encode(said.encode())

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Let the loop turn until `done`; fail when that takes ten seconds."""
        give_up = time.monotonic() + 10
        while not self.on_loop(done):
            assert time.monotonic() < give_up

    def let_tokens_expire(self) -> None:
        """Let the token of every session that is on run out presently."""
        self.on_loop(self._shorten)

    def _shorten(self) -> None:
        for line in self.open:
            line._session.expires = self.tenant.clocks.wall() + 0.02
            line._arm()

    def foretell(self, step: str, kind: str, **arguments: object) -> None:
        """Let a fault of `kind` strike the next command of `step`."""
        self.weather.coming[step] = Fault(kind, arguments=arguments)

    def library(self) -> imaplib.IMAP4_SSL:
        """Connect with the standard library's client."""
        return imaplib.IMAP4_SSL("localhost", self.port, ssl_context=self.context)

    def dial(self) -> "Wire":
        """Connect, and read the greeting no further than TLS."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return Wire(self.context.wrap_socket(plain, server_hostname="localhost"))

    def signed_in(self) -> "Wire":
        """Connect and authenticate."""
        wire = self.dial()
        wire.line()
        assert wire.say(b"a1 AUTHENTICATE XOAUTH2 " + self.response())[-1] == b"a1 OK AUTHENTICATE completed."
        return wire


class Wire:
    """A TLS socket read line by line."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self.tls = tls
        self.file = tls.makefile("rb")

    def send(self, data: bytes) -> None:
        self.tls.sendall(data)

    def line(self) -> bytes:
        """Return the next line, empty at the end."""
        return self.file.readline().removesuffix(b"\r\n")

    def until(self, start: bytes) -> list[bytes]:
        """Return the lines up to the one that starts like this."""
        lines = [self.line()]
        while not lines[-1].startswith(start):
            assert lines[-1] or len(lines) < 2 or lines[-2], lines
            lines.append(self.line())
        return lines

    def say(self, command: bytes) -> list[bytes]:
        """Send a command and return the lines up to its tagged one."""
        self.send(command + b"\r\n")
        return self.until(command.split(b" ")[0] + b" ")

    def rest(self) -> list[bytes]:
        """Return what comes until the end."""
        return self.file.read().splitlines()

    def ending(self) -> type[BaseException] | None:
        """Return what the system reports at the end, beneath TLS, which takes one end for another."""
        with socket.socket(fileno=os.dup(self.tls.fileno())) as beneath:
            beneath.settimeout(5)
            try:
                while beneath.recv(1000):
                    pass
            except OSError as exc:
                return type(exc)
        return None

    def close(self) -> None:
        self.file.close()
        self.tls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


Admit = Callable[[str], AbstractContextManager[None]]


@contextmanager
def office(
    folder: Path, environment: str = "exchange_online", limits: Limits | None = None, admit: Admit | None = None
) -> Iterator[Office]:
    """Run the service until the block ends."""
    authority = Authority(folder, "Office CA")
    pair = authority.issue("office")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate_file, pair.key_file)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    tenant = tenant_of_one(environment)
    made = Office(tenant, Premises(tenant, Doorkeeper(tenant), ()), Forecast(tenant), loop, authority.ca_file)
    entrance = _entrance(made, limits or Limits(), admit or (lambda who: nullcontext()))
    numbers = itertools.count(1)
    host = Host("imap.contoso.example", "127.0.0.1", 0, "imaps", site="ams1", region="eu")

    async def opened() -> asyncio.Server:
        return await loop.create_server(
            lambda: ImapProtocol(host, entrance, next(numbers)), "127.0.0.1", 0, ssl=context
        )

    server = asyncio.run_coroutine_threadsafe(opened(), loop).result(10)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_closed(made, server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _entrance(made: Office, limits: Limits, admit: Admit) -> ImapEntrance:
    attempts = itertools.count(1)

    def held(connection: Connection) -> None:
        made.calls.update(["held"])

    def closed(connection: Connection) -> None:
        made.calls.update(["closed"])
        made.left.set()

    def accepted(host: Host) -> Attempt:
        made.calls.update(["accepted"])
        return Attempt(host.name, next(attempts))

    return ImapEntrance(made.premises, made.weather, admit, accepted, held, closed, limits, made.open)


async def _closed(made: Office, server: asyncio.Server) -> None:
    server.close()
    for connection in list(made.open):
        connection.close()
    await server.wait_closed()
    while made.open:
        made.left.clear()
        await made.left.wait()
