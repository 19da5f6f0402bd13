"""One request as a service sees it, and the reply it gives back. Field names are kept in lower case."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

from prober.simulator.wire import Connection

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is unquoted, `query` holds the first value of each name as written, `target` is raw.

    `client` is the emulated client as the front door made it out, empty when it could not tell.
    """

    method: str
    target: str
    headers: Fields
    body: bytes
    connection: Connection
    client: str = ""
    path: str = ""
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def header(self, name: str, default: str = "") -> str:
        """Return the first value of a field, by any spelling of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), default)

    def has(self, name: str) -> bool:
        """Whether the field was sent, be it empty."""
        return any(key == name.lower() for key, _ in self.headers)

    @property
    def form(self) -> dict[str, str]:
        """The body read as `application/x-www-form-urlencoded`."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies sent."""
        pairs = (pair.strip().partition("=") for value in self._all("cookie") for pair in value.split(";"))
        return {name: value for name, _, value in pairs if name}

    def _all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Return the unquoted path and the query of a request target; the first of equal names wins."""
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return unquote(path), dict(reversed(pairs))


class CutOff(Exception):  # noqa: N818 - a signal, no mistake
    """Raised by the iterator of a body: the connection is closed here, in order, and the reply never ends."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. A `body` that is an iterator goes out in chunks, each as soon as it is there.

    Without `bare` the front door adds date, request ids and the diagnostic headers of its site.
    """

    status: int = 200
    headers: Fields = ()
    body: bytes | AsyncIterator[bytes] = b""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A reply that breaks off: `after` nothing, half its `headers`, half its `body`, or a number of bytes.

    What comes `then`: `silence` on a connection that stays open, a `reset`, or an orderly `close`.
    """

    reply: Reply
    after: int | str = "nothing"
    then: str = "silence"


def json_reply(value: Any, status: int = 200, headers: Fields = ()) -> Reply:
    """Return `value` as JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, (("Content-Type", "application/json; charset=utf-8"), *headers), body)


def html_reply(text: str, status: int = 200, headers: Fields = ()) -> Reply:
    """Return a page."""
    return Reply(status, (("Content-Type", "text/html; charset=utf-8"), *headers), text.encode())


def xml_reply(body: bytes, status: int = 200, headers: Fields = ()) -> Reply:
    """Return an XML document."""
    return Reply(status, (("Content-Type", "text/xml; charset=utf-8"), *headers), body)
