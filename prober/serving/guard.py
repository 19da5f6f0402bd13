"""What stands before every page: who asks, how much, from where; and what every answer carries.

Rules of this file: a refusal is one line of text, and tells nothing that the one refused did not know.
"""

import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prober.faults.classify import classify
from prober.observe.web import security
from prober.serving.toolkit import WebSettings
from prober.serving.users import CrowdedError

LOG = logging.getLogger(__name__)
BODY = 65_536
"""Bytes a request may bring: the longest form here has a few hundred."""
PRIVATE = ("/config", "/probe", "/api/v1/failures")
"""Paths that answer loopback peers only, unless a web configuration says who may come in."""
CLIENT_NAMES, OVERSIZED = "prober.client_names", "prober.oversized"
"""What the server tells of a request in the extensions of its scope: names in the client's certificate, a long head."""
SAFE = frozenset({"GET", "HEAD"})
Field = tuple[bytes, bytes]


class Refusal(Exception):  # noqa: N818 - a decision, not an error
    """What is answered in place of the page: status, one line, and fields of its own."""

    def __init__(self, status: int, line: str, fields: Sequence[Field] = ()) -> None:
        super().__init__(line)
        self.status = status
        self.line = line
        self.fields = tuple(fields)


class Guard:
    """Stands before `app`. `current` returns the web configuration of the moment, `None` where there is no file."""

    def __init__(self, app: ASGIApp, current: Callable[[], WebSettings | None] = lambda: None) -> None:
        self._app = app
        self._current = current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        settings = self._current()
        answer = _Answer(send, _fields(settings))
        try:
            await self._admit(scope, settings)
            await self._app(scope, _bounded(receive), answer)
        except Refusal as refusal:
            await answer.refuse(refusal)
        except Exception as exc:  # noqa: BLE001 - the one net under every page
            LOG.warning("a page crashed: %s", dict(classify(exc, None).evidence))
            await answer.refuse(Refusal(500, "the prober made a mistake; its log says which"))

    async def _admit(self, scope: Scope, settings: WebSettings | None) -> None:
        """Raise `Refusal` for what is too much, and for whom may not see this page."""
        if _told(scope, OVERSIZED):
            raise Refusal(431, "the head of a request may have 16384 bytes")
        if settings is not None:
            await _sign_in(scope, settings)
        elif any(scope["path"] == one or scope["path"].startswith(f"{one}/") for one in PRIVATE):
            _check_near(scope)
        if scope["method"] not in SAFE:
            _check_origin(scope)
        length = header(scope, b"content-length")
        if length.isdecimal() and int(length) > BODY:
            raise Refusal(413, f"a request may bring {BODY} bytes")


class _Answer:
    """Sends an answer with the fields that every one has; knows whether it has begun."""

    def __init__(self, send: Send, fields: Iterable[Field]) -> None:
        self._send = send
        self._fields = tuple(fields)
        self._begun = False

    async def __call__(self, message: Message) -> None:
        """Send one part."""
        if message["type"] == "http.response.start":
            self._begun = True
            own = {name.lower() for name, _ in self._fields}
            kept = [field for field in message["headers"] if field[0].lower() not in own]
            given = {name.lower() for name, _ in kept}
            always = [field for field in security(forms=False) if field[0] not in given | own]
            message = {**message, "headers": [*kept, *always, *self._fields]}
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, unless something has been answered."""
        if self._begun:
            return
        body = f"{refusal.line}\n".encode()
        fields = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            *refusal.fields,
        ]
        if refusal.status in (413, 431):
            fields.append((b"connection", b"close"))
        await self({"type": "http.response.start", "status": refusal.status, "headers": fields})
        await self({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str:
    """Return the first value of a header field, or the empty text."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _told(scope: Scope, name: str) -> Any:
    return (scope.get("extensions") or {}).get(name, ())


def _fields(settings: WebSettings | None) -> list[Field]:
    configured = {} if settings is None else settings.headers
    return [(name.lower().encode(), value.encode()) for name, value in configured.items()]


def _bounded(receive: Receive) -> Receive:
    """Take in a body of moderate size, also where its length was not said before."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY:
            raise Refusal(413, f"a request may bring {BODY} bytes")
        return message

    return receiving


async def _sign_in(scope: Scope, settings: WebSettings) -> None:
    allowed = settings.tls.client_names if settings.tls else ()
    if allowed and not set(allowed) & set(_told(scope, CLIENT_NAMES)):
        raise Refusal(403, "this client certificate is for nobody who may come in")
    if not settings.users:
        return
    try:
        admitted = await settings.users.admits(header(scope, b"authorization"))
    except CrowdedError:
        raise Refusal(503, "too many sign-ins at once", [(b"retry-after", b"1")]) from None
    if not admitted:
        raise Refusal(401, "user name and password, please", [(b"www-authenticate", b'Basic realm="prober"')])


def _check_near(scope: Scope) -> None:
    """Raise `Refusal` for a peer that is not on this machine, or was brought here under another machine's name.

    The latter is what a page in a browser on this machine can do, by a name server of its own (DNS rebinding).
    """
    if not is_loopback((scope.get("client") or ("",))[0]):
        raise Refusal(403, "answers this machine only, unless --web.config.file says who may come in")
    if not is_ours(host_of(header(scope, b"host"))):
        raise Refusal(403, "answers this machine only, and only by its own name or address")


def _check_origin(scope: Scope) -> None:
    """Raise `Refusal` where a page of another site has its visitor's browser do something here."""
    origin, host = header(scope, b"origin"), header(scope, b"host")
    if origin and (origin == "null" or _authority(origin) != host.lower()):
        raise Refusal(403, "a page of another site asked for this")


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def host_of(authority: str) -> str:
    """Return the host of a `Host` field, without port and brackets; empty where it is none."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's alone (also one of IPv4 in IPv6's clothes)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def is_ours(host: str) -> bool:
    """Whether `host` cannot be a name that somebody else had point here: an address, `localhost`, our own name."""
    own = socket.gethostname().lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".") in ("localhost", own, own.partition(".")[0])
    return True
