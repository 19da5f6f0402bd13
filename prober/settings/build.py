"""From a well-formed document to settings: the rules that look at more than one section.

Every rule adds its mistakes and goes on, so that one reading finds them all.
"""

import dataclasses
import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from prober.identity.spec import CredentialSpec, CredentialType
from prober.model import Assignment, PushSettings, Target
from prober.net.route import Family, PhaseLimits, Proxy, Route, TlsPolicy
from prober.secret import SecretSource, SecretUnreadableError
from prober.settings.document import (
    ClientEntry,
    Credential,
    Document,
    NetworkSection,
    ProxySection,
    Push,
    Section,
    TargetSection,
    Tls,
    WayOut,
)
from prober.settings.settings import MaintenanceWindow, PacingSettings, Problem, Settings
from prober.settings.source import Location
from prober.transaction import Client
from prober.vocabulary import Depth, Environment

CONTROL = "control"
INTERVALS = {"imap4": 60.0, "activesync": 60.0, "m365_signin": 60.0}
ONLINE = "https://outlook.office365.com"
EXCHANGE_ONLINE = {
    "activesync": f"{ONLINE}/Microsoft-Server-ActiveSync",
    "autodiscover": f"{ONLINE}/autodiscover/autodiscover.json",
    "imap4": "imaps://outlook.office365.com:993",
}
EXCHANGE_SERVER = {
    "activesync": "https://{host}/Microsoft-Server-ActiveSync",
    "imap4": "imaps://{host}:993",
}
WEB, MAIL = ("https", "http"), ("imaps", "imap")
PASSWORD, CLIENT_SECRET = ("password_file", "password_env"), ("client_secret_file", "client_secret_env")
NEEDS: Mapping[CredentialType, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        CredentialType.BASIC: (PASSWORD,),
        CredentialType.NTLM: (("username",), PASSWORD),
        CredentialType.NEGOTIATE: (("username",), PASSWORD),
        CredentialType.CLIENT_CREDENTIALS: (
            ("tenant", "token_url"),
            ("client_id",),
            (*CLIENT_SECRET, "certificate_file", "assertion_file"),
        ),
        CredentialType.REFRESH_TOKEN: (("tenant", "token_url"), ("client_id",), ("token_file",)),
        CredentialType.ROPC: (("tenant", "token_url"), ("client_id",), ("username",), PASSWORD),
        CredentialType.MANAGED_IDENTITY: (("resource",),),
    }
)
MAY: Mapping[CredentialType, frozenset[str]] = MappingProxyType(
    {
        CredentialType.BASIC: frozenset({"username"}),
        CredentialType.NTLM: frozenset(),
        CredentialType.NEGOTIATE: frozenset(),
        CredentialType.CLIENT_CREDENTIALS: frozenset({"tenant", "token_url", "authority", "scope"}),
        CredentialType.REFRESH_TOKEN: frozenset(
            {"tenant", "token_url", "authority", "scope", "certificate_file", *CLIENT_SECRET}
        ),
        CredentialType.ROPC: frozenset({"tenant", "token_url", "authority", "scope", *CLIENT_SECRET}),
        CredentialType.MANAGED_IDENTITY: frozenset({"client_id", "token_url"}),
    }
)
ALWAYS = frozenset({"type", "expires_at"})


class Places(Protocol):
    """Where things stand: what the merged files know."""

    def problem(self, path: Location, message: str) -> Problem:
        """Return a mistake at `path`."""

    def origin(self, path: Location) -> tuple[Any, Location, Path]:
        """Return source, path there and folder."""


