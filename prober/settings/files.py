"""The files and variables that a configuration names: found, readable, and holding what is asked of them.

Rule of this file: what they hold appears in no message. Each file is looked at once, however many targets name it.
"""

import stat
from collections.abc import Callable
from pathlib import Path

from prober.secret import Secret, SecretSource, SecretUnreadableError
from prober.settings import pem
from prober.settings.document import Section
from prober.settings.mistakes import Mistakes, shown
from prober.settings.source import Location

LARGEST = 4 << 20
LARGEST_SECRET = 64 << 10


class Files:
    """Everything that is named; with `check=False` nothing is looked at."""

    def __init__(self, mistakes: Mistakes, *, check: bool) -> None:
        self._mistakes = mistakes
        self._check = check
        self._troubles: dict[tuple[str, str], str] = {}
        self._read: dict[str, None] = {}

    @property
    def read(self) -> tuple[str, ...]:
        """The files of which what they hold is a part of the configuration."""
        return tuple(self._read)

    def named(self, at: Location, name: str | None) -> str | None:
        """Return the file named at `at`, relative to the file that names it, as an absolute path."""
        return None if name is None else str((self._mistakes.places.folder(at) / name).absolute())

    def secret(self, at: Location, section: Section, key: str) -> SecretSource | None:
        """Return where the secret `key` of the section at `at` lies: at `key_file` or `key_env`, never at both."""
        file, variable = getattr(section, f"{key}_file"), getattr(section, f"{key}_env")
        if file is not None and variable is not None:
            self._mistakes.add((*at, f"{key}_env"), f"give {key}_file or {key}_env, not both")
            return None
        if file is not None:
            return SecretSource(file=self.secret_file((*at, f"{key}_file"), file))
        if variable is not None:
            self._variable((*at, f"{key}_env"), variable)
            return SecretSource(environment=variable)
        return None

    def secret_file(self, at: Location, name: str | None) -> str | None:
        """Return the file named at `at`, which must hold a text of moderate length.

        Its name is in no message: where a file is asked for, people have been seen to put the password.
        """
        return self._looked_at(at, name, _secret)

    def authorities(self, at: Location, name: str | None) -> str | None:
        """Return the file named at `at`, which must hold certificates."""
        return self._part(self._looked_at(at, name, pem.authorities))

    def application(self, at: Location, name: str | None) -> str | None:
        """Return the file named at `at`, which must hold a certificate and its RSA key."""
        return self._looked_at(at, name, pem.application)

    def pair(
        self, at: Location, certificate: str | None, key_at: Location, key: str | None
    ) -> tuple[str | None, str | None]:
        """Return the files of a client certificate and of its key, `None` for a key in the same file."""
        key_file = self._part(self._looked_at(key_at, key, pem.key))
        if certificate is None and key is not None:
            self._mistakes.add(key_at, "needs certificate_file beside it")
        both = self._looked_at(at, certificate, lambda file: pem.pair(file, key_file or file), key_file or "")
        return self._part(both), key_file

    def content(self, at: Location, name: str) -> str | None:
        """Return the text in the file named at `at`, without white space around it; `None` where there is none."""
        file = self._part(self.named(at, name))
        if file is None or not self._check or self._trouble(at, name, file, _secret):
            return None
        secret = self.reveal(SecretSource(file=file))
        return None if secret is None else secret.reveal().strip()

    def reveal(self, source: SecretSource | None) -> Secret | None:
        """Return the secret itself, for what keeps it; `None` where it is not to be had."""
        if source is None or not self._check:
            return None
        self._part(source.file)
        try:
            return source.read()
        except SecretUnreadableError:
            return None  # taken down when the source was looked at

    def _part(self, file: str | None) -> str | None:
        """Note that what `file` holds is a part of the configuration."""
        if file is not None:
            self._read[file] = None
        return file

    def _variable(self, at: Location, name: str) -> None:
        if not self._check:
            return
        try:
            trouble = "" if SecretSource(environment=name).read() else "names an environment variable that is empty"
        except SecretUnreadableError:
            trouble = "names an environment variable that is not set"
        if trouble:
            self._mistakes.add(at, trouble)

    def _looked_at(self, at: Location, name: str | None, look: Callable[[str], str], beside: str = "") -> str | None:
        """Return the file named at `at` after taking down what `look`, or the attempt to read it, finds wrong."""
        file = self.named(at, name)
        if file is not None and self._check:
            self._trouble(at, str(name), file, look, beside)
        return file

    def _trouble(self, at: Location, name: str, file: str, look: Callable[[str], str], beside: str = "") -> str:
        key = (file, f"{look.__qualname__} {beside}")
        if key not in self._troubles:
            self._troubles[key] = _unreadable(Path(file)) or look(file)
        if self._troubles[key]:
            subject = "names a file that" if look is _secret else shown(name)
            self._mistakes.add(at, f"{subject} {self._troubles[key]}")
        return self._troubles[key]


def _unreadable(path: Path) -> str:
    """Say why a file cannot be read; devices and pipes are not even opened, since they may never end."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return "is not a regular file"
        if status.st_size > LARGEST:
            return f"is larger than {LARGEST >> 20} MiB"
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as exc:
        return f"cannot be read: {exc.strerror or type(exc).__name__}"
    return ""


def _secret(file: str) -> str:
    if Path(file).stat().st_size > LARGEST_SECRET:
        return f"is larger than {LARGEST_SECRET >> 10} KiB"
    try:
        return "" if SecretSource(file=file).read().reveal().strip() else "is empty"
    except SecretUnreadableError:
        return "is not UTF-8 text"
