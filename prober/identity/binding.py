"""Where a credential may be shown: looked at before each request that would carry it, redirects and links included."""

import functools
from collections.abc import Callable

from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.identity.spec import CredentialSpec, covers
from prober.net.origin import split_url

NOT_BOUND = Kind("credential_not_bound", Reason.CLIENT_MISCONFIG)
PLACES = 256  # URLs of a credential's own requests; they hardly change from one transaction to the next
Check = Callable[[str], None]
"""Raises `FaultError` (`credential_not_bound`) for a URL whose host must not see one certain credential."""


def checker(spec: CredentialSpec) -> Check:
    """Return `check` for `spec` as it is now, which remembers what URLs it let pass; a refused one is judged anew."""
    return functools.lru_cache(PLACES)(functools.partial(check, spec))


def check(spec: CredentialSpec, url: str) -> None:
    """Raise `FaultError` (`credential_not_bound`) where `url` leads to a host that must not see the credential."""
    if spec.hosts is None:
        return
    try:
        origin = split_url(url)[0]
    except (ValueError, UnicodeError):
        raise FaultError(NOT_BOUND, {"credential": spec.name, "url": "unusable"}) from None
    if not covers(spec.hosts, origin.host, origin.port):
        raise FaultError(NOT_BOUND, {"credential": spec.name, "url": origin.authority})
