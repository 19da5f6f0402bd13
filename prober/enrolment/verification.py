"""Tries every credential at its own mailboxes, and at those that must be denied to it.

Rule of this file: a password is tried at no mailbox but its own, and what is tried is what the client does anyway.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.enrolment.permissions import Access, Check, access
from prober.identity.spec import CredentialType
from prober.model import Assignment
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.transaction import Client
from prober.vocabulary import Depth

STRANGER = "must-deny-{number}"
PASSWORDS = frozenset({CredentialType.BASIC, CredentialType.NTLM, CredentialType.NEGOTIATE, CredentialType.ROPC})
WRITING = frozenset({"send_mail"})


async def verify(
    settings: Settings,
    catalogue: Mapping[str, Client[Any]],
    store: Store,
    denied: Sequence[str],
    show: Callable[[Check], None],
) -> list[Check]:
    """Return every check, each shown as it is done. Raises `NetworkSetupError`."""
    own = [_quiet(one) for one in settings.assignments if one.credential and one.depth is Depth.MAILBOX]
    strangers = list(_strangers(settings, own, denied))
    assembly = _assembly(_with(settings, strangers), catalogue, store)
    checks: list[Check] = []
    try:
        assembly.health.start()
        for assignment in own:
            checks.append(await _check(assembly, catalogue, assignment, Access.REACHED))
            show(checks[-1])
        reached = {(one.credential, one.client) for one in checks if one.found is Access.REACHED}
        for assignment in strangers:
            check = await _check(assembly, catalogue, assignment, Access.DENIED)
            proves = check.found is not Access.DENIED or (check.credential, check.client) in reached
            checks.append(check if proves else replace(check, found=Access.UNCLEAR, said="denied its own as well"))
            show(checks[-1])
    finally:
        await assembly.close()
    return checks


def _quiet(assignment: Assignment) -> Assignment:
    """Return the assignment without what writes into a mailbox."""
    return replace(assignment, steps=assignment.steps - WRITING)


def _strangers(settings: Settings, own: Sequence[Assignment], denied: Sequence[str]) -> list[Assignment]:
    """Return, for every credential and client that sends no password, an assignment at each address to be denied."""
    tried: dict[tuple[str, str], Assignment] = {}
    for one in own:
        if one.credential and settings.credentials[one.credential].type not in PASSWORDS:
            tried.setdefault((one.credential, one.client), one)
    return [
        replace(one, target=replace(one.target, name=STRANGER.format(number=number), mailbox=address, canary=None))
        for number, address in enumerate(denied, start=1)
        for one in tried.values()
    ]


def _with(settings: Settings, strangers: Sequence[Assignment]) -> Settings:
    """Return settings in which the strangers have a way out: that of whoever they stand for."""
    by_url = {tuple(sorted(one.target.endpoints.items())): one.target.name for one in settings.assignments}
    ways = {one.target.name: settings.routes[by_url[tuple(sorted(one.target.endpoints.items()))]] for one in strangers}
    return replace(settings, routes=MappingProxyType({**settings.routes, **ways}))


def _assembly(settings: Settings, catalogue: Mapping[str, Client[Any]], store: Store) -> Assembly:
    return Assembly(settings, catalogue, store, watch=Unwatched(), tell=lambda *_: None, lagged=lambda _: None)


async def _check(
    assembly: Assembly, catalogue: Mapping[str, Client[Any]], assignment: Assignment, wanted: Access
) -> Check:
    outcome, _ = await assembly.attempts.by_hand(assignment)
    found, failure = access(outcome, catalogue[assignment.client]), outcome.failure
    said = f"{failure.step}: {failure.fault.kind.code}" if failure is not None and failure.fault is not None else ""
    return Check(assignment.credential or "", assignment.client, assignment.target.name, wanted, found, said)
