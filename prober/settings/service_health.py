"""From `service_health` to its settings.

Rule of this file: the reader must not be able to disturb what is probed, not even by way of a credential.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from prober.identity.spec import CredentialType
from prober.model import Assignment
from prober.settings.addresses import url_trouble
from prober.settings.document import Credential, Document, ServiceHealthSection
from prober.settings.mistakes import Mistakes
from prober.settings.routes import Routes
from prober.settings.settings import ServiceHealthSettings
from prober.settings.source import Location

SHORTEST = 60.0
"""Seconds: Graph allows 800 requests an hour, and a notice is hours late at best."""
HERE: Location = ("service_health",)


def service_health(
    document: Document, routes: Routes, assignments: Iterable[Assignment], mistakes: Mistakes
) -> ServiceHealthSettings | None:
    """Return how notices are read, `None` where they are not; take down what is wrong."""
    section = document.service_health
    if section is None:
        return None
    _check_url(section, mistakes)
    if section.interval < SHORTEST:
        mistakes.add((*HERE, "interval"), "must be at least 1m: notices do not come faster, and Graph would refuse")
    _check_credential(section, document, assignments, mistakes)
    route = routes.route(section, HERE)
    return ServiceHealthSettings(section.credential, section.interval, section.url, tuple(section.services), route)


def _check_url(section: ServiceHealthSection, mistakes: Mistakes) -> None:
    trouble = url_trouble(section.url, ("https",))
    if not trouble and urlsplit(section.url).query:
        trouble = "must not have a query"
    if trouble:
        mistakes.add((*HERE, "url"), trouble)


def _check_credential(
    section: ServiceHealthSection, document: Document, assignments: Iterable[Assignment], mistakes: Mistakes
) -> None:
    where, name = (*HERE, "credential"), section.credential
    credential = document.credentials.get(name)
    if credential is None:
        mistakes.unknown(where, "credential here", name, document.credentials)
    elif not credential.type.bearer:
        mistakes.add(where, f"Graph needs an OAuth credential, not one of type {credential.type}")
    elif _shares_a_refresh_token(credential, name, assignments):
        mistakes.add(where, f"{name!r} signs in clients: its refresh token can serve only one of them and the reader")


def _shares_a_refresh_token(credential: Credential, name: str, assignments: Iterable[Assignment]) -> bool:
    users = (one.credential == name or one.push_credential == name for one in assignments)
    return credential.type is CredentialType.REFRESH_TOKEN and any(users)
