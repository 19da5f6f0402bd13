"""Keeps what enrolment brought: a refresh token in a file that nobody else can read, written whole or not at all."""

import os
import secrets
from pathlib import Path

from prober.secret import Secret

MODE = 0o600


def keep(file: Path, secret: Secret) -> None:
    """Write `secret` to `file`, in place of what was there. Raises `OSError`.

    Its mode is 0600, whatever it was; a crash leaves the old content or the new.
    """
    target = file.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")  # nobody can have put a link there
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        os.fchmod(descriptor, MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(secret.reveal())
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
