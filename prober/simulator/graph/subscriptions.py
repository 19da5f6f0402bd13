"""Change notifications: subscriptions are checked and kept as Graph does (Learn, "subscription resource type").

Rule of this file: it keeps books and calls nobody; what happens in a mailbox is seen by asking.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.filters import read_moment
from prober.simulator.graph.paths import ACCOUNTS, split

CHANGES = frozenset({"created", "updated", "deleted"})
REQUIRED = (
    ("changetype", "changeType"),
    ("notificationurl", "notificationUrl"),
    ("resource", "resource"),
    ("expirationdatetime", "expirationDateTime"),
)
LONGEST: Mapping[str, timedelta] = MappingProxyType(
    {"messages": timedelta(minutes=10_080), "events": timedelta(minutes=10_080)}
)
"""How long a subscription to a kind of resource may live."""
STATE = 128
URL = 2048


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `owner` is the application that made it, and on whose behalf."""

    id: str
    owner: tuple[str, str]
    resource: str
    change_type: str
    url: str
    lifecycle_url: str | None
    state: str | None
    expires: datetime

    def entity(self) -> dict[str, Any]:
        """Return it as Graph shows it."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.owner[0],
            "changeType": self.change_type,
            "clientState": self.state,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": self.expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "creatorId": self.owner[1] or self.owner[0],
            "latestSupportedTlsVersion": "v1_2",
        }


class Subscriptions:
    """All subscriptions. Whoever made one sees it; who did not, does not."""

    def __init__(self) -> None:
        self._kept: dict[str, Subscription] = {}

    def create(self, asking: Asking) -> Answer:
        """Make a subscription."""
        asked = asking.document()
        for name, spelled in REQUIRED:
            if not isinstance(asked.get(name), str) or not asked[name]:
                raise _refused(f"{spelled} is a required property for subscription creation")
        made = Subscription(
            id=str(uuid.uuid4()),
            owner=_owner(asking),
            resource=_resource(asked["resource"])[0],
            change_type=_changes(asked["changetype"]),
            url=_url(asked["notificationurl"], "Notification"),
            lifecycle_url=_url(asked["lifecyclenotificationurl"], "Lifecycle notification")
            if asked.get("lifecyclenotificationurl")
            else None,
            state=_state(asked.get("clientstate")),
            expires=_expiry(asking, asked["resource"], asked["expirationdatetime"]),
        )
        self._kept[made.id] = made
        return self._shown(asking, made, 201)

    def renew(self, asking: Asking) -> Answer:
        """Give a subscription more time."""
        known = self._find(asking)
        asked = asking.document()
        if not isinstance(asked.get("expirationdatetime"), str):
            raise _refused("expirationDateTime is a required property for subscription update")
        renewed = replace(known, expires=_expiry(asking, known.resource, asked["expirationdatetime"]))
        self._kept[known.id] = renewed
        return self._shown(asking, renewed)

    def show(self, asking: Asking) -> Answer:
        """Return one subscription."""
        return self._shown(asking, self._find(asking))

    def list(self, asking: Asking) -> Answer:
        """Return every subscription of whoever asks."""
        self._expire(asking.now)
        mine = [one.entity() for one in self._kept.values() if one.owner == _owner(asking)]
        return Answer({"@odata.context": asking.context("subscriptions"), "value": mine})

    def delete(self, asking: Asking) -> Answer:
        """End a subscription."""
        del self._kept[self._find(asking).id]
        return Answer(status=204)

    def _find(self, asking: Asking) -> Subscription:
        self._expire(asking.now)
        known = self._kept.get(asking.parts[0])
        if known is None or known.owner != _owner(asking):
            raise GraphError("ResourceNotFound", "The object was not found.")
        return known

    def _expire(self, now: datetime) -> None:
        for one in [one for one in self._kept.values() if one.expires <= now]:
            del self._kept[one.id]

    def _shown(self, asking: Asking, one: Subscription, status: int = 200) -> Answer:
        return Answer({"@odata.context": asking.context("subscriptions/$entity")} | one.entity(), status)


def subject_of(resource: str) -> tuple[str, str]:
    """Return the account (`me`, a name or an id) a resource belongs to, and its kind. Raises `GraphError`."""
    return _resource(resource)[1:]


def _owner(asking: Asking) -> tuple[str, str]:
    return asking.admission.client_id, asking.admission.user


def _resource(text: str) -> tuple[str, str, str]:
    """Return a resource without its first slash, its account, and the kind of entity. Raises `GraphError`."""
    parts = split(text.partition("?")[0])
    start = 1 if parts[:1] and parts[0].lower() == "me" else 2
    if len(parts) <= start or parts[0].lower() not in ACCOUNTS or parts[-1].lower() not in LONGEST:
        raise _refused(f"Resource '{text}' is not supported for change notifications.")
    return text.lstrip("/"), "me" if start == 1 else parts[1], parts[-1].lower()


def _changes(text: str) -> str:
    if not CHANGES.issuperset(part.strip().lower() for part in text.split(",")):
        raise _refused(f"Invalid changeType: '{text}'.")
    return text


def _url(text: Any, what: str) -> str:
    try:
        parts = urlsplit(text) if isinstance(text, str) and len(text) <= URL else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme.lower() != "https" or not parts.hostname:
        raise _refused(f"{what} URL must be a valid absolute URL with the https scheme.")
    return str(text)


def _state(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= STATE):
        return value
    raise _refused(f"clientState must be a string of at most {STATE} characters.")


def _expiry(asking: Asking, resource: str, text: str) -> datetime:
    wanted, longest = read_moment(text), LONGEST[_resource(resource)[2]]
    if wanted <= asking.now:
        raise _refused("Subscription expiration must be in the future.")
    if wanted - asking.now > longest:
        minutes = int(longest.total_seconds() // 60)
        raise _refused(f"Subscription expiration can only be {minutes} minutes in the future.")
    return wanted


def _refused(message: str) -> GraphError:
    return GraphError("InvalidRequest", message)
