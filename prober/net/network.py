"""One way out, ready for use: what must be read from files is read here, once, and shared by all its transactions."""

import functools
import ssl
import time
from hashlib import sha256
from pathlib import Path

from prober.net.arrivals import KernelNotes
from prober.net.dial import Dialer
from prober.net.dns import check_servers, is_numeric
from prober.net.origin import split_url
from prober.net.route import Route, TlsPolicy
from prober.net.session import ColdSession
from prober.net.tls import Application, TlsSetupError, make_context
from prober.net.watch import Watch
from prober.timeline import Clock, Timeline

CLIENTS = 64  # more than there are


class NetworkSetupError(Exception):
    """A file or an address of the way out cannot be used. The text is one clear sentence."""


class Contexts:
    """TLS contexts by what they trust. Routes that share it share contexts, of which each may hold 700 KiB.

    Those of `before` are used again while the files they were made of hold the same.
    """

    def __init__(self, before: "Contexts | None" = None) -> None:
        self.made: dict[tuple[str | None, ...], ssl.SSLContext] = {}
        self._before = {} if before is None else before.made

    def get(self, policy: TlsPolicy, application: Application) -> ssl.SSLContext:
        """Return the context for `policy`, made at the first asking. Raises `TlsSetupError`."""
        files = (policy.ca_file, policy.certificate_file, policy.key_file)
        key = (*files, policy.minimum_version, application.value, content(policy))
        if key not in self.made:
            self.made[key] = self._before.get(key) or make_context(policy, application)
        return self.made[key]


def content(policy: TlsPolicy) -> str:
    """Return a hash of what the files of `policy` hold now; empty where it names none, or one cannot be read."""
    files = [name for name in (policy.ca_file, policy.certificate_file, policy.key_file) if name is not None]
    try:
        held = [Path(name).read_bytes() for name in files]
    except OSError:
        return ""
    return sha256(b"".join(sha256(one).digest() for one in held)).hexdigest() if held else ""


class Network:
    """The way out of one `Route`. Raises `NetworkSetupError` when made from files or addresses that do not work.

    `user_agent` is sent with requests that bring none; `{client}` in it stands for the client a session emulates.
    Networks of one process should share `contexts`, `watch`, which has their sockets watched, and `notes`, by which
    those have the kernel's word that ask for it.
    """

    def __init__(
        self,
        route: Route,
        *,
        clock: Clock = time.monotonic,
        user_agent: str = "",
        contexts: Contexts | None = None,
        notes: KernelNotes | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.clock = clock
        self._route = route
        self._agent = functools.lru_cache(CLIENTS)(functools.partial(user_agent.replace, "{client}"))
        shared = contexts or Contexts()
        try:
            _check(route)
            made = {application: shared.get(route.tls, application) for application in Application}
        except (TlsSetupError, ValueError) as exc:
            raise NetworkSetupError(str(exc)) from None
        kernel = KernelNotes() if notes is None else notes
        self._own_notes = kernel if notes is None else None
        shared_watch = Watch() if watch is None else watch
        self._own_watch = shared_watch if watch is None else None
        in_force = route.timestamps == "kernel" and kernel.start()
        self._dialer = Dialer(route, made, shared_watch, kernel if in_force else None)

    def session(self, timeline: Timeline, client: str = "identity") -> ColdSession:
        """Return a session of its own connections and cookie jar, whose phases go to `timeline`.

        `client` is who the session emulates, by default nobody but what fetches tokens.
        """
        return ColdSession(self._dialer, self._route.limits, timeline, self._agent(client))

    async def close(self) -> None:
        """Give back what the network holds: nothing outlives its sessions, so there is nothing to wait for."""
        if self._own_notes is not None:
            self._own_notes.close()
        if self._own_watch is not None:
            self._own_watch.close()


def _check(route: Route) -> None:
    """Raise `ValueError` with one sentence for an address that cannot be one."""
    check_servers(route.resolver)
    if route.source_address is not None and not is_numeric(route.source_address):
        raise ValueError(f"{route.source_address}: not an address of this machine to connect from")
    if route.proxy is not None and not _is_proxy(route.proxy.url):
        raise ValueError(f"{route.proxy.url}: not the URL of a proxy (http://host:port)")


def _is_proxy(url: str) -> bool:
    try:
        return split_url(url)[0].scheme == "http"
    except ValueError:
        return False
