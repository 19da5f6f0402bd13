"""What a list that others write may not say.

Rule of this file: who may write such a list must not be able to have a file read, nor a credential shown to anybody
who may not see it already.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from prober.identity.spec import CredentialSpec
from prober.model import Assignment
from prober.net.forbidden import is_forbidden
from prober.settings.bindings import may_see, shown_at, where
from prober.settings.document import Document
from prober.settings.merge import Merged
from prober.settings.mistakes import Mistakes
from prober.settings.source import Location, Value
from prober.settings.targets import DEFAULTS
from prober.transaction import Client

WAYS = frozenset({"tls", "network", "proxy"})
"""Sections by which a host that may see a credential becomes anybody's."""
READ = ("_file", "_env")
FREE = frozenset({"labels", "endpoints"})
"""Mappings whose keys are names and mean nothing here."""
IDLE = "imap4"
"""The endpoint at which a `push_credential` is shown."""


def screen(merged: Merged, mistakes: Mistakes) -> None:
    """Take down each key that an entry of a foreign list may not have, before anything is made of it."""
    targets = merged.value.get("targets")
    for index, entry in enumerate(targets if isinstance(targets, list) else ()):
        if merged.foreign(("targets", index)):
            for path, why in _refused(entry, ("targets", index)):
                mistakes.add(path, why)


def _refused(value: Value, path: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _refused(inner, (*path, index))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in WAYS:
                yield (*path, key), "may not stand in a discovered target: the way out is the configuration's affair"
            elif key.endswith(READ):
                yield (*path, key), "may not stand in a discovered target: only the configuration names what is read"
            elif key not in FREE:
                yield from _refused(inner, (*path, key))


def named(document: Document, foreign: Callable[[Location], bool]) -> Mapping[str, Location]:
    """Return where each target stands that is in a list which is `foreign`, by its name."""
    places: dict[str, Location] = {one.name: ("targets", index) for index, one in enumerate(document.targets)}
    return {name: at for name, at in places.items() if foreign(at)}


def check(
    discovered: Mapping[str, Location],
    assignments: Iterable[Assignment],
    credentials: Mapping[str, CredentialSpec],
    catalogue: Mapping[str, Client[Any]],
    mistakes: Mistakes,
) -> None:
    """Take down every place where a discovered target would go, or show a credential, against the rule of this file."""
    for one in assignments:
        at = discovered.get(one.target.name)
        if at is None:
            continue
        for name, url in one.target.endpoints.items():
            if is_forbidden(urlsplit(url).hostname or ""):
                mistakes.add(at, f"leads to {where(url)}, where no server of anybody's mail can be ({name})")
        for credential, name in _shown(one, catalogue[one.client]):
            url = one.target.endpoints[name]
            if not may_see(credentials[credential].hosts or (), url):
                message = (
                    f"client {one.client!r} would show credential {credential!r} to {where(url)} ({name}); a discovered"
                    " target binds none: name that place in the credential's `hosts`"
                )
                mistakes.add(at, message)


def _shown(one: Assignment, client: Client[Any]) -> Iterator[tuple[str, str]]:
    """Give each credential with each endpoint where it may be shown, but for those that are the service's own."""
    usual, endpoints = DEFAULTS.get(one.target.environment, {}), one.target.endpoints
    given = {name for name, url in endpoints.items() if usual.get(name) != url}
    if one.credential is not None:
        for name in sorted({*shown_at(one, client), *given.intersection(client.endpoints)}):
            yield one.credential, name
    if one.push_credential is not None and IDLE in endpoints:
        yield one.push_credential, IDLE
