"""How things are, in one sentence for whoever glances at the page: who fails, since when, how much, whose fault.

Rule of this file: nothing is decided here; what the detector and the blame say is put into words.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prober.blame.blame import Blame
from prober.detect.detector import Detector
from prober.detect.explain import listed, moment, parted, percent
from prober.detect.group import Group, GroupKind, State
from prober.observe.markup import escaped
from prober.observe.status import Row
from prober.vocabulary import Domain

WORST_FIRST = (State.FAILING, State.RECOVERING, State.SUSPECT, State.NO_DATA, State.LEARNING, State.HEALTHY)
SUCCEEDED = frozenset({"ok", "slow"})
PENDING = "pending"
WHO: Mapping[GroupKind, str] = {
    GroupKind.CLIENT: "{name}",
    GroupKind.CELL: "{name}",
    GroupKind.VANTAGE: "Every client from {name}",
    GroupKind.FAMILY: "What {name} carries",
    GroupKind.FLEET: "Everything",
    GroupKind.PUSH: "Push of {name}",
    GroupKind.THROTTLED: "Throttled: {name}",
}
"""How a group is called; those that say most of the trouble come first."""


class Mood(StrEnum):
    """How the page looks at a glance."""

    WELL = "well"
    WATCH = "watch"
    TROUBLE = "trouble"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Headline:
    """One sentence, and a second one with the numbers behind it."""

    mood: Mood
    words: str
    detail: str


SIGNS: Mapping[Mood, str] = {Mood.WELL: "✓", Mood.WATCH: "◐", Mood.TROUBLE: "✕", Mood.WAITING: "…"}


class HeadlinePanel:
    """What stands first on the page. `detector` gives the one that is in force, `wall` epoch seconds."""

    name = "headline"
    place = "head"
    routes: Sequence[Any] = ()

    def __init__(
        self,
        rows: Callable[[], Sequence[Row]],
        detector: Callable[[], Detector],
        blame: Blame,
        *,
        wall: Callable[[], float],
    ) -> None:
        self._rows = rows
        self._detector = detector
        self._blame = blame
        self._wall = wall

    def page(self) -> str:
        """Return the sentence as HTML."""
        found = self._found()
        return (
            f'<div class="headline {found.mood}"><span class=sign aria-hidden=true>{SIGNS[found.mood]}</span>'
            f"<div><p class=words>{escaped(found.words)}</p><p class=detail>{escaped(found.detail)}</p></div></div>\n"
        )

    def data(self) -> dict[str, Any]:
        """Return the same for programs, and how the detector finds each client."""
        found = self._found()
        return {"mood": found.mood.value, "words": found.words, "detail": found.detail, "clients": self.states()}

    def states(self) -> dict[str, str]:
        """Return the state of each client, the worst of its environments."""
        found: dict[str, State] = {}
        for group in self._detector().groups:
            if group.kind is GroupKind.CLIENT:
                client = parted(group.name)[1]
                found[client] = min(found.get(client, State.HEALTHY), group.state, key=WORST_FIRST.index)
        return {client: state.name.lower().replace("_", " ") for client, state in found.items()}

    def _found(self) -> Headline:
        domains = dict.fromkeys(
            one.domain for environment in self._blame.environments for one in self._blame.findings(environment)
        )
        return headline(self._rows(), self._detector().groups, tuple(domains), self._wall())


def headline(rows: Sequence[Row], groups: Iterable[Group], domains: Sequence[Domain], now: float) -> Headline:
    """Return how things are. `now` in epoch seconds; `domains` are those to blame."""
    tried = [row for row in rows if row.verdict != PENDING]
    if not tried:
        words = "Waiting for the first attempts." if rows else "Nothing is probed."
        return Headline(Mood.WAITING, words, _counted(rows))
    listing = list(groups)
    titles = {row.client: row.title or row.client for row in rows}
    firing = _telling([one for one in listing if one.firing])
    if firing:
        return Headline(Mood.TROUBLE, _trouble(firing, titles, now) + _blamed(domains), _counted(rows))
    return _calm(rows, listing, titles, domains)


def _calm(
    rows: Sequence[Row], groups: Iterable[Group], titles: Mapping[str, str], domains: Sequence[Domain]
) -> Headline:
    """Say that there is no alarm, and what is still worth a look."""
    suspects = [one for one in groups if one.kind is GroupKind.CLIENT and one.state is State.SUSPECT]
    without = [row for row in rows if row.verdict not in SUCCEEDED | {PENDING}]
    if suspects:
        names = listed(_names(suspects, titles))
        return Headline(Mood.WATCH, f"No alarm. {names}: a failure is being looked at.", _counted(rows))
    if domains:
        return Headline(Mood.WATCH, f"No alarm.{_blamed(domains)}", _counted(rows))
    if without:
        share = f"{len(without)} of {len(rows)}"
        return Headline(Mood.WATCH, f"No alarm. {share} pairs did not succeed at their last attempt.", _counted(rows))
    return Headline(Mood.WELL, "All well.", _counted(rows))


def _telling(firing: Collection[Group]) -> list[Group]:
    """Return those groups that say most: clients, or whatever is next."""
    for kind in WHO:
        found = [one for one in firing if one.kind is kind]
        if found:
            return found
    return []


def _trouble(firing: Sequence[Group], titles: Mapping[str, str], now: float) -> str:
    names = _names(firing, titles)
    many = len(names) > 1
    since = moment(min(one.evidence.change or now for one in firing), now)
    seen = [one.evidence.since_change for one in firing]
    failures, transactions = (sum(column) for column in zip(*seen, strict=True))
    share = f" ({percent(failures / transactions)} % of attempts)" if transactions else ""
    if all(one.state is State.RECOVERING for one in firing):
        return f"{listed(names)} {'are' if many else 'is'} recovering from trouble that began at {since}{share}."
    return f"{listed(names)} {'have' if many else 'has'} been failing since {since}{share}."


def _names(groups: Iterable[Group], titles: Mapping[str, str]) -> list[str]:
    named = (WHO[one.kind].format(name=_called(parted(one.name)[1], titles)) for one in groups)
    return list(dict.fromkeys(named))


def _called(name: str, titles: Mapping[str, str]) -> str:
    """Return what people call a client, also where a location follows."""
    client, _, location = name.partition("@")
    called = titles.get(client, client)
    return f"{called} from {location}" if location and client else called


def _blamed(domains: Sequence[Domain]) -> str:
    return f" Most probably: {listed([one.value for one in domains])}." if domains else ""


def _counted(rows: Sequence[Row]) -> str:
    """Return how many pairs of client and target there are, and how they fared last."""
    well = sum(row.verdict in SUCCEEDED for row in rows)
    failed = sum(row.verdict == "failed" for row in rows)
    pending = sum(row.verdict == PENDING for row in rows)
    unclear = len(rows) - well - failed - pending
    parts = [f"{well} well", f"{failed} failed", f"{unclear} not counted", f"{pending} not tried yet"]
    shown = [part for part in parts if not part.startswith("0 ")]
    latest = max((row.ended_at for row in rows), default="")
    last = f"; the last attempt began at {latest[11:19]} UTC" if latest else ""
    clients = len({row.client for row in rows})
    return f"{clients} clients, {len(rows)} pairs of client and target: {', '.join(shown) or 'none'}{last}."
