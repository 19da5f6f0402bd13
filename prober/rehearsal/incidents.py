"""The panel of the rehearsal on the status page: which incidents there are, which run, and what is thought of whom."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from prober.detect.group import State
from prober.observe.markup import escaped, listing, section
from prober.rehearsal.bulletins import Bulletins
from prober.rehearsal.groups import Groups
from prober.simulator.faults.read import Incident
from prober.simulator.faults.weather import Weather

PLACE = "/rehearsal/incidents/{id}/{what}"
LOOPBACK = ("127.", "::1", "::ffff:127.")


class Incidents:
    """Starts and ends incidents of a catalogue. `scale`: how many times faster than in life they unfold.

    Only peers on this machine may, and no page of somebody else's on their behalf. `bulletins` has the operator speak
    of them.
    """

    name = "rehearsal"
    place = "below"

    def __init__(
        self,
        weather: Weather,
        catalogue: Sequence[Incident],
        groups: Groups,
        clients: Sequence[str],
        *,
        scale: float,
        bulletins: Bulletins,
    ) -> None:
        self._weather = weather
        self._bulletins = bulletins
        self._catalogue = {incident.id: incident for incident in catalogue if concerns(incident, clients)}
        self._groups = groups
        self._scale = scale
        self._running: dict[str, str] = {}

    @property
    def routes(self) -> Sequence[Route]:
        """Start and end, by POST."""
        return (Route(PLACE, self._act, methods=["POST"]),)

    @property
    def known(self) -> Sequence[str]:
        """The ids that can be started."""
        return tuple(self._catalogue)

    def begin(self, name: str) -> None:
        """Start an incident unless it is on. Raises `KeyError` for one that is not known."""
        if name not in self._running:
            self._running[name] = self._weather.begin(self._catalogue[name], scale=self._scale)
            self._bulletins.begin(self._catalogue[name])

    def end(self, name: str) -> None:
        """End an incident at once. Raises `KeyError` for one that is not on."""
        self._weather.end(self._running.pop(name), now=True)
        self._bulletins.end(self._catalogue[name])

    def data(self) -> dict[str, Any]:
        """Return groups with their states, and incidents with whether they are on."""
        return {
            "groups": [
                {
                    "client": group.client,
                    "region": group.region,
                    "environment": group.environment.value,
                    "state": named(self._groups.state(group)),
                }
                for group in self._groups
            ],
            "incidents": [
                {"id": one.id, "title": one.title, "running": one.id in self._running}
                for one in self._catalogue.values()
            ],
        }

    def page(self) -> str:
        """Return a button for each incident."""
        return section(
            "rehearsal", "Incidents to start", listing(map(self._incident, self._catalogue.values()), "acts")
        )

    def _incident(self, incident: Incident) -> str:
        on = incident.id in self._running
        name, act = escaped(incident.id), "end" if on else "begin"
        label = f"{act.replace('begin', 'start').capitalize()} {name}"
        state = '<span class="v failing"><i aria-hidden=true>●</i>on</span>' if on else ""
        return (
            f"<form method=post action=rehearsal/incidents/{name}/{act}>"
            f'<button id="act-{name}" class={act}>{label}</button></form><span>{escaped(incident.title)} {state}</span>'
        )

    async def _act(self, request: Request) -> Response:
        if not trusted(request):
            return PlainTextResponse("only from this machine, and only from this page\n", status_code=403)
        acts: Mapping[str, Callable[[str], None]] = {"begin": self.begin, "end": self.end}
        try:
            acts[request.path_params["what"]](request.path_params["id"])
        except KeyError:
            return PlainTextResponse("no such incident, or it is not on\n", status_code=404)
        return RedirectResponse("/", status_code=303)


def named(state: State) -> str:
    """Return a state in words."""
    return state.name.lower().replace("_", " ")


def concerns(incident: Incident, clients: Sequence[str]) -> bool:
    """Whether one of `clients` would feel it: an incident that nobody here can see is no use in the menu."""
    struck = {client for fault in incident.faults for client in fault.clients}
    return bool(struck & {"all", *clients})


def trusted(request: Request) -> bool:
    """Whether a request comes from this machine, and not from another page in somebody's browser."""
    peer = request.client.host if request.client else ""
    origin = request.headers.get("origin", "")
    own = origin.partition("://")[2] == request.headers.get("host", "") if origin else True
    return (
        peer.startswith(LOOPBACK) and own and request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    )
