"""From targets, profiles and client entries to assignments."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from prober.model import Assignment, PushSettings, Target
from prober.net.route import Route
from prober.settings.addresses import MAIL, WEB, is_host, mailbox_trouble, url_trouble
from prober.settings.controls import CONTROL, is_control
from prober.settings.document import ClientEntry, Credential, Document, Push, TargetSection
from prober.settings.files import Files
from prober.settings.mistakes import Mistakes
from prober.settings.routes import Routes
from prober.settings.shape import WANTED, in_our_words
from prober.settings.source import Location
from prober.transaction import Client
from prober.vocabulary import Depth, Environment

INTERVALS: Mapping[str, float] = MappingProxyType({"imap4": 60.0, "activesync": 60.0, "m365_signin": 60.0})
"""Seconds, where neither entry nor `global` sets an interval; other clients bring their own default."""
ONLINE = "https://outlook.office365.com"
EXCHANGE: Mapping[str, str] = MappingProxyType(
    {
        "activesync": "/Microsoft-Server-ActiveSync",
        "autodiscover": "/autodiscover/autodiscover.json",
        "autodiscover_pox": "/autodiscover/autodiscover.xml",
        "autodiscover_soap": "/autodiscover/autodiscover.svc",
        "ews": "/EWS/Exchange.asmx",
        "mapi": "/mapi/emsmdb/",
        "nspi": "/mapi/nspi/",
    }
)
"""Paths that are the same on every Exchange, in the cloud and on servers of one's own."""
DEFAULTS: Mapping[Environment, Mapping[str, str]] = MappingProxyType(
    {
        Environment.EXCHANGE_ONLINE: MappingProxyType(
            {
                **{name: f"{ONLINE}{path}" for name, path in EXCHANGE.items()},
                "imap4": "imaps://outlook.office365.com:993",
                "graph": "https://graph.microsoft.com/v1.0",
                "owa": "https://outlook.office.com/owa/",
                "mail": "https://outlook.office.com/mail/",
                "outlook_service": f"{ONLINE}/outlookservice/ishxscapable",
                "autodetect": "https://prod-autodetect.outlookmobile.com/detect",
                "authority": "https://login.microsoftonline.com/common",
                "office": "https://www.office.com/",
                "m365": "https://m365.cloud.microsoft/",
                "m365_chat": "https://m365.cloud.microsoft/chat",
                "copilot": "https://copilot.cloud.microsoft/",
            }
        ),
        Environment.EXCHANGE_SERVER: MappingProxyType(
            {
                **{name: f"https://{{host}}{path}" for name, path in EXCHANGE.items()},
                "imap4": "imaps://{host}:993",
                "owa": "https://{host}/owa/",
            }
        ),
    }
)
"""Endpoints by environment; those of Exchange Server follow from the target's `host`."""
UNREAD = "unread@address.invalid"
"""Stands for the address in a file that was not looked at."""


