"""Signing in to Microsoft 365: the documents of the token service, its page, its tokens, and the portals' front pages.

Rule of this file: what the sign-in service says over HTTP that it should not is an error of the token service; what
fails below HTTP is named as everywhere.
"""

from dataclasses import dataclass
from typing import Literal

from prober.clients.browsing import told, visit
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.http import phrases
from prober.protocols.oidc import document, realm, status
from prober.protocols.oidc.claims import expiry
from prober.protocols.oidc.keys import Keys
from prober.protocols.oidc.metadata import Metadata, Provider, of_federation, of_tenant
from prober.protocols.oidc.realm import Realm, UserRealm
from prober.protocols.oidc.signin_page import SigninPage
from prober.protocols.oidc.token_use import TokenUse
from prober.transaction import Client, Scopes, SkipStep, Step, Transaction, uses_oauth
from prober.vocabulary import Depth

AUTHORITY, GRAPH = "authority", "graph"
OFFICE, M365, CHAT, COPILOT = "office", "m365", "m365_chat", "copilot"
OF_USERS = frozenset({"refresh_token", "ropc"})
"""Types of credential that stand for a person."""
NOBODY = "00000000-0000-4000-8000-000000000000"
"""Well formed and nobody's: before the password the sign-in page does not look at who asks."""
REMEMBERED = "namespace"


@dataclass(frozen=True, slots=True)
class SigninOptions:
    """What configuration may say of this client.

    `client_id` and `redirect_uri` go into the request for the sign-in page. `namespace`: what kind the mailbox's domain
    is, as the step `user_realm` has to find it. `federation_host`: the federation server (AD FS), where `user_realm` is
    not asked. `least_token_life`: seconds that a new token must last. `error_phrases`: texts by which the error page of
    a portal is known, separated by `|`.
    """

    client_id: str = NOBODY
    redirect_uri: str = "https://localhost/"
    namespace: Literal["any", "Managed", "Federated"] = "any"
    federation_host: str = ""
    least_token_life: float = 1800.0
    error_phrases: str = phrases.DEFAULT

    def __post_init__(self) -> None:
        if not self.client_id.strip():
            raise ValueError("client_id must not be empty")
        if not self.redirect_uri.strip():
            raise ValueError("redirect_uri must not be empty")
        if self.federation_host and not _is_host(self.federation_host):
            raise ValueError("federation_host must be a host name, with a port or without")
        if not 0 <= self.least_token_life <= 86_400:
            raise ValueError("least_token_life must be from 0 to 86400")


def _is_host(text: str) -> bool:
    return document.is_https(f"https://{text}") and not set(text) & set("/?#")


@dataclass(slots=True)
class Visit:
    """What is learnt on the way: where the endpoints are, who signs people in, and whether the token is a new one."""

    provider: Provider | None = None
    federation: str = ""
    fresh: bool = False


# -- the sign-in service as anybody sees it ------------------------------------------------------------------------


async def openid_metadata(tx: Transaction, seen: Visit) -> None:
    """Read where the endpoints of the sign-in service are."""
    seen.provider = await tx.ask(Metadata(of_tenant(tx.endpoint(AUTHORITY))))


async def signing_keys(tx: Transaction, seen: Visit) -> None:
    """Read the keys with which tokens are signed."""
    tx.note(keys=await tx.ask(Keys(_provider(seen).jwks_uri)))


async def user_realm(tx: Transaction, seen: Visit) -> None:
    """Ask who signs in the people of the mailbox's domain."""
    if not tx.target.mailbox:
        raise SkipStep
    found = await tx.ask(UserRealm(tx.endpoint(AUTHORITY), tx.target.mailbox))
    tx.note(namespace=found.namespace)
    _check_realm(found, options_of(tx.assignment).namespace, tx.device.memory.get(REMEMBERED, ""))
    tx.device.memory[REMEMBERED] = found.namespace
    seen.federation = found.federation


def _check_realm(found: Realm, wanted: str, before: str) -> None:
    """Hold a realm against what it should be, or what it was before. Raises `FaultError`."""
    expected = before if wanted == "any" else wanted
    if found.namespace == realm.UNKNOWN:
        raise FaultError(status.REALM_LOST if expected else status.REALM_UNKNOWN, {"expected": expected or "any"})
    if wanted not in ("any", found.namespace):
        raise FaultError(status.REALM_DIFFERS, {"expected": wanted, "namespace": found.namespace})


async def signin_page(tx: Transaction, seen: Visit) -> None:
    """Open the page that asks for name and password."""
    chosen = options_of(tx.assignment)
    url, state = _provider(seen).authorization_endpoint, f"{int(tx.wall() * 1000):x}"
    tx.note(page=await tx.ask(SigninPage(url, chosen.client_id, chosen.redirect_uri, state)))


