"""The directory: the organisation and its users (Learn, "List organization", "Get a user")."""

from typing import Any

from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.odata import selector
from prober.simulator.tenant import Tenant

ORGANISATION_FIELDS = frozenset({"id", "displayName", "tenantType", "verifiedDomains", "createdDateTime"})
USER_FIELDS = frozenset({"id", "displayName", "mail", "userPrincipalName", "accountEnabled", "givenName", "surname"})


def organization(asking: Asking) -> Answer:
    """Return the one organisation there is."""
    tenant = asking.premises.tenant
    found: dict[str, Any] = {
        "id": tenant.id,
        "displayName": tenant.domain.partition(".")[0].title(),
        "tenantType": "AAD",
        "verifiedDomains": [{"name": tenant.domain, "isDefault": True, "isInitial": True, "type": "Managed"}],
        "createdDateTime": "2020-01-01T00:00:00Z",
    }
    chosen = selector(asking.query, ORGANISATION_FIELDS)
    return Answer({"@odata.context": asking.context("organization"), "value": [chosen(found)]})


def get_user(asking: Asking) -> Answer:
    """Return one account."""
    name = asking.user
    mailbox = asking.premises.tenant.mailbox(name)
    given, _, family = name.partition("@")[0].title().partition(".")
    found: dict[str, Any] = {
        "id": object_id(asking.premises.tenant, name),
        "displayName": mailbox.display_name if mailbox else f"{given} {family}".strip(),
        "mail": mailbox.address if mailbox else None,
        "userPrincipalName": name,
        "accountEnabled": True,
        "givenName": given,
        "surname": family or None,
    }
    chosen = selector(asking.query, USER_FIELDS)(found)
    return Answer({"@odata.context": asking.context("users/$entity")} | chosen)


def find_user(tenant: Tenant, name: str) -> str:
    """Return the principal name of the account that an id or a name of any case means, empty where there is none."""
    mailbox, user = tenant.mailbox(name), tenant.users.get(name.lower())
    if mailbox is not None or user is not None:
        return mailbox.address if mailbox is not None else name
    everybody = [user.name for user in tenant.users.values()] + [box.address for box in tenant.mailboxes.values()]
    return next((one for one in everybody if object_id(tenant, one).lower() == name.lower()), "")


def object_id(tenant: Tenant, name: str) -> str:
    """Return the id of an account in the directory."""
    user, mailbox = tenant.users.get(name.lower()), tenant.mailbox(name)
    if user is not None and user.object_id:
        return user.object_id
    return mailbox.guid if mailbox is not None else name


def no_such_user(name: str, *, mailbox: bool) -> GraphError:
    """Return the refusal of a name that no account has; Outlook and the directory word it differently."""
    if mailbox:
        return GraphError("ErrorInvalidUser", f"The requested user '{name}' is invalid.")
    return GraphError(
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )
