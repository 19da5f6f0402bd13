"""Where the processor's time goes: what TLS and parsing take, by the thread's own clock, in a run made for that alone.

The names that do the work are replaced by ones that read the clock before and after. What reading it costs is taken
off again; what surrounds the reading is not within it. Kernel time is not measured here: `getrusage` tells it.
"""

import functools
import ssl
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from prober.net import http
from prober.protocols.autodiscover import json as discovery
from prober.protocols.eas import command
from prober.protocols.imap import framing, session

READINGS = 2_000
Owner = type | ModuleType
PLACES: dict[str, tuple[tuple[Owner, str], ...]] = {
    "TLS": (
        (ssl.SSLContext, "wrap_bio"),
        *((ssl.SSLObject, name) for name in ("do_handshake", "read", "write", "unwrap", "getpeercert", "pending")),
    ),
    "parsing": (
        (http.ResponseReader, "feed"),
        (http.ResponseReader, "reply"),
        (command, "decode"),
        (discovery, "_object"),
        (framing.Framer, "feed"),
        (framing.Framer, "next_response"),
        (session, "parse"),
    ),
}
"""Where OpenSSL works, and where bytes become values: header fields, WBXML, JSON, IMAP. Nothing else counts."""


class Stopwatch:
    """Adds up seconds by name. What runs within something that is measured already belongs to that."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self.seconds: dict[str, float] = {}
        self.calls = 0
        self._clock = clock
        self._within = False
        self._price = statistics.median(-(clock() - clock()) for _ in range(READINGS))

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` as it is, but measured."""

        @functools.wraps(function)
        def measured(*args: Any, **named: Any) -> Any:
            if self._within:
                return function(*args, **named)
            self._within = True
            began = self._clock()
            try:
                return function(*args, **named)
            finally:
                taken = self._clock() - began - self._price
                self._within = False
                self.calls += 1
                self.seconds[name] = self.seconds.get(name, 0.0) + max(0.0, taken)

        return measured

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure within a block; afterwards everything is what it was."""
        with ExitStack() as stack:
            for name, places in PLACES.items():
                self.seconds.setdefault(name, 0.0)
                for owner, attribute in places:
                    plain = getattr(owner, attribute)
                    setattr(owner, attribute, self.timed(name, plain))
                    stack.callback(setattr, owner, attribute, plain)
            yield
