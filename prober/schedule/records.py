"""What is remembered of every assignment between attempts and over restarts.

Rule of this file: a record that cannot be read is a record that was never made; it stops nothing.
"""

import json
import os
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from prober.identity.spec import CredentialSpec
from prober.secret import SecretSource, SecretUnreadableError


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an assignment was configured with at some time: a hash of its configuration, a mark of its secret."""

    configuration: str = ""
    secret: str = ""

    def differs(self, now: "Stamp") -> bool:
        """Whether something has changed between this and `now`, of what this one names."""
        pairs = ((self.configuration, now.configuration), (self.secret, now.secret))
        return any(before and before != after for before, after in pairs)


@dataclass(frozen=True, slots=True)
class Rest:
    """A pause that one assignment was told to make: until a time (epoch seconds), until `stamp` changes, or both.

    `until` is `None` where only a change ends it; an empty `stamp` field is not compared.
    """

    code: str
    until: float | None = None
    stamp: Stamp = field(default_factory=Stamp)


@dataclass(frozen=True, slots=True)
class Record:
    """`succeeded_at` is the epoch time of the last success, `stamp` what was configured then."""

    succeeded_at: float | None = None
    stamp: Stamp = field(default_factory=Stamp)
    rest: Rest | None = None


class Records:
    """Records by `Assignment.key`, kept as JSON texts in one section of the store."""

    def __init__(self, section: MutableMapping[str, str]) -> None:
        self._section = section
        self._known: dict[str, _Known] = {}

    def get(self, key: str) -> Record:
        """Return the record of `key`, an empty one when there is none."""
        known = self._find(key)
        return Record(known.at, known.stamp, known.rest)

    def rest(self, key: str) -> Rest | None:
        """Return the rest in the record of `key`, whether or not it is over."""
        known = self._known.get(key)
        if known is None or known.text != self._section.get(key, ""):
            known = self._find(key)
        return known.rest

    def put(self, key: str, record: Record) -> None:
        """Remember `record`; what did not change is not written."""
        if record != self.get(key):
            self._put(key, _written(record), record)

    def succeeded(self, key: str, at: float, configuration: str, secret: str) -> None:
        """Remember a success at `at` (epoch seconds) with this configuration and secret; it ends a rest.

        This happens all the time, and mostly nothing but the time is new: the rest of the text is there already.
        """
        known = self._find(key)
        stamp = known.stamp
        if known.tail and stamp.secret == secret and stamp.configuration == configuration:
            known.at = at
            known.text = self._section[key] = f"{BEGINNING}{at!r}{known.tail}"
        else:
            record = Record(at, Stamp(configuration, secret))
            self._put(key, _written(record), record)

    def _find(self, key: str) -> "_Known":
        text = self._section.get(key, "")
        known = self._known.get(key)
        if known is None or known.text != text:
            known = self._known[key] = _Known(text, _read(text))
        return known

    def _put(self, key: str, text: str, record: Record) -> None:
        self._known[key] = _Known(text, record)
        self._section[key] = text


class _Known:
    """A record as `text` says it. `tail` is the rest of the text where a success has but a new time to write."""

    __slots__ = ("at", "rest", "stamp", "tail", "text")

    def __init__(self, text: str, record: Record) -> None:
        self.text = text
        self.at, self.stamp, self.rest = record.succeeded_at, record.stamp, record.rest
        lasting = self.at is not None and self.rest is None and text.startswith(BEGINNING)
        self.tail = text[text.index(",") :] if lasting else ""


BEGINNING = '{"succeeded_at":'


def _written(record: Record) -> str:
    """Return what `_read` reads."""
    rest = record.rest
    known = {
        "succeeded_at": record.succeeded_at,
        "stamp": _stamp(record.stamp),
        "rest": rest and {"code": rest.code, "until": rest.until, "stamp": _stamp(rest.stamp)},
    }
    return _ENCODER.encode(known)


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _stamp(stamp: Stamp) -> dict[str, str]:
    return {"configuration": stamp.configuration, "secret": stamp.secret}


def _read(text: str) -> Record:
    try:
        found = json.loads(text)
        rest = found["rest"]
        return Record(
            _number(found["succeeded_at"]),
            Stamp(**found["stamp"]),
            rest and Rest(str(rest["code"]), _number(rest["until"]), Stamp(**rest["stamp"])),
        )
    except (ValueError, KeyError, TypeError):
        return Record()


def _number(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise TypeError("not a number")


SecretMark = Callable[[str | None], str]
"""A short text that changes when the secret of a credential (by name) does."""


class SecretMarks:
    """Marks of secrets: sixteen bits of a keyed hash, enough to notice a change and too little to find the secret by.

    Files are read again only when their inode, size or modification time changed. Not marked are what rotates by
    itself: refresh tokens and federated assertions.
    """

    def __init__(self, specs: Mapping[str, CredentialSpec], salt: str) -> None:
        self._specs = specs
        self._salt = salt.encode()[:64]
        self._files: dict[str, tuple[tuple[int, ...], str]] = {}

    def configure(self, specs: Mapping[str, CredentialSpec]) -> None:
        """Go by these credentials from now on."""
        self._specs = specs

    def __call__(self, credential: str | None) -> str:
        """Return the mark of `credential`; the empty text when it has no secret that could change."""
        spec = self._specs.get(credential or "")
        if spec is None:
            return ""
        secrets = [source for source in (spec.password, spec.client_secret) if source is not None]
        marks = [self._source(source) for source in secrets]
        if spec.certificate_file is not None:
            marks.append(self._file(spec.certificate_file))
        return ".".join(marks)

    def _source(self, source: SecretSource) -> str:
        if source.file is not None:
            return self._file(source.file)
        try:
            return self._hash(source.read().reveal().encode())
        except SecretUnreadableError:
            return "unreadable"

    def _file(self, name: str) -> str:
        try:
            status = os.stat(name)  # noqa: PTH116 - with every success; the path object costs as much again
            version = (status.st_ino, status.st_size, status.st_mtime_ns)
            if self._files.get(name, ((), ""))[0] != version:
                self._files[name] = version, self._hash(Path(name).read_bytes())
        except OSError:
            return "unreadable"
        return self._files[name][1]

    def _hash(self, content: bytes) -> str:
        return blake2b(content, digest_size=2, key=self._salt).hexdigest()
