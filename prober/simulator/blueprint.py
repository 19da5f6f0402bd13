"""The file that describes a tenant: its sites and mailboxes, its quotas, and what goes wrong from the start.

Rule of this file: everything is checked before anything starts, and all mistakes are told at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prober.simulator.document import Document, DocumentError, fields, meant, read
from prober.simulator.faults.read import Incident, read_faults
from prober.simulator.layout import CLIENTS, DOMAIN, Layout, Place, default_layout
from prober.simulator.quotas import Limits
from prober.simulator.tenant import Site

NAME = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
DOMAIN_NAME = r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"


class _Section(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Site(_Section):
    name: Annotated[str, Field(pattern=NAME, max_length=32)]
    region: Annotated[str, Field(pattern=NAME, max_length=32)]
    code: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    front_ends: Annotated[int, Field(ge=1, le=100)] = 2
    environment: Literal["exchange_online", "exchange_server"] = "exchange_online"


class _Mailbox(_Section):
    address: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    site: str


class _Tenant(_Section):
    domain: Annotated[str, Field(pattern=DOMAIN_NAME, max_length=100)] = DOMAIN
    seed: int = 1
    messages: Annotated[int, Field(ge=0, le=10_000)] = 12
    token_lifetime: Annotated[int, Field(ge=1, le=86_400)] = 3599
    quotas: bool = False
    sites: Annotated[list[_Site], Field(min_length=1, max_length=64)] | None = None
    mailboxes: Annotated[list[_Mailbox], Field(max_length=1000)] | None = None
    faults: list[Any] = []


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a file says. `faults`: an incident that is on from the start, `None` without any."""

    layout: Layout
    limits: Limits | None = None
    faults: Incident | None = None


def read_blueprint(text: str, file: str) -> Blueprint:
    """Return the plan in `text`; what it leaves out is as in the tenant without a file. Raises `DocumentError`."""
    document = read(text, file)
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise DocumentError([document.problem((), "expected a mapping")])
    problems = [*_unknown(document, data)]
    try:
        model = _Tenant.model_validate(data)
    except ValidationError as exc:
        raise DocumentError(problems + document.problems(exc)) from None
    layout = _layout(model)
    problems += _homeless(document, layout)
    faults = _faults(document, data, problems)
    if problems:
        raise DocumentError(problems)
    return Blueprint(layout, Limits() if model.quotas else None, faults)


def _unknown(document: Document, data: dict[str, Any]) -> Iterable[str]:
    yield from document.unknown_keys((), data, fields(_Tenant))
    for section, model in (("sites", _Site), ("mailboxes", _Mailbox)):
        entries = data.get(section)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict):
                yield from document.unknown_keys((section, number), entry, fields(model))


def _layout(model: _Tenant) -> Layout:
    default = default_layout(model.seed)
    sites = default.sites if model.sites is None else tuple(Site(**one.model_dump()) for one in model.sites)
    if model.mailboxes is not None:
        mailboxes = tuple(Place(one.address, one.site) for one in model.mailboxes)
    else:
        mailboxes = tuple(
            Place(f"probe{number}@{model.domain}", site.name) for number, site in enumerate(_twice(sites), start=1)
        )
    return replace(
        default,
        domain=model.domain,
        sites=sites,
        mailboxes=mailboxes,
        clients=CLIENTS,
        messages=model.messages,
        token_lifetime=model.token_lifetime,
    )


def _twice(sites: Iterable[Site]) -> Iterable[Site]:
    return (site for site in sites for _ in range(2))


def _homeless(document: Document, layout: Layout) -> Iterable[str]:
    """Give a line per mailbox at a site that is not there, and per name or address that stands there twice."""
    names = [site.name for site in layout.sites]
    for number, place in enumerate(layout.mailboxes):
        if place.site not in names:
            path = ("mailboxes", number, "site")
            yield document.problem(path, f"there is no site {place.site!r}{meant(place.site, names)}")
    for section, kept in (("sites", names), ("mailboxes", [place.address.lower() for place in layout.mailboxes])):
        for number, name in enumerate(kept):
            if name in kept[:number]:
                yield document.problem((section, number), f"there is another {name!r}")


def _faults(document: Document, data: dict[str, Any], problems: list[str]) -> Incident | None:
    if not data.get("faults"):
        return None
    try:
        return Incident("configured", "as configured", read_faults(data["faults"], document, ("faults",)))
    except DocumentError as exc:
        problems += exc.problems
        return None
