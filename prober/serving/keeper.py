"""The web configuration as it is now: looked at when somebody comes, read again when a file has changed.

Rule of this file: while we run, a bad file changes nothing but the log.
"""

import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from prober.serving.toolkit import WebSettings, load
from prober.settings.settings import ConfigurationError

LOG = logging.getLogger(__name__)

Mark = tuple[tuple[int, int, int, int] | None, ...]


class Keeper:
    """Keeps what the file at `path` says. Raises `ConfigurationError` when made from a bad one."""

    def __init__(self, path: Path, load: Callable[[Path], WebSettings] = load) -> None:
        self._path = path
        self._load = load
        self._settings = load(path)
        self._mark = self._looked()

    @property
    def secure(self) -> bool:
        """Whether the pages are served over TLS, which stays as it was at the start."""
        return self._settings.tls is not None

    def current(self) -> WebSettings:
        """Return what holds now. What has changed and is bad is logged once, and what was before it stays."""
        mark = self._looked()
        if mark != self._mark:
            self._mark = mark
            self._renew()
        return self._settings

    def context(self) -> ssl.SSLContext:
        """Return the TLS context of the next connection."""
        made = self.current().context
        if made is None:
            raise ssl.SSLError("no certificate is configured")
        return made

    def _renew(self) -> None:
        try:
            renewed = self._load(self._path)
        except ConfigurationError as exc:
            LOG.warning("web configuration stays as it was: %s", "; ".join(str(one) for one in exc.problems))
            return
        if (renewed.tls is None) == self.secure:
            LOG.warning("web configuration stays as it was: TLS cannot be turned on or off without a restart")
            return
        if renewed.files != self._settings.files:
            self._settings = renewed
            self._mark = self._looked()
        self._settings = renewed
        LOG.info("web configuration was read again")

    def _looked(self) -> Mark:
        """Return by what a change of the files is noticed, also where a link leads elsewhere now."""
        return tuple(map(_mark, (str(self._path), *self._settings.files)))


def _mark(file: str) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - a text, looked at with every request
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
