"""The control interface: looks into the tenant, delivers mail, and lets things go wrong, over HTTP on loopback.

Rule of this file: only programs of this machine are served. A page in a browser that talks to it, under another name
or from another site, is refused before anything is done.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Any

from prober.simulator.document import DocumentError, meant
from prober.simulator.faults.read import Incident, read_faults, read_incident
from prober.simulator.faults.weather import Running, Weather
from prober.simulator.http.message import Fields, Reply, Request, json_reply
from prober.simulator.inventory import fault_as_data, running_as_data, strike_as_data, tenant_as_data
from prober.simulator.mailbox import Item, Mailbox
from prober.simulator.orders import NAME, Begin, Delivery, End, Entry, Lifetime, body_of, order, plain
from prober.simulator.service import Premises
from prober.simulator.tenant import Tenant
from prober.simulator.tokens import Doorkeeper

HERE = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
LARGEST = 1024 * 1024
"""Bytes of a body; orders are short."""
PAGE = 1000
"""Strikes in one reply."""
SET = "faults"
"""The id of an incident made of faults that are set by themselves."""
HELP = """\
The control interface of the simulated tenant. Bodies are JSON or YAML, replies are JSON.

GET    /state                 sites, hosts, mailboxes, applications, incidents that are on
POST   /deliver               {mailbox, subject?, body?, folder?, age_min?}
POST   /schedule              {mailbox, subject, start, end}   times in ISO 8601 with an offset
GET    /faults                the faults set here
PUT    /faults                a list of faults, or one incident; replaces those set here before
DELETE /faults                ends them
GET    /incidents             the catalogue
POST   /incidents/{id}        {scale?}   begins one; scale: how many times faster it unfolds
DELETE /incidents/{id}        {now?}     ends one; now: without dying down
GET    /strikes?since=N       what struck after strike N
PUT    /token-lifetime        {seconds}  of tokens issued from now on
"""

Handler = Callable[[Request], Reply]


class _Refused(Exception):  # noqa: N818 - a signal: it becomes the reply
    """A request is not done; `lines` say why."""

    def __init__(self, status: int, lines: Iterable[str], headers: Fields = ()) -> None:
        super().__init__(status)
        self.reply = json_reply({"errors": list(lines)}, status, headers)


class Control:
    """Answers whoever rehearses. `catalogue`: the incidents that can be started by their id."""

    def __init__(
        self,
        tenant: Tenant,
        weather: Weather,
        premises: Premises,
        doorkeeper: Doorkeeper,
        catalogue: Sequence[Incident],
    ) -> None:
        self._tenant = tenant
        self._weather = weather
        self._premises = premises
        self._doorkeeper = doorkeeper
        self._catalogue: Mapping[str, Incident] = MappingProxyType({one.id: one for one in catalogue})
        self._set = ""
        self._set_incident = Incident(SET)
        self._routes: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
            {
                "/": {"GET": self._help},
                "/state": {"GET": self._state},
                "/deliver": {"POST": self._deliver},
                "/schedule": {"POST": self._schedule},
                "/faults": {"GET": self._faults, "PUT": self._set_faults, "DELETE": self._clear_faults},
                "/incidents": {"GET": self._incidents},
                "/incidents/": {"POST": self._begin, "DELETE": self._end},
                "/strikes": {"GET": self._strikes},
                "/token-lifetime": {"PUT": self._lifetime},
            }
        )

    async def answer(self, request: Request) -> Reply:
        """Do what is asked. Refusals are JSON: `{"errors": [line, …]}`."""
        try:
            _guard(request)
            return self._handler(request)(request)
        except _Refused as refused:
            return refused.reply
        except DocumentError as exc:
            return json_reply({"errors": list(exc.problems)}, 400)

    def _handler(self, request: Request) -> Handler:
        one = request.path.startswith("/incidents/") and request.path != "/incidents/"
        methods = None if request.path == "/incidents/" else self._routes.get("/incidents/" if one else request.path)
        if methods is None:
            raise _Refused(404, [f"there is no {request.path}; GET / says what there is"])
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(methods)
            raise _Refused(405, [f"{request.path} takes {allowed}"], (("Allow", allowed),))
        return handler

    def _help(self, request: Request) -> Reply:
        return Reply(200, (("Content-Type", "text/plain; charset=utf-8"),), HELP.encode())

    def _state(self, request: Request) -> Reply:
        now = self._tenant.clocks.monotonic()
        found = tenant_as_data(self._tenant, self._premises.hosts)
        found["token_lifetime"] = self._doorkeeper.lifetime
        found["incidents"] = [running_as_data(one, now) for one in self._weather.running]
        return json_reply(found)

    def _deliver(self, request: Request) -> Reply:
        wanted = order(Delivery, body_of(request.body))
        mailbox = self._mailbox(wanted.mailbox)
        received = self._tenant.clocks.now() - wanted.age
        item = mailbox.deliver(wanted.subject, body=wanted.body, folder=wanted.kind, received=received)
        return _created(mailbox, item)

    def _schedule(self, request: Request) -> Reply:
        wanted = order(Entry, body_of(request.body))
        mailbox = self._mailbox(wanted.mailbox)
        item = mailbox.schedule(wanted.subject, wanted.start.astimezone(UTC), wanted.end.astimezone(UTC))
        return _created(mailbox, item)

    def _mailbox(self, address: str) -> Mailbox:
        found = self._tenant.mailbox(address)
        if found is None:
            near = meant(address.lower(), self._tenant.mailboxes)
            raise _Refused(400, [f"{NAME}: mailbox: there is no {address!r}{near}"])
        return found

    def _faults(self, request: Request) -> Reply:
        on = [one for one in self._weather.running if one.id == self._set]
        return json_reply(
            {
                "running": on[0].id if on else "",
                "faults": [fault_as_data(one) for one in self._set_incident.faults] if on else [],
            }
        )

    def _set_faults(self, request: Request) -> Reply:
        document = plain(body_of(request.body))
        if isinstance(document.data, dict):
            incident = read_incident(document.data, document)
        else:
            incident = Incident(SET, faults=read_faults(document.data, document))
        self._weather.end(self._set, now=True)
        self._set = self._weather.begin(incident) if incident.faults else ""
        self._set_incident = incident
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Reply:
        self._weather.end(self._set, now=True)
        self._set = ""
        return self._faults(request)

    def _incidents(self, request: Request) -> Reply:
        on = self._weather.running
        return json_reply(
            [
                {
                    "id": one.id,
                    "title": one.title,
                    "decoy": one.decoy,
                    "running": any(running.incident is one for running in on),
                }
                for one in self._catalogue.values()
            ]
        )

    def _begin(self, request: Request) -> Reply:
        incident = self._known(request)
        wanted = order(Begin, body_of(request.body))
        if self._on(incident):
            raise _Refused(409, [f"{incident.id} is on already"])
        name = self._weather.begin(incident, scale=wanted.scale)
        return json_reply({"running": name, "id": incident.id, "title": incident.title}, 201)

    def _end(self, request: Request) -> Reply:
        incident = self._known(request)
        wanted = order(End, body_of(request.body))
        found = self._on(incident)
        for one in found:
            self._weather.end(one.id, now=wanted.now)
        return json_reply({"ended": [one.id for one in found]})

    def _known(self, request: Request) -> Incident:
        name = request.path.removeprefix("/incidents/")
        found = self._catalogue.get(name)
        if found is None:
            raise _Refused(404, [f"there is no incident {name!r}{meant(name, self._catalogue)}"])
        return found

    def _on(self, incident: Incident) -> list[Running]:
        return [one for one in self._weather.running if one.incident is incident]

    def _strikes(self, request: Request) -> Reply:
        since = request.query.get("since", "0")
        if not re.fullmatch(r"[0-9]{1,15}", since):
            raise _Refused(400, ["since: must be the number of a strike"])
        found = self._weather.strikes_since(int(since))
        return json_reply({"strikes": [strike_as_data(one) for one in found[:PAGE]], "more": len(found) > PAGE})

    def _lifetime(self, request: Request) -> Reply:
        self._doorkeeper.lifetime = order(Lifetime, body_of(request.body)).seconds
        return json_reply({"seconds": self._doorkeeper.lifetime})


def _guard(request: Request) -> None:
    """Refuse names that are not this machine's (a name rebound to loopback) and requests of other sites' pages."""
    names = [value for key, value in request.headers if key == "host"]
    if len(names) != 1 or not HERE.fullmatch(names[0]):
        raise _Refused(421, ["this is 127.0.0.1, and answers to no other name"])
    if any(key == "origin" and value.lower() != f"http://{names[0].lower()}" for key, value in request.headers):
        raise _Refused(403, ["pages of other sites have no business here"])
    if len(request.body) > LARGEST:
        raise _Refused(413, [f"a body has {LARGEST} bytes at most"])


def _created(mailbox: Mailbox, item: Item) -> Reply:
    made: dict[str, Any] = {
        "mailbox": mailbox.address,
        "folder": item.folder.value,
        "uid": item.uid,
        "sequence": item.sequence,
        "received": item.received.isoformat(),
        "message_id": item.message_id,
    }
    return json_reply(made, 201)
