"""A mail relay in the test's own process: takes mail by SMTP, hands it to Dovecot by LMTP, remembers it."""

import asyncio
import smtplib
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.ports import HOST, free_port
from tests.servers.process import ServerError, retried


class Relay:
    """Listens on `port` while entered; what it has relayed is in `seen` as sender and recipients."""

    def __init__(self, lmtp_port: int) -> None:
        self.port = 0
        self.seen: list[tuple[str, tuple[str, ...]]] = []
        self._lmtp_port = lmtp_port
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        retried(self._start_anew)
        return self

    def __exit__(self, *_: object) -> None:
        if self._controller is not None:
            self._controller.stop()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it by this name
        """Deliver one message."""
        await asyncio.to_thread(self._deliver, envelope)
        self.seen.append((envelope.mail_from or "", tuple(envelope.rcpt_tos)))
        return "250 2.0.0 delivered"

    def _start_anew(self) -> None:
        self.port = free_port()
        self._controller = Controller(self, hostname=HOST, port=self.port)
        try:
            self._controller.start()
        except OSError as exc:
            raise ServerError(f"relay: {exc}") from exc

    def _deliver(self, envelope: Envelope) -> None:
        with smtplib.LMTP(HOST, self._lmtp_port) as connection:
            connection.sendmail(envelope.mail_from or "", envelope.rcpt_tos, envelope.content or b"")
