"""What the control interface is told, read from JSON or YAML: mail to deliver, entries to schedule, numbers to set.

Rule of this file: what is accepted here can be carried by every protocol of the tenant; the rest is a mistake, told
with its place.
"""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from prober.simulator.document import Document, DocumentError, meant, read
from prober.simulator.mailbox import DISPLAY_NAMES, FolderKind

NAME = "body"
"""What the body is called in lines about mistakes."""
MAIL = tuple(kind for kind in FolderKind if kind.value not in ("calendar", "contacts", "tasks", "notes"))
YEARS = (1970, 2200)
YEAR = 366 * 24 * 3600

M = TypeVar("M", bound=BaseModel)


def _carried(value: str, controls: str = "") -> str:
    """Return `value` unless it holds what XML 1.0 has no characters for, or line ends other than in `controls`."""
    wrong = {one for one in value if unicodedata.category(one) in ("Cc", "Cn", "Cs", "Zl", "Zp")} - set(controls)
    if wrong:
        raise ValueError(f"has characters that mail cannot carry here: {', '.join(map(ascii, sorted(wrong)))}")
    return value


def _text(value: str) -> str:
    return _carried(value, "\t\r\n")


def _mail_folder(value: str) -> str:
    names = {name: kind.value for kind in MAIL for name in (kind.value, DISPLAY_NAMES[kind].lower())}
    found = names.get(value.lower())
    if found is None:
        raise ValueError(f"is no folder for mail{meant(value, names)}")
    return found


def _sensible(value: datetime) -> datetime:
    if not YEARS[0] < value.year < YEARS[1]:
        raise ValueError(f"must lie between {YEARS[0]} and {YEARS[1]}")
    return value


Line = Annotated[str, Field(max_length=500), AfterValidator(_carried)]
Text = Annotated[str, Field(max_length=1_000_000), AfterValidator(_text)]
Moment = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_sensible)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Delivery(_Order):
    """A message to put into `folder`, received `age_min` minutes ago."""

    mailbox: str
    subject: Line = "A message"
    body: Text = ""
    folder: Annotated[str, AfterValidator(_mail_folder)] = FolderKind.INBOX.value
    age_min: Annotated[float, Field(ge=0, le=1_000_000, strict=False, allow_inf_nan=False)] = 0.0

    @property
    def kind(self) -> FolderKind:
        """The folder meant."""
        return FolderKind(self.folder)

    @property
    def age(self) -> timedelta:
        """How long ago it arrived."""
        return timedelta(minutes=self.age_min)


class Entry(_Order):
    """An entry to put into the calendar, from `start` to `end` (ISO 8601 with an offset)."""

    mailbox: str
    subject: Line
    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _forwards(self) -> "Entry":
        if self.end <= self.start:
            raise ValueError("the end must come after the start")
        return self


class Begin(_Order):
    """How an incident begins: `scale` is how many times faster it unfolds."""

    scale: Annotated[float, Field(gt=0, le=1_000_000, strict=False, allow_inf_nan=False)] = 1.0


class End(_Order):
    """How an incident ends: with `now` without dying down."""

    now: bool = False


class Lifetime(_Order):
    """How long tokens live that are issued from now on."""

    seconds: Annotated[int, Field(ge=1, le=YEAR)]


def body_of(data: bytes) -> Document:
    """Return the document in a body, JSON or else YAML. Raises `DocumentError`.

    JSON is read as such where it is JSON: YAML has other escapes. YAML tells the places.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DocumentError([f"{NAME}:1:1: not UTF-8"]) from None
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return read(text, NAME)
    try:
        return replace(read(text, NAME), data=value)
    except DocumentError:
        return Document(NAME, value, {})


def plain(document: Document) -> Document:
    """Return the document unless it holds what JSON cannot say: dates, infinities. Raises `DocumentError`."""
    try:
        json.dumps(document.data, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise DocumentError([document.problem((), f"holds what JSON cannot say: {exc}")]) from None
    return document


def order(model: type[M], document: Document) -> M:
    """Return what a document orders; an empty one is an empty mapping. Raises `DocumentError`."""
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise DocumentError([document.problem((), "expected a mapping")])
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        raise DocumentError(document.problems(exc, ())) from None


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DocumentError([f"{NAME}:1:1: {key}: stands here twice"])
        found[key] = value
    return found


def _no_number(name: str) -> Any:
    raise DocumentError([f"{NAME}:1:1: {name} is no number in JSON"])
