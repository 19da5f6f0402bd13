"""Autodiscover v2: one question in the query, one URL in JSON, and no credentials (Learn, "Hybrid Modern Auth")."""

from collections.abc import Mapping
from types import MappingProxyType

from prober.simulator.autodiscover.places import PLACES, Places, places_of
from prober.simulator.http.message import Reply, Request, json_reply
from prober.simulator.service import Premises

PATH = "/autodiscover/autodiscover.json"
STEPS: Mapping[str, str] = MappingProxyType(
    {"Rest": "discover_rest", "ActiveSync": "discover_eas", "Ews": "discover_ews", "Substrate": "discover_substrate"}
)


def is_version2(request: Request) -> bool:
    """Whether a request is in this dialect, the address in the query or in the path."""
    path = request.path.lower()
    return path == PATH or path.startswith(f"{PATH}/")


def step(request: Request) -> str:
    """Return the step of a client that asks this, empty for protocols no step asks for."""
    asked = _parameter(request, "protocol").lower()
    return next((step for name, step in STEPS.items() if name.lower() == asked), "")


def address(request: Request) -> str:
    """Return the address asked about: from the path behind the version, or from the query."""
    behind = request.path[len(PATH) :].strip("/").partition("/")[2]
    return (behind or _parameter(request, "email")).strip()


def answer(premises: Premises, request: Request) -> Reply:
    """Return the URL of the protocol asked for."""
    if request.method not in ("GET", "HEAD"):
        return Reply(405, (("Allow", "GET, HEAD"),))
    asked, who = _parameter(request, "protocol"), address(request)
    name, _, domain = who.rpartition("@")
    if not name or not domain:
        return _error("MandatoryParameterMissing", "A valid smtp address must be provided.")
    if not asked:
        return _error("MissingProtocol", "A valid value must be provided for the query parameter 'Protocol'.")
    mailbox = premises.tenant.mailbox(who)
    if mailbox is None and domain.lower() != premises.tenant.domain.lower():
        return _error("UserNotFound", f"The given user {who} is not found.", 404)
    return _directed(request, places_of(premises, request, mailbox), asked)


def _directed(request: Request, places: Places, asked: str) -> Reply:
    if places.elsewhere:
        return Reply(302, (("Location", f"{_directory(places, asked)}{request.target}"),))
    protocol = next((name for name in places.names if name.lower() == asked.lower()), "")
    if not protocol:
        names = ",".join(places.names)
        return _error(
            "ProtocolNotSupported",
            f"The given protocol value '{asked}' is invalid. Supported values are '{names}'.",
        )
    return json_reply({"Protocol": protocol, "Url": places.url(protocol)})


def _directory(places: Places, asked: str) -> str:
    """Return the server that answers for itself, under the name by which the client of the protocol knows it."""
    client = next((client for name, (client, _) in PLACES.items() if name.lower() == asked.lower()), "")
    return places.at(client, "")


def _parameter(request: Request, name: str) -> str:
    return next((value for key, value in request.query.items() if key.lower() == name), "").strip()


def _error(code: str, message: str, status: int = 400) -> Reply:
    return json_reply({"ErrorCode": code, "ErrorMessage": message}, status, (("jsonerror", "true"),))
