"""Service health as the operator of the service tells it (Learn, "serviceAnnouncement resource type").

Rule of this file: it says what it was given to say, late and downgraded as that may be; nothing here looks at what is
really broken.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.odata import filtered, names, one_page, selector, sorter

PAGE = 100
SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "Exchange": "Exchange Online",
        "OrgLiveID": "Microsoft Entra",
        "OSDPPlatform": "Microsoft 365 suite",
        "Microsoft365Copilot": "Microsoft Copilot (Microsoft 365)",
        "MicrosoftTeams": "Microsoft Teams",
    }
)
"""The services of a tenant: id and display name."""
HEALTHY = "serviceOperational"
ISSUE: Mapping[str, Any] = MappingProxyType(
    {
        "startDateTime": None,
        "endDateTime": None,
        "lastModifiedDateTime": None,
        "title": "",
        "id": "",
        "impactDescription": "",
        "classification": "incident",
        "origin": "microsoft",
        "status": "investigating",
        "service": "Exchange Online",
        "feature": "E-Mail and calendar access",
        "featureGroup": "E-Mail and calendar access",
        "isResolved": False,
        "highImpact": None,
        "details": (),
        "posts": (),
    }
)
"""An issue, as far as nothing else is said of it."""
ISSUE_FIELDS = frozenset(ISSUE)
MESSAGE_FIELDS = names(
    "startDateTime endDateTime lastModifiedDateTime title id category severity tags isMajorChange "
    "actionRequiredByDateTime services expiryDateTime hasAttachments viewPoint details body"
)
OVERVIEW_FIELDS = frozenset({"id", "service", "status", "issues"})


class Announcements:
    """What the operator has announced. `issues` and `messages` hold entities by the names of Graph's properties."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []

    def announce(self, **said: Any) -> dict[str, Any]:
        """Announce an issue, or say something new of one by its `id`; return it. Raises `KeyError` for what it lacks.

        The names are those of `serviceHealthIssue`.
        """
        unknown = set(said) - ISSUE_FIELDS
        if unknown or "id" not in said:
            raise KeyError(", ".join(sorted(unknown)) or "id")
        known = next((one for one in self.issues if one["id"] == said["id"]), None)
        if known is None:
            known = dict(ISSUE)
            self.issues.append(known)
        known.update(said)
        return known

    def list_issues(self, asking: Asking) -> Answer:
        """Return a page of the issues, those changed last first."""
        return _listed(asking, self.issues, ISSUE_FIELDS, "issues")

    def get_issue(self, asking: Asking) -> Answer:
        """Return one issue."""
        found = next((one for one in self.issues if one["id"].lower() == asking.parts[0].lower()), None)
        if found is None:
            raise _unknown(asking.parts[0])
        chosen = selector(asking.query, ISSUE_FIELDS)(found)
        return Answer({"@odata.context": asking.context("admin/serviceAnnouncement/issues/$entity")} | chosen)

    def list_messages(self, asking: Asking) -> Answer:
        """Return a page of the message centre."""
        return _listed(asking, self.messages, MESSAGE_FIELDS, "messages")

    def list_overviews(self, asking: Asking) -> Answer:
        """Return how each service is."""
        return _listed(asking, [self._overview(asking, name) for name in SERVICES], OVERVIEW_FIELDS, "healthOverviews")

    def get_overview(self, asking: Asking) -> Answer:
        """Return how one service is, by its id or its display name."""
        wanted = asking.parts[0].lower()
        name = next((key for key, shown in SERVICES.items() if wanted in (key.lower(), shown.lower())), "")
        if not name:
            raise _unknown(asking.parts[0])
        chosen = selector(asking.query, OVERVIEW_FIELDS)(self._overview(asking, name))
        return Answer({"@odata.context": asking.context("admin/serviceAnnouncement/healthOverviews/$entity")} | chosen)

    def _overview(self, asking: Asking, name: str) -> dict[str, Any]:
        issues = [one for one in self.issues if one["service"] == SERVICES[name]]
        open_ones = [one["status"] for one in issues if not one["isResolved"]]
        found: dict[str, Any] = {"service": SERVICES[name], "status": [HEALTHY, *open_ones][-1], "id": name}
        if asking.query.text("expand").lower() == "issues":
            found["issues"] = issues
        return found


def _listed(asking: Asking, found: list[dict[str, Any]], known: frozenset[str], what: str) -> Answer:
    query = asking.query
    chosen = selector(query, known)
    passes = filtered(query, known).passes
    page = one_page(query, sorter(query, known)(one for one in found if passes(one)), query.top(PAGE))
    page["value"] = [chosen(one) for one in page["value"]]
    return Answer({"@odata.context": asking.context(f"admin/serviceAnnouncement/{what}")} | page)


def _unknown(name: str) -> GraphError:
    return GraphError("ResourceNotFound", f"Resource '{name}' could not be found.", status=404)
