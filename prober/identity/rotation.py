"""The refresh token, which the token service replaces as it is used: the newest is kept, wherever it can be.

It is written back to its file; where that is read-only it is kept, as plain text, in the prober's state file beside a
hash of the seed, so that a new seed from the operator wins over what was rotated from an old one.
"""

import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.identity.tokens import mark
from prober.secret import CurrentSecret, Secret, SecretSource, SecretUnreadableError


class RotatingToken:
    """The refresh token of one credential."""

    def __init__(self, credential: str, file: str, memory: MutableMapping[str, str]) -> None:
        self._file = Path(file)
        self._memory = memory
        self._seed_key = f"{credential} seed"
        self._token_key = f"{credential} refresh_token"

    def current(self) -> Secret:
        """Return the newest token. Raises `FaultError` (`secret_unreadable`)."""
        seed = self._seed()
        if self._memory.get(self._seed_key) == mark(seed.reveal()) and self._token_key in self._memory:
            return Secret(self._memory[self._token_key])
        return seed

    def rotate(self, newest: Secret) -> None:
        """Keep `newest` in the file, or in memory where the file cannot be written."""
        seed = self._seed()
        if newest == self.current():
            return
        try:
            _replace(self._file, newest)
        except OSError:
            self._memory[self._seed_key] = mark(seed.reveal())
            self._memory[self._token_key] = newest.reveal()
            return
        self._memory.pop(self._seed_key, None)
        self._memory.pop(self._token_key, None)

    def _seed(self) -> Secret:
        return read(SecretSource(str(self._file)), "token_file")


def read(source: SecretSource | CurrentSecret, where: str) -> Secret:
    """Return the secret as it is now; one that cannot be read, or is empty, is a fault of ours."""
    try:
        secret = source.read()
    except SecretUnreadableError:
        raise FaultError(kinds.SECRET_UNREADABLE, {"where": where}) from None
    if not secret:
        raise FaultError(kinds.SECRET_UNREADABLE, {"where": where, "status": "empty"})
    return secret


def write_whole(file: Path, secret: Secret, mode: int) -> None:
    """Put `secret` into `file` with `mode`, in place of what was there. Raises `OSError`.

    Links are followed to what they lead to; a crash leaves the old content or the new. What is written first goes to a
    file of a name that nobody can have put a link under.
    """
    target = file.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(secret.reveal())
            written.flush()
            os.fsync(written.fileno())
        temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _replace(file: Path, newest: Secret) -> None:
    """Replace the file's content, keeping its mode. Raises `OSError`, also where the file itself is read-only."""
    if not os.access(file, os.W_OK):
        raise PermissionError
    write_whole(file, newest, file.stat().st_mode & 0o777)