async def federation_metadata(tx: Transaction, seen: Visit) -> None:
    """Read the metadata of the organisation's own federation server, where it has one."""
    host = seen.federation or options_of(tx.assignment).federation_host
    if not host:
        raise SkipStep
    try:
        await tx.ask(Metadata(of_federation(host), status.FEDERATION_BROKEN))
    except FaultError as error:
        raise told(error, where="customer") from None


def _provider(seen: Visit) -> Provider:
    if seen.provider is None:  # its step has run, or the transaction would have ended there
        raise FaultError(status.METADATA_BROKEN, {"missing": "document"})
    return seen.provider


# -- tokens --------------------------------------------------------------------------------------------------------


async def token_client(tx: Transaction, seen: Visit) -> None:
    """Have a new token issued to the application."""
    await _new_token(tx, seen)


async def token_user(tx: Transaction, seen: Visit) -> None:
    """Have a new token issued on behalf of a person."""
    await _new_token(tx, seen)


async def _new_token(tx: Transaction, seen: Visit) -> None:
    """Ask the token service itself, never the cache; a token that can be read must last a while."""
    token = await tx.token(fresh=True)
    seen.fresh = True
    expires = expiry(token.value)
    if expires is None:
        tx.note(form="opaque")
        return
    left, least = expires - tx.wall(), options_of(tx.assignment).least_token_life
    tx.note(form="jwt", life=round(left))
    if left < least:
        raise FaultError(status.TOKEN_SHORT_LIVED, {"seconds": str(round(left)), "least": str(round(least))})


async def token_use(tx: Transaction, seen: Visit) -> None:
    """Show the token to Graph."""
    if GRAPH not in tx.target.endpoints:
        raise SkipStep
    tx.note(answer=await tx.ask(TokenUse(tx.endpoint(GRAPH), fresh=seen.fresh)))


# -- portals -------------------------------------------------------------------------------------------------------


async def office_home(tx: Transaction, seen: Visit) -> None:
    """Open the front page of the office suite."""
    await _portals(tx, OFFICE)


async def m365_home(tx: Transaction, seen: Visit) -> None:
    """Open the front page of Microsoft 365."""
    await _portals(tx, M365)


async def copilot_home(tx: Transaction, seen: Visit) -> None:
    """Open the front pages of the assistant: the suite's chat, and its own."""
    await _portals(tx, CHAT, COPILOT)


async def _portals(tx: Transaction, *names: str) -> None:
    """Open those of the portals that are configured, one after the other; the first fault ends it."""
    configured = [name for name in names if name in tx.target.endpoints]
    if not configured:
        raise SkipStep
    unwanted = phrases.split(options_of(tx.assignment).error_phrases)
    for name in configured:
        try:
            await visit(tx, tx.endpoint(name), unwanted)
        except FaultError as error:
            raise told(error, page=name) from None


# -- the client ----------------------------------------------------------------------------------------------------


def options_of(assignment: Assignment) -> SigninOptions:
    """Return the options of an assignment."""
    chosen = assignment.options
    return chosen if isinstance(chosen, SigninOptions) else SigninOptions()


def as_application(assignment: Assignment) -> bool:
    """Apply where the credential is an application's own."""
    return uses_oauth(assignment) and assignment.credential_kind not in OF_USERS


def as_user(assignment: Assignment) -> bool:
    """Apply where the credential stands for a person."""
    return assignment.credential_kind in OF_USERS


CLIENT = Client(
    name="m365_signin",
    summary="Signing in to Microsoft 365: token service and portals",
    title="Microsoft 365 sign-in",
    memory=Visit,
    steps=(
        Step(openid_metadata, Depth.REACH, 15),
        Step(signing_keys, Depth.REACH, 15),
        Step(user_realm, Depth.REACH, 15, opt_in=True),
        Step(signin_page, Depth.REACH, 20),
        Step(federation_metadata, Depth.REACH, 15),
        Step(token_client, Depth.TOKEN, 15, applies=as_application),
        Step(token_user, Depth.TOKEN, 15, opt_in=True, applies=as_user),
        Step(token_use, Depth.TOKEN, 15, applies=uses_oauth),
        Step(office_home, Depth.REACH, 30),
        Step(m365_home, Depth.REACH, 30),
        Step(copilot_home, Depth.REACH, 30),
    ),
    endpoints=(AUTHORITY, GRAPH, OFFICE, M365, CHAT, COPILOT),
    scopes=Scopes(
        app="https://graph.microsoft.com/.default",
        delegated="https://graph.microsoft.com/User.Read offline_access",
    ),
    interval=60.0,
    options=SigninOptions,
    deepest=Depth.TOKEN,
)
