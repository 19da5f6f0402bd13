"""uvicorn on the prober's own loop and sockets, with bounds that it has not of itself."""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from prober.serving.guard import CLIENT_NAMES, OVERSIZED
from prober.serving.keeper import Keeper
from prober.serving.tls import Renewed, names

HEAD = 16_384
"""Bytes of a request's line and header fields together."""
PATIENCE = 10.0
"""Seconds in which a connection must have brought the head of a request; kept ones are closed sooner."""
CONNECTIONS = 512


class BoundedProtocol(HttpToolsProtocol):
    """One connection: heads of requests are bounded in size and time; client certificates are told of."""

    _head = 0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn says more of transports than asyncio
        self._late = self.loop.call_later(PATIENCE, self._give_up)
        shown = transport.get_extra_info("ssl_object")
        self._client_names = names(shown.getpeercert()) if isinstance(shown, ssl.SSLObject) else ()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._settle()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, as long as a head is no longer than it may be."""
        if self._head >= 0:
            self._head += len(data)
        super().data_received(data)
        if self._head > HEAD and not self.transport.is_closing():
            self.send_400_response("The head of a request may have 16384 bytes.")

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        if self._late is None:
            self._late = self.loop.call_later(PATIENCE, self._give_up)

    def on_headers_complete(self) -> None:
        """Pass on a request whose head has come."""
        self._settle()
        self._head = -1
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        extensions: dict[str, Any] = {CLIENT_NAMES: self._client_names, OVERSIZED: size > HEAD}
        self.scope["extensions"] = extensions
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Be ready for the next."""
        self._head = 0
        super().on_message_complete()

    def _settle(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        self.transport.close()


class WebServer(uvicorn.Server):
    """Serves `pages`, leaving signals and logging to the prober; over TLS where `keeper` has a certificate."""

    def __init__(self, pages: ASGIApp, keeper: Keeper | None = None) -> None:
        config = uvicorn.Config(
            pages,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            limit_concurrency=CONNECTIONS,
            forwarded_allow_ips=["127.0.0.1", "::1"],
        )
        config.load()
        if keeper is not None and keeper.secure:
            config.ssl = Renewed.by(keeper.context)
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: draining comes first, the pages go last."""
        yield
