"""The account the servers run as, and the directories they live in."""

import grp
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CANDIDATES = ("sogo", "nobody")  # sogod must be able to read /etc/sogo/sogo.conf, which belongs to group sogo


@dataclass(frozen=True, slots=True)
class Account:
    """Names and numbers of one user and its group."""

    user: str
    group: str
    uid: int
    gid: int


def unprivileged() -> Account:
    """Return whom servers run as: ourselves, unless we are root."""
    entry = pwd.getpwuid(os.getuid()) if os.getuid() else _first_known()
    return Account(entry.pw_name, grp.getgrgid(entry.pw_gid).gr_name, entry.pw_uid, entry.pw_gid)


def _first_known() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in CANDIDATES if name in known)


@contextmanager
def fresh_room(name: str) -> Iterator[Path]:
    """Give a new directory that `unprivileged()` owns, and remove it afterwards.

    pytest's `tmp_path` will not do: root's is closed to everybody else.
    """
    room = Path(tempfile.mkdtemp(prefix=f"prober-{name}-"))
    try:
        room.chmod(0o755)
        give(room)
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def make(directory: Path, *names: str) -> Path:
    """Make a directory, or several below it, owned by `unprivileged()`."""
    for path in [directory, *(directory / name for name in names)]:
        path.mkdir(exist_ok=True)
        give(path)
    return directory


def give(path: Path) -> Path:
    """Hand a file or directory to `unprivileged()`."""
    if os.getuid() == 0:
        account = unprivileged()
        os.chown(path, account.uid, account.gid)
    return path
