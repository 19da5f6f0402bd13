"""Which service a request is for: by host where a host has one purpose, else by path. Paths compare without case."""

from collections.abc import Mapping

from prober.simulator.http.message import Request
from prober.simulator.service import Service

BY_HOST = (
    ("login.", "login"),
    ("signin.", "login"),
    ("office.", "portal"),
    ("m365.", "portal"),
    ("copilot.", "portal"),
)
BY_PATH = (
    ("/autodiscover/", "autodiscover"),
    ("/microsoft-server-activesync", "activesync"),
    ("/ews/", "ews"),
    ("/mapi/", "mapi"),
    ("/v1.0/", "graph"),
    ("/owa", "owa"),
    ("/mail", "owa"),
    ("/ecp", "owa"),
)
HEALTH_PAGE = "/healthcheck.htm"


def service_of(request: Request, services: Mapping[str, Service]) -> Service | None:
    """Return the service of `request`, `None` when there is none."""
    name = name_of(request.connection.host.name, request.path.lower())
    return services.get(name)


def name_of(host: str, path: str) -> str:
    """Return the name of the service at `path` of `host`, empty when there is none."""
    by_host = next((service for mark, service in BY_HOST if host.startswith(mark)), "")
    if by_host:
        return by_host
    if path.endswith(HEALTH_PAGE):
        return "health"
    if host.startswith("www."):
        return "site"
    return next((service for mark, service in BY_PATH if path.startswith(mark)), "")
