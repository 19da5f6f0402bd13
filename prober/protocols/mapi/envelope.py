"""What is around every body: header fields of a request, lines and fields of an answer (MS-OXCMAPIHTTP section 2.2).

Rule of this file: an HTTP status of 200 says nothing. `X-ResponseCode` among the header fields counts, and one behind
`DONE` counts more (section 2.2.2.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from prober.exchange import Auth, Call, Headers, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import diagnostics
from prober.protocols.http import status as http
from prober.protocols.mapi import status

CONTENT_TYPE = "application/mapi-http"
CODE = "x-responsecode"
PROCESSING, PENDING, DONE = b"PROCESSING", b"PENDING", b"DONE"
TAGS = frozenset({PROCESSING, PENDING, DONE})
SECONDS_OF_PENDING = 30.0
"""Seconds between signs of life where a server does not say (section 2.2.3.3.5)."""
LONGEST_LINE: Final = 1024
MOST_FIELDS: Final = 64
LONGEST_BODY: Final = 1 << 20
NO_AUXILIARY = bytes(4)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, and which of its requests this is.

    `instance` is a GUID in braces, constant for the life of a client's session; `number` counts up with every request
    (section 2.2.3.3.2). `application` is the client's version, such as `Outlook/16.0.17928.20114` (2.2.3.3.3).
    """

    url: str = field(repr=False)
    instance: str
    number: int
    application: str

    @property
    def id(self) -> str:
        """The value of `X-RequestId`."""
        return f"{self.instance}:{self.number}"

    def call(self, kind: str, body: bytes = b"", *, hold: float = 0.0) -> Call:
        """Return the POST of a request of type `kind`."""
        headers = (
            ("Content-Type", CONTENT_TYPE),
            ("X-RequestType", kind),
            ("X-RequestId", self.id),
            ("X-ClientInfo", self.instance),
            ("X-ClientApplication", self.application),
        )
        return Call("POST", self.url, headers, body, Auth.CREDENTIAL, hold)


def check_head(request: Request, kind: str, http_status: int, headers: Headers) -> None:
    """Return when an answer's head is that of a success. Raises `FaultError`."""
    evidence = {"request": kind, **diagnostics.evidence(headers)}
    code = headers.get(CODE).strip()
    if http_status == 200 and code not in ("", "0"):
        raise status.refusal(code, evidence)
    if http_status != 200:
        raise http.fault(Reply(http_status, headers))
    if not code:
        raise FaultError(status.CODE_MISSING, evidence)
    for name, wanted in (("x-requesttype", kind), ("x-requestid", request.id)):
        if name in headers and headers.get(name).strip().lower() != wanted.lower():
            raise FaultError(status.WRONG_ANSWER, {"header": name, **evidence})


def open_reply(request: Request, kind: str, reply: Reply) -> bytes:
    """Return the bytes that an answer carries. Raises `FaultError`."""
    if reply.status == 200 and CODE not in reply.headers:
        http.refuse_html(reply)
    check_head(request, kind, reply.status, reply.headers)
    reader = AnswerReader()
    reader.feed(reply.body)
    return reader.finish(kind, reply.headers)


def pending_period(headers: Headers) -> float:
    """Return the seconds between signs of life that an answer promises (`X-PendingPeriod`, in milliseconds)."""
    value = headers.get("x-pendingperiod").strip()
    known = value.isascii() and value.isdigit() and 0 < len(value) < 9 and int(value) > 0
    return int(value) / 1000 if known else SECONDS_OF_PENDING


class AnswerReader:
    """Reads an answer's body as it arrives: words for stages, fields, a blank line, bytes (sections 2.2.2.2 and 2.2.7).

    `signs` counts the words so far, so that a server which still works can be told from one that is gone.
    """

    __slots__ = ("_done", "_fields", "_line", "_open", "content", "signs")

    def __init__(self) -> None:
        self.signs = 0
        self.content = b""
        self._line = b""
        self._done = False
        self._open = True
        self._fields: dict[str, str] = {}

    @property
    def fields(self) -> Mapping[str, str]:
        """Fields behind `DONE`, by lower-case name."""
        return MappingProxyType(self._fields)

    @property
    def complete(self) -> bool:
        """Whether the bytes have begun: all words and fields have been read."""
        return not self._open

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body. Raises `FaultError`."""
        while self._open and data:
            line, end, rest = data.partition(b"\n")
            self._line += line
            if len(self._line) > LONGEST_LINE:
                raise FaultError(status.MALFORMED, {"body": "lines", "part": "length"})
            if not end:
                return
            data, whole, self._line = rest, self._line.removesuffix(b"\r"), b""
            self._take_line(whole)
        self.content += data
        if len(self.content) > LONGEST_BODY:
            raise FaultError(status.MALFORMED, {"body": "content", "part": "length"})

    def _take_line(self, line: bytes) -> None:
        if not self._done:
            self._take_tag(line)
        elif line:
            self._take_field(line)
        else:
            self._open = False

    def _take_tag(self, line: bytes) -> None:
        if line not in TAGS:
            raise FaultError(status.MALFORMED, {"body": "lines", "part": "word"})
        self.signs += 1
        self._done = line == DONE

    def _take_field(self, line: bytes) -> None:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(self._fields) >= MOST_FIELDS:
            raise FaultError(status.MALFORMED, {"body": "lines", "part": "field"})
        self._fields[name.strip().lower()] = value.strip()

    def finish(self, kind: str, headers: Headers) -> bytes:
        """Return the bytes once all has been read. Raises `FaultError`, also for a code that overrides the head's."""
        evidence = {"request": kind, **diagnostics.evidence(headers)}
        code = self._fields.get(CODE, "0")
        if code != "0":
            raise status.refusal(code, evidence)
        if self._open:
            raise FaultError(status.MALFORMED, {"body": "lines", "part": "end", **evidence})
        return self.content