class Targets:
    """Reads all targets of a document."""

    def __init__(
        self,
        document: Document,
        catalogue: Mapping[str, Client[Any]],
        routes: Routes,
        files: Files,
        mistakes: Mistakes,
    ) -> None:
        self._document = document
        self._catalogue = {name: client for name, client in catalogue.items() if name != CONTROL}
        self._routes = routes
        self._files = files
        self._mistakes = mistakes
        self._readers: dict[str, TypeAdapter[Any]] = {}
        self._checked: dict[Location, tuple[Client[Any] | None, Any]] = {}
        self._endpoints = {name for client in self._catalogue.values() for name in client.endpoints}
        self._endpoints |= {name for defaults in DEFAULTS.values() for name in defaults}

    def read(self) -> tuple[dict[str, Route], list[Assignment]]:
        """Return routes by target and all assignments, after taking down what is wrong."""
        self._check_profiles()
        seen: dict[str, Location] = {}
        routes: dict[str, Route] = {}
        assignments: list[Assignment] = []
        for index, section in enumerate(self._document.targets):
            at: Location = ("targets", index, "name")
            if section.name in seen:
                first = self._mistakes.places.position(seen[section.name])
                message = f"{section.name!r} is the name of two targets, the other in {first.file}:{first.line}"
                self._mistakes.add(at, message)
            elif is_control(section.name):
                self._mistakes.add(at, f"{section.name!r} is taken by the control")
            seen.setdefault(section.name, at)
            routes[section.name] = self._routes.route(section, ("targets", index))
            assignments += self._assignments(section, ("targets", index))
        return routes, assignments

    def _assignments(self, section: TargetSection, path: Location) -> list[Assignment]:
        target = self._target(section, path)
        found: dict[str, Assignment] = {}
        for entry, at in self._entries(section, path):
            if entry.client in found:
                message = f"client {entry.client!r} stands twice on target {target.name!r}"
                self._mistakes.add(self._asked_for(at, path, section), message)
                continue
            assignment = self._assignment(entry, at, target)
            if assignment is not None:
                found[entry.client] = assignment
        return list(found.values())

    def _asked_for(self, at: Location, path: Location, section: TargetSection) -> Location:
        """Return where a target asks for the entry at `at`: that entry, or its naming of a profile."""
        if at[0] != "profiles":
            return at
        return (*path, "profiles", section.profiles.index(str(at[1])))

    def _entries(self, section: TargetSection, path: Location) -> Iterator[tuple[ClientEntry, Location]]:
        if not section.clients and not section.profiles:
            self._mistakes.add(path, "has neither clients nor profiles: it would never be probed")
        for index, entry in enumerate(section.clients):
            yield entry, (*path, "clients", index)
        for index, name in enumerate(section.profiles):
            if name not in self._document.profiles:
                self._mistakes.unknown((*path, "profiles", index), "profile here", name, self._document.profiles)
            for position, entry in enumerate(self._document.profiles.get(name, [])):
                yield entry, ("profiles", name, position)

    # -- the target itself ---------------------------------------------------------------------------------------

    def _target(self, section: TargetSection, path: Location) -> Target:
        allowed = self._document.global_.labels
        for label in section.labels:
            if label not in allowed:
                self._mistakes.unknown((*path, "labels", label), "label in global.labels", label, allowed)
        return Target(
            section.name,
            Environment(section.environment),
            self._mailbox(section, path),
            MappingProxyType(self._urls(section, path)),
            MappingProxyType({name: section.labels.get(name, "") for name in allowed}),
            section.region or "",
            section.family or "",
            section.established,
            self._canary(section, path),
        )

    def _canary(self, section: TargetSection, path: Location) -> str | None:
        if section.canary is not None and section.mailbox is None and section.address_file is None:
            self._mistakes.add((*path, "canary"), "needs a mailbox or address_file: the item is in a mailbox")
        return section.canary

    def _mailbox(self, section: TargetSection, path: Location) -> str | None:
        if section.address_file is None:
            return self._address((*path, "mailbox"), section.mailbox)
        at = (*path, "address_file")
        if section.mailbox is not None:
            self._mistakes.add(at, "give mailbox or address_file, not both")
            return section.mailbox
        return self._address(at, self._files.content(at, section.address_file) or UNREAD)

    def _address(self, at: Location, address: str | None) -> str | None:
        trouble = mailbox_trouble(address) if address is not None else ""
        if trouble:
            self._mistakes.add(at, trouble)
        return address

    def _urls(self, section: TargetSection, path: Location) -> dict[str, str]:
        return dict(self._default_urls(section, path)) | self._given_urls(section.endpoints, path)

    def _given_urls(self, given: Mapping[str, str], path: Location) -> dict[str, str]:
        """Return those of the URLs at `path` whose names are known, after taking down what is wrong."""
        urls = {}
        for name, url in given.items():
            at = (*path, "endpoints", name)
            if name not in self._endpoints:
                self._mistakes.unknown(at, "endpoint", name, self._endpoints)
                continue
            trouble = url_trouble(url, MAIL if name == "imap4" else WEB)
            if trouble:
                self._mistakes.add(at, trouble)
            urls[name] = url
        return urls

    def _default_urls(self, section: TargetSection, path: Location) -> Mapping[str, str]:
        defaults = DEFAULTS[Environment(section.environment)]
        if section.environment == "exchange_online":
            if section.host is not None:
                message = "belongs to exchange_server; use endpoints to override single ones"
                self._mistakes.add((*path, "host"), message)
            return defaults
        if section.host is None:
            return {}
        if not is_host(section.host):
            self._mistakes.add((*path, "host"), "must be a host name without scheme, port or path")
        return {name: url.format(host=section.host) for name, url in defaults.items()}

    # -- its clients ---------------------------------------------------------------------------------------------

    def _check_profiles(self) -> None:
        """Check the entries of all profiles, of which some may serve no target yet."""
        for name, entries in self._document.profiles.items():
            for position, entry in enumerate(entries):
                at: Location = ("profiles", name, position)
                self._checked[at] = self._check(entry, at)

    def _assignment(self, entry: ClientEntry, at: Location, target: Target) -> Assignment | None:
        client, options = self._checked.get(at) or self._check(entry, at)
        if client is None:
            return None
        credential, depth = self._credential(entry), _depth(entry, client, target.environment)
        if depth is Depth.MAILBOX and credential is not None and target.mailbox is None:
            where = (*at, "depth") if entry.depth else at
            self._mistakes.add(where, f"depth mailbox needs a mailbox or address_file on target {target.name!r}")
        if entry.push and depth is not Depth.MAILBOX and _depth(entry, client) is Depth.MAILBOX:
            message = f"a push channel needs depth mailbox, and {client.name!r} goes to {depth} on {target.name!r}"
            self._mistakes.add((*at, "push"), f"{message} unless told otherwise by `depth`")
        if entry.endpoints:
            own = {**target.endpoints, **self._given_urls(entry.endpoints, at)}
            target = dataclasses.replace(target, endpoints=MappingProxyType(own))
        if client.endpoints[0] not in target.endpoints:
            message = f"target {target.name!r} has no endpoint {client.endpoints[0]!r}: give host or endpoints"
            self._mistakes.add(at, message)
        base = self._document.global_
        return Assignment(
            client.name,
            target,
            depth,
            entry.interval or base.interval or INTERVALS.get(client.name, client.interval),
            entry.timeout or base.timeout,
            entry.credential,
            credential.type.value if credential else "",
            entry.objective,
            frozenset(entry.steps),
            options,
            _push(entry.push),
            entry.push_credential,
        )

    def _credential(self, entry: ClientEntry) -> Credential | None:
        return self._document.credentials.get(entry.credential or "")

    def _check(self, entry: ClientEntry, at: Location) -> tuple[Client[Any] | None, Any]:
        """Check what can be said of an entry without its target; return client and options."""
        client = self._catalogue.get(entry.client)
        if entry.credential is not None and self._credential(entry) is None:
            credentials = self._document.credentials
            self._mistakes.unknown((*at, "credential"), "credential here", entry.credential, credentials)
        else:
            self._check_depth(entry, at, client)
        if client is None:
            self._mistakes.unknown((*at, "client"), "client", entry.client, self._catalogue)
            return None, None
        optional = [step.name for step in client.steps if step.opt_in]
        for index, step in enumerate(entry.steps):
            if step not in optional:
                self._mistakes.unknown((*at, "steps", index), f"opt-in step of {client.name}", step, optional)
        if entry.push and client.held is None:
            self._mistakes.add((*at, "push"), f"client {client.name!r} has no push channel")
        return client, self._options(entry, at, client)

    def _check_depth(self, entry: ClientEntry, at: Location, client: Client[Any] | None) -> None:
        depth, credential = _depth(entry, client), self._credential(entry)
        where = (*at, "depth") if entry.depth else at
        if depth is not Depth.REACH and credential is None:
            self._mistakes.add(where, f"depth {depth} needs a credential")
        elif depth is Depth.TOKEN and credential is not None and not credential.type.bearer:
            self._mistakes.add(where, f"depth token needs an OAuth credential, not one of type {credential.type}")
        elif entry.push and depth is not Depth.MAILBOX:
            self._mistakes.add((*at, "push"), "a push channel needs a credential and depth mailbox")
        elif client is not None and depth.rank > client.deepest.rank:
            self._mistakes.add(where, f"client {client.name!r} goes no deeper than {client.deepest}")
        if entry.push_credential is not None and entry.push_credential not in self._document.credentials:
            named = entry.push_credential
            self._mistakes.unknown((*at, "push_credential"), "credential here", named, self._document.credentials)
        if credential is not None and client is not None and _without_scope(credential, client):
            message = (
                f"client {client.name!r} asks for no OAuth scope of its own: credential {entry.credential!r} needs one"
            )
            self._mistakes.add((*at, "credential"), message)

    def _options(self, entry: ClientEntry, at: Location, client: Client[Any]) -> Any:
        """Return the client's own options, checked against its dataclass."""
        fields = [one.name for one in dataclasses.fields(client.options)]
        if client.name not in self._readers:
            self._readers[client.name] = TypeAdapter(client.options)
        for key in entry.options:
            if key not in fields:
                self._mistakes.unknown((*at, "options", key), f"option of {client.name}", key, fields)
        given = {key: value for key, value in entry.options.items() if key in fields}
        try:  # by way of JSON, because only there does pydantic make dataclasses of mappings without converting values
            return self._readers[client.name].validate_json(json.dumps(given), strict=True)
        except ValidationError as exc:
            for error in exc.errors(include_url=False):
                named = [part for part in error["loc"] if part in fields][:1]
                self._mistakes.add((*at, "options", *named), WANTED.get(error["type"]) or in_our_words(error["msg"]))
            return client.options()


def _depth(entry: ClientEntry, client: Client[Any] | None, environment: Environment | None = None) -> Depth:
    """Return how deep an entry goes: as it says, else as far as its client does there with a credential."""
    if entry.depth is not None or entry.credential is None:
        return entry.depth or Depth.REACH
    deepest = Depth.MAILBOX if client is None else client.deepest
    return deepest if client is None or environment is None else client.natural.get(environment, deepest)


def _without_scope(credential: Credential, client: Client[Any]) -> bool:
    """Whether a token service would be asked for nothing in particular."""
    named = credential.scope or credential.resource
    return credential.type.bearer and client.scopes is None and not named


def _push(push: bool | Push) -> PushSettings | None:  # noqa: FBT001 - as written in the file
    if isinstance(push, Push):
        return PushSettings(push.hold, push.life, push.marker or 0.0)
    return PushSettings() if push else None