class Builder:
    """Builds settings from one document; `build` is called once."""

    def __init__(
        self, document: Document, places: Places, catalogue: Mapping[str, Client[Any]], *, check_files: bool
    ) -> None:
        self._document = document
        self._places = places
        self._catalogue = catalogue
        self._check_files = check_files
        self._problems: list[Problem] = []

    def build(self, storage_path: str | None, problems: list[Problem]) -> Settings | None:
        """Return the settings, or `None` after adding what is wrong to `problems`."""
        document = self._document
        credentials = {name: self._credential(name, one) for name, one in document.credentials.items()}
        token_route = self._route(document.token_service, ("token_service",))
        routes, assignments = self._targets()
        control_of = self._controls(routes, assignments)
        maintenance = tuple(self._window(index) for index in range(len(document.maintenance)))
        if not assignments and not self._problems:
            self._wrong(("targets",), "there is nothing to probe: name at least one target with a client")
        problems += self._problems
        if self._problems:
            return None
        storage = storage_path or self._path(("storage", "path"), document.storage.path)
        return Settings(
            vantage=document.global_.vantage,
            storage_path=storage,
            assignments=tuple(assignments),
            credentials=MappingProxyType(credentials),
            routes=MappingProxyType(routes),
            token_route=token_route,
            control_of=MappingProxyType(control_of),
            control_interval=document.control.interval if document.control else 60.0,
            fingerprints=MappingProxyType(
                {one.key: self._fingerprint(one, routes, credentials) for one in assignments}
            ),
            pacing=PacingSettings(document.pacing.rate, document.pacing.ceiling),
            user_agent=document.global_.user_agent,
            label_names=tuple(document.global_.labels),
            maintenance=tuple(one for one in maintenance if one is not None),
        )

    def _wrong(self, path: Location, message: str) -> None:
        problem = self._places.problem(path, message)
        if problem not in self._problems:  # what stands at `global` is read for every way out
            self._problems.append(problem)

    # -- files ---------------------------------------------------------------------------------------------------

    def _path(self, path: Location, name: str | None) -> str | None:
        """Return the file named at `path`, relative to the file that names it."""
        return None if name is None else str(self._places.origin(path)[2] / name)

    def _readable(self, path: Location, name: str | None) -> str | None:
        """Return the file named at `path`; one that cannot be read is a mistake."""
        file = self._path(path, name)
        if file is not None and self._check_files:
            try:
                Path(file).read_bytes()
            except OSError as exc:
                self._wrong(path, f"{name} cannot be read: {exc.strerror or type(exc).__name__}")
        return file

    def _pem(self, path: Location, name: str | None, marks: Iterable[str]) -> str | None:
        """Return the PEM file named at `path`; it must hold one of each of `marks`."""
        before = len(self._problems)
        file = self._readable(path, name)
        if file is not None and self._check_files and len(self._problems) == before:
            text = Path(file).read_bytes().decode("ascii", "replace")
            missing = [mark for mark in marks if f"{mark}-----" not in text]
            if missing:
                self._wrong(path, f"{name} holds no {missing[0].lower()} in PEM form")
        return file

    def _secret(self, path: Location, section: Section, name: str) -> SecretSource | None:
        """Return where the secret `name` of `section` lies; two places, or an unreadable one, are a mistake."""
        file, environment = getattr(section, f"{name}_file"), getattr(section, f"{name}_env")
        if file is None and environment is None:
            return None
        if file is not None and environment is not None:
            self._wrong((*path, f"{name}_env"), f"give {name}_file or {name}_env, not both")
            return None
        source = SecretSource(self._path((*path, f"{name}_file"), file), environment)
        if self._check_files:
            try:
                secret = source.read()
            except SecretUnreadableError as exc:
                self._wrong((*path, f"{name}_{'file' if file else 'env'}"), str(exc))
            else:
                if not secret:
                    self._wrong((*path, f"{name}_{'file' if file else 'env'}"), "is empty")
        return source

    # -- credentials ---------------------------------------------------------------------------------------------

    def _credential(self, name: str, one: Credential) -> CredentialSpec:
        path: Location = ("credentials", name)
        self._check_keys(path, one)
        if one.authority is not None:
            self._url((*path, "authority"), one.authority, WEB)
        if one.token_url is not None:
            self._url((*path, "token_url"), one.token_url, WEB)
        certificate = self._pem((*path, "certificate_file"), one.certificate_file, ("CERTIFICATE", "PRIVATE KEY"))
        spec = CredentialSpec(
            name,
            one.type,
            username=one.username or "",
            password=self._secret(path, one, "password"),
            tenant=one.tenant or "",
            client_id=one.client_id or "",
            client_secret=self._secret(path, one, "client_secret"),
            certificate_file=certificate,
            assertion_file=self._readable((*path, "assertion_file"), one.assertion_file),
            token_file=self._readable((*path, "token_file"), one.token_file),
            resource=one.resource or "",
            token_url=one.token_url,
            scope=one.scope,
            expires_at=self._time((*path, "expires_at"), one.expires_at) if one.expires_at else None,
        )
        return dataclasses.replace(spec, authority=one.authority.rstrip("/")) if one.authority else spec

    def _check_keys(self, path: Location, one: Credential) -> None:
        """Check that the credential has what its type needs, once, and nothing that its type does not know."""
        given = [key for key in one.model_fields_set if getattr(one, key) is not None]
        useful = {key for group in NEEDS[one.type] for key in group} | MAY[one.type] | ALWAYS
        for key in sorted(set(given) - useful):
            self._wrong((*path, key), f"means nothing to a credential of type {one.type}")
        for group in NEEDS[one.type]:
            if not any(key in given for key in group):
                self._wrong(path, f"type {one.type} needs {' or '.join(group)}")
        proofs = ("client_secret_file", "client_secret_env", "certificate_file", "assertion_file")
        doubled = [key for key in proofs if key in given]
        if len(doubled) > 1 and {key.rpartition("_")[0] for key in doubled} != {"client_secret"}:
            self._wrong((*path, doubled[1]), f"give one of {' and '.join(doubled)}, not both")

    # -- ways out ------------------------------------------------------------------------------------------------

    def _route(self, section: WayOut, path: Location) -> Route:
        """Return the way out that `section` describes, `global` filling what it leaves open."""
        base = self._document.global_
        if section is not base:
            tls, network = _overlay(base.tls, section.tls), _overlay(base.network, section.network)
        else:
            tls, network = base.tls, base.network
        return Route(
            tls=self._tls(tls, section, path),
            proxy=self._proxy(section, path),
            no_proxy=self._no_proxy(section),
            family=self._family(network),
            source_address=self._address(
                self._owner(section, path, "network", "source_address"), network.source_address
            ),
            resolver=tuple(self._resolver(self._owner(section, path, "network", "resolver"), network)),
            connect_to=MappingProxyType(dict(network.connect_to or {})),
            limits=PhaseLimits(),
        )

    def _owner(self, section: WayOut, path: Location, part: str, key: str) -> Location:
        """Return where `part.key` really stands: at the section itself or at `global`."""
        own = getattr(getattr(section, part), key)
        return (*path, part, key) if own is not None else ("global", part, key)

    def _tls(self, tls: Tls, section: WayOut, path: Location) -> TlsPolicy:
        def at(key: str) -> Location:
            return self._owner(section, path, "tls", key)

        own_key = tls.key_file is None
        marks = ("CERTIFICATE", "PRIVATE KEY") if own_key else ("CERTIFICATE",)
        if tls.key_file is not None and tls.certificate_file is None:
            self._wrong(at("key_file"), "needs certificate_file beside it")
        return TlsPolicy(
            ca_file=self._pem(at("ca_file"), tls.ca_file, ("CERTIFICATE",)),
            server_name=tls.server_name,
            certificate_file=self._pem(at("certificate_file"), tls.certificate_file, marks),
            key_file=self._pem(at("key_file"), tls.key_file, ("PRIVATE KEY",)),
            minimum_version=tls.minimum_version or "1.2",
        )

    def _choice(self, section: WayOut) -> ProxySection | None:
        chosen = section.proxy if section.proxy is not None else self._document.global_.proxy
        return chosen if isinstance(chosen, ProxySection) else None

    def _proxy(self, section: WayOut, path: Location) -> Proxy | None:
        chosen = self._choice(section)
        if chosen is None:
            return None
        where: Location = (*(path if section.proxy is not None else ("global",)), "proxy")
        self._url((*where, "url"), chosen.url, ("http",))
        source = self._secret(where, chosen, "password")
        password = None
        if source is not None and self._check_files and not self._problems:
            password = source.read()
        return Proxy(chosen.url, chosen.username, password)

    def _no_proxy(self, section: WayOut) -> tuple[str, ...]:
        chosen = self._choice(section)
        return tuple(chosen.no_proxy) if chosen else ()

    def _family(self, network: NetworkSection) -> Family:
        return network.family or "auto"

    def _address(self, path: Location, text: str | None) -> str | None:
        if text is not None:
            try:
                ipaddress.ip_address(text)
            except ValueError:
                self._wrong(path, f"{text!r} is not an IP address")
        return text

    def _resolver(self, path: Location, network: NetworkSection) -> Iterable[str]:
        for server in network.resolver or []:
            host, colon, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "53")
            self._address(path, host.strip("[]"))
            if colon and not (port.isdigit() and 0 < int(port) < 65_536):
                self._wrong(path, f"{server!r} has no valid port")
            yield server

    def _url(self, path: Location, text: str, schemes: tuple[str, ...]) -> None:
        try:
            parts = urlsplit(text)
            good = bool(parts.hostname) and parts.scheme in schemes and parts.port != 0
        except ValueError:
            good = False
        if not good or any(character.isspace() for character in text):
            self._wrong(path, f"must be a URL such as {schemes[0]}://host/")
        elif "@" in parts.netloc:
            self._wrong(path, "must not hold a user name or password")

    # -- targets -------------------------------------------------------------------------------------------------

    def _targets(self) -> tuple[dict[str, Route], list[Assignment]]:
        routes: dict[str, Route] = {}
        assignments: list[Assignment] = []
        for index, section in enumerate(self._document.targets):
            path: Location = ("targets", index)
            if section.name in routes or section.name.split("-")[0] == CONTROL:
                taken = "is taken by the control" if section.name not in routes else "is the name of two targets"
                self._wrong((*path, "name"), f"{section.name!r} {taken}")
                continue
            routes[section.name] = self._route(section, path)
            assignments += self._assignments(section, path)
        return routes, assignments

    def _assignments(self, section: TargetSection, path: Location) -> list[Assignment]:
        target = self._target(section, path)
        found: list[Assignment] = []
        for entry, where in self._entries(section, path):
            assignment = self._assignment(entry, where, target)
            if assignment is None:
                continue
            if any(one.client == assignment.client for one in found):
                self._wrong(where, f"client {assignment.client!r} stands twice on target {target.name!r}")
                continue
            found.append(assignment)
        return found

    def _entries(self, section: TargetSection, path: Location) -> list[tuple[ClientEntry, Location]]:
        entries = [(entry, (*path, "clients", index)) for index, entry in enumerate(section.clients)]
        for index, name in enumerate(section.profiles):
            if name not in self._document.profiles:
                self._unknown((*path, "profiles", index), "profile", name, self._document.profiles)
                continue
            named = self._document.profiles[name]
            entries += [(entry, ("profiles", name, position)) for position, entry in enumerate(named)]
        if not entries and not section.profiles:
            self._wrong(path, "has neither clients nor profiles: it would never be probed")
        return entries

    def _target(self, section: TargetSection, path: Location) -> Target:
        for label in section.labels:
            if label not in self._document.global_.labels:
                self._unknown((*path, "labels", label), "label", label, self._document.global_.labels)
        return Target(
            section.name,
            Environment(section.environment),
            self._mailbox(section, path),
            MappingProxyType(self._endpoints(section, path)),
            MappingProxyType({name: section.labels.get(name, "") for name in self._document.global_.labels}),
            section.region or "",
            section.family or "",
            section.established,
        )

    def _mailbox(self, section: TargetSection, path: Location) -> str | None:
        address = section.mailbox
        if section.address_file is not None:
            if address is not None:
                self._wrong((*path, "address_file"), "give mailbox or address_file, not both")
                return address
            file = self._readable((*path, "address_file"), section.address_file)
            if file is None or not self._check_files or not Path(file).is_file():
                return "unread@address.invalid"
            address = Path(file).read_text(encoding="utf-8", errors="replace").strip()
        if address is not None and not _is_address(address):
            self._wrong((*path, "mailbox" if section.mailbox else "address_file"), "must be an address: name@domain")
        return address

    def _endpoints(self, section: TargetSection, path: Location) -> dict[str, str]:
        known = sorted(
            {name for client in self._catalogue.values() for name in client.endpoints} | set(EXCHANGE_ONLINE)
        )
        endpoints: dict[str, str] = {}
        if section.environment == "exchange_online":
            endpoints.update(EXCHANGE_ONLINE)
            if section.host is not None:
                self._wrong((*path, "host"), "belongs to exchange_server; use endpoints to override single ones")
        elif section.host is not None:
            if not _is_host(section.host):
                self._wrong((*path, "host"), "must be a host name without scheme, port or path")
            endpoints.update({name: url.format(host=section.host) for name, url in EXCHANGE_SERVER.items()})
        for name, url in section.endpoints.items():
            if name not in known or name.startswith(CONTROL):
                self._unknown((*path, "endpoints", name), "endpoint", name, known)
                continue
            self._url((*path, "endpoints", name), url, MAIL if name == "imap4" else WEB)
            endpoints[name] = url
        return endpoints

    def _assignment(self, entry: ClientEntry, where: Location, target: Target) -> Assignment | None:
        client = self._catalogue.get(entry.client)
        if client is None or entry.client == CONTROL:
            self._unknown((*where, "client"), "client", entry.client, [n for n in self._catalogue if n != CONTROL])
            return None
        depth = entry.depth or (Depth.MAILBOX if entry.credential else Depth.REACH)
        credential = self._document.credentials.get(entry.credential or "")
        if entry.credential is not None and credential is None:
            self._unknown((*where, "credential"), "credential", entry.credential, self._document.credentials)
            return None
        self._check_depth(entry, where, depth, target, credential)
        if client.endpoints[0] not in target.endpoints:
            self._wrong(
                where, f"target {target.name!r} has no endpoint {client.endpoints[0]!r}: give host or endpoints"
            )
        self._check_steps(entry, where, client)
        if entry.push and client.held is None:
            self._wrong((*where, "push"), f"client {client.name!r} has no push channel")
        if entry.push and depth is not Depth.MAILBOX:
            self._wrong((*where, "push"), "a push channel needs a credential and depth mailbox")
        return Assignment(
            client.name,
            target,
            depth,
            entry.interval or self._document.global_.interval or INTERVALS.get(client.name, client.interval),
            entry.timeout or self._document.global_.timeout,
            entry.credential,
            credential.type.value if credential else "",
            entry.objective,
            frozenset(entry.steps),
            self._options(entry, where, client),
            _push(entry.push),
        )

    def _check_depth(
        self, entry: ClientEntry, where: Location, depth: Depth, target: Target, credential: Credential | None
    ) -> None:
        at = (*where, "depth") if entry.depth else where
        if depth is not Depth.REACH and credential is None:
            self._wrong(at, f"depth {depth} needs a credential")
        elif depth is Depth.TOKEN and credential is not None and not credential.type.bearer:
            self._wrong(at, f"depth token needs an OAuth credential, not one of type {credential.type}")
        elif depth is Depth.MAILBOX and target.mailbox is None:
            self._wrong(at, f"depth mailbox needs a mailbox or address_file on target {target.name!r}")

    def _check_steps(self, entry: ClientEntry, where: Location, client: Client[Any]) -> None:
        optional = [step.name for step in client.steps if step.opt_in]
        for index, step in enumerate(entry.steps):
            if step not in optional:
                self._unknown((*where, "steps", index), f"opt-in step of {client.name}", step, optional)

    def _options(self, entry: ClientEntry, where: Location, client: Client[Any]) -> Any:
        """Return the client's own options, checked against its dataclass."""
        fields = {one.name for one in dataclasses.fields(client.options)}
        for key in entry.options:
            if key not in fields:
                self._unknown((*where, "options", key), f"option of {client.name}", key, fields)
        given = {key: value for key, value in entry.options.items() if key in fields}
        try:
            return TypeAdapter(client.options).validate_python(given)
        except ValidationError as exc:
            for error in exc.errors(include_url=False):
                loc = tuple(part for part in error["loc"] if part in fields)
                message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
                self._wrong((*where, "options", *loc), message)
            return client.options()

    def _unknown(self, path: Location, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}" if known else ""
        self._wrong(
            path,
            f"{name!r} is no {what} of this configuration{hint}" if what in _OURS else f"{name!r} is no {what}{hint}",
        )

    # -- control and maintenance -------------------------------------------------------------------------------

    def _controls(self, routes: dict[str, Route], assignments: list[Assignment]) -> dict[str, str]:
        """Add one control per distinct way out; return which control speaks for which target."""
        control = self._document.control
        if control is None:
            return {}
        path: Location = ("control",)
        for index, url in enumerate(control.urls):
            self._url((*path, "urls", index), url, WEB)
        own = self._route(control, path)
        used = {one.target.name for one in assignments}
        ways = Counter(_way(route) for name, route in routes.items() if name in used)
        names = {
            way: CONTROL if number == 0 else f"{CONTROL}-{number + 1}"
            for number, (way, _) in enumerate(ways.most_common())
        }
        control_of = {name: names[_way(route)] for name, route in routes.items() if name in used}
        chosen = control.model_fields_set
        for name in dict.fromkeys(control_of.values()):
            alike = next(routes[target] for target, spoken in control_of.items() if spoken == name)
            routes[name] = dataclasses.replace(
                own,
                proxy=own.proxy if "proxy" in chosen else alike.proxy,
                no_proxy=own.no_proxy if "proxy" in chosen else alike.no_proxy,
                family=own.family if "network" in chosen else alike.family,
                source_address=own.source_address if "network" in chosen else alike.source_address,
                resolver=own.resolver if "network" in chosen else alike.resolver,
            )
            assignments.append(self._control(name))
        return control_of

    def _control(self, name: str) -> Assignment:
        control = self._document.control
        assert control is not None  # noqa: S101 - called only where there is one
        endpoints = {
            CONTROL if number == 0 else f"{CONTROL}_{number + 1}": url for number, url in enumerate(control.urls)
        }
        labels = MappingProxyType(dict.fromkeys(self._document.global_.labels, ""))
        target = Target(name, Environment.INDEPENDENT, endpoints=MappingProxyType(endpoints), labels=labels)
        options = self._catalogue[CONTROL].options() if CONTROL in self._catalogue else None
        return Assignment(CONTROL, target, Depth.REACH, control.interval, control.timeout, options=options)

    def _window(self, index: int) -> MaintenanceWindow | None:
        section, path = self._document.maintenance[index], ("maintenance", index)
        start, end = self._time((*path, "start"), section.start), self._time((*path, "end"), section.end)
        names = [target.name for target in self._document.targets]
        for position, name in enumerate(section.targets):
            if name not in names:
                self._unknown((*path, "targets", position), "target", name, names)
        if start is None or end is None:
            return None
        if end <= start:
            self._wrong((*path, "end"), "must be later than start")
        every = None if section.every is None else timedelta(seconds=section.every)
        if every is not None and every < end - start:
            self._wrong((*path, "every"), "must not be shorter than the window itself")
        return MaintenanceWindow(start, end, every, frozenset(section.targets))

    def _time(self, path: Location, text: str) -> datetime | None:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            when = None
        if when is None or when.tzinfo is None:
            self._wrong(path, "must be a time with its zone, such as 2026-11-30T22:00:00Z")
            return None
        return when

    def _fingerprint(
        self, one: Assignment, routes: Mapping[str, Route], credentials: Mapping[str, CredentialSpec]
    ) -> str:
        """Hash all that is configured for an assignment; what secrets hold is not among it."""
        route = routes[one.target.name]
        parts = {
            "assignment": [one.client, one.depth, one.credential, sorted(one.steps), repr(one.options)],
            "target": [one.target.environment, one.target.mailbox, sorted(one.target.endpoints.items())],
            "route": [repr(route.tls), *_way(route), sorted(route.connect_to.items())],
            "credential": repr(credentials.get(one.credential or "")),
            "agent": self._document.global_.user_agent,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


_OURS = {"profile", "label", "credential", "target"}


def _overlay(base: Any, own: Any) -> Any:
    """Return `own` with what it leaves open taken from `base`."""
    taken = {key: getattr(base, key) for key in type(own).model_fields if getattr(own, key) is None}
    return own.model_copy(update=taken)


def _way(route: Route) -> tuple[Any, ...]:
    """Return what makes two ways out the same for a control: all but trust and single addresses."""
    proxy = (route.proxy.url, route.proxy.username) if route.proxy else None
    return (proxy, route.no_proxy, route.resolver, route.source_address, route.family)


def _push(push: bool | Push) -> PushSettings | None:  # noqa: FBT001 - as written in the file
    if isinstance(push, Push):
        return PushSettings(push.hold, push.life)
    return PushSettings() if push else None


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(at and local and domain) and not any(one.isspace() or not one.isprintable() for one in text)


def _is_host(text: str) -> bool:
    return not any(one in text for one in "/:@ ") and text.isprintable()
